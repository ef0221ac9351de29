import { getKey, isObject, setKey, sortedJson } from "@tracegate/kube";
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
  const ofFirst = "error failed to get params for first generator in matrix generator";
  const ofSecond = "failed to get params for second generator in the matrix generator";
  for (const a of await within(ofFirst, generate(first))) {
    for (const b of await within(ofSecond, generate(second, a))) {
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
  if (generators.length < 2)
    throw new GeneratorError("found less than two generators, Merge requires two or more");
  const given: (readonly Params[])[] = [];
  for (const [index, generator] of generators.entries()) {
    const which = `error getting param sets from generators: error getting params from generator ${index + 1} of ${generators.length}`;
    given.push(await within(which, generate(generator)));
  }
  const [base, ...overrides] = given.map((sets) => byKeys(sets, mergeKeys));
  const merged = base ?? new Map<string, Params>();
  for (const override of overrides) {
    for (const [key, params] of override) {
      const below = merged.get(key);
      if (below === undefined) continue;
      merged.set(key, goTemplate ? deepMerge(below, params) : { ...below, ...params });
    }
  }
  return [...merged.values()];
}

/** Sets by what they have under the keys, which must tell them apart. */
function byKeys(sets: readonly Params[], keys: readonly string[]): Map<string, Params> {
  const failure = (reason: string) => new GeneratorError(`error getting param sets by merge key: ${reason}`);
  if (keys.length === 0) throw failure("no merge keys were specified, Merge requires at least one");
  const known = new Map<string, Params>();
  for (const params of sets) {
    const flat = flatten(params);
    const key = sortedJson(Object.fromEntries(keys.map((name) => [name, flat[name] ?? null])));
    if (known.has(key))
      throw failure(
        `the parameters from a generator were not unique by the given mergeKeys, Merge requires all param sets to be unique. Duplicate key was ${key}`,
      );
    known.set(key, params);
  }
  return known;
}

/** What a child generator gives; its errors say which one it is. */
async function within(which: string, generating: Promise<readonly Params[]>): Promise<readonly Params[]> {
  try {
    return await generating;
  } catch (error) {
    if (!(error instanceof GeneratorError)) throw error;
    throw new GeneratorError(
      `${which}: child generator returned an error on parameter generation: ${error.message}`,
    );
  }
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
