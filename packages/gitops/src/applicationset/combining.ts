import { getKey, isObject, setKey } from "@tracegate/kube";
import type { Generator, MatrixGenerator, MergeGenerator } from "../types/application-set.ts";
import { flatten, GeneratorError, type Params } from "./params.ts";

/** Each becomes an Application; a repository can ask for very many with few words. */
export const maxSets = 10_000;
export const tooManySets = () =>
  new GeneratorError(`a generator gives more than ${maxSets} sets of parameters`);

type Child = (generator: Generator, params?: Params) => Promise<readonly Params[]>;

/** Every set of the first generator with every set that the second gives for it. */
export async function combineMatrix(
  { generators = [] }: MatrixGenerator,
  goTemplate: boolean,
  generate: Child,
): Promise<Params[]> {
  const [first, second] = generators;
  if (first === undefined || second === undefined)
    throw new GeneratorError("found less than two generators, Matrix support only two");
  if (generators.length > 2)
    throw new GeneratorError("found more than two generators, Matrix support only two");
  const combined: Params[] = [];
  for (const a of await generate(first)) {
    for (const b of await generate(second, a)) {
      if (combined.length === maxSets) throw tooManySets();
      combined.push(goTemplate ? deepMerge(b, a) : joined(a, b));
    }
  }
  return combined;
}

/** The first generator's sets, each overridden by the sets of the others that agree with it in the keys. */
export async function combineMerge(
  { generators = [], mergeKeys = [] }: MergeGenerator,
  goTemplate: boolean,
  generate: Child,
): Promise<Params[]> {
  const [first, ...others] = generators;
  if (first === undefined || others.length === 0)
    throw new GeneratorError("found less than two generators, Merge requires two or more");
  if (mergeKeys.length === 0)
    throw new GeneratorError("no merge keys were specified, Merge requires at least one");
  const byKeys = async (generator: Generator): Promise<Map<string, Params>> => {
    const sets = await generate(generator);
    const known = new Map(sets.map((params) => [identity(params, mergeKeys), params]));
    if (known.size < sets.length) {
      throw new GeneratorError(
        "the parameters from a generator were not unique by the given mergeKeys, Merge requires all param sets to be unique",
      );
    }
    return known;
  };
  const merged = await byKeys(first);
  for (const other of others) {
    for (const [key, params] of await byKeys(other)) {
      const base = merged.get(key);
      if (base === undefined) continue;
      merged.set(key, goTemplate ? deepMerge(base, params) : { ...base, ...params });
    }
  }
  return [...merged.values()];
}

function identity(params: Params, keys: readonly string[]): string {
  const flat = flatten(params);
  return JSON.stringify(keys.toSorted().map((key) => flat[key] ?? null));
}

/** Flat sets as one; they may share a key only where they agree. */
function joined(a: Params, b: Params): Params {
  for (const [key, value] of Object.entries(b)) {
    if (Object.hasOwn(a, key) && a[key] !== value) {
      throw new GeneratorError(
        `failed to combine string maps with merging params for the matrix generator: found duplicate key ${key} with different value, a: ${String(a[key])} ,b: ${String(value)}`,
      );
    }
  }
  return { ...a, ...b };
}

/** `over` on top of `base`: objects are merged, empty values say nothing. */
export function deepMerge<T extends object>(base: T, over: object): T {
  const merged: Record<string, unknown> = { ...(base as Record<string, unknown>) }; // any object is one
  for (const [key, value] of Object.entries(over)) {
    const below = getKey(merged, key);
    if (isObject(below) && isObject(value)) setKey(merged, key, deepMerge(below, value));
    else if (!isEmpty(value)) setKey(merged, key, value);
  }
  return merged as T; // every field of T is still there, of the same shape
}

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === "" ||
  value === 0 ||
  value === false ||
  (Array.isArray(value) && value.length === 0);
