import { getKey, isObject, setKey } from "@tracegate/kube";
import { readYaml } from "../yaml-documents.ts";
import { type FieldOptions, KustomizeError, type PatchTarget, type Replacement } from "./kustomization.ts";
import { selected } from "./patches.ts";
import type { Resource } from "./resource.ts";

/** Copies values from one resource's field into fields of others. */
export function replaceFields(resources: Resource[], replacements: readonly Replacement[]): void {
  for (const { source, targets = [] } of replacements) {
    if (source === undefined) throw new KustomizeError("replacements must specify a source");
    const value = sourceValue(resources, source);
    for (const { select, reject = [], fieldPaths = ["metadata.name"], options = {} } of targets) {
      if (select === undefined) throw new KustomizeError("target must specify resources to select");
      const rejected = new Set(reject.flatMap((target) => selected(resources, target)));
      for (const resource of selected(resources, select)) {
        if (rejected.has(resource)) continue;
        for (const path of fieldPaths) setField(resource, path, value, options);
      }
    }
  }
}

function sourceValue(resources: Resource[], source: NonNullable<Replacement["source"]>): unknown {
  const { fieldPath = "metadata.name", options, ...target } = source;
  const [found, another] = selected(resources, target);
  if (found === undefined) throw new KustomizeError(`nothing selected by ${idOf(target)}:${fieldPath}`);
  if (another !== undefined)
    throw new KustomizeError(`multiple matches for selector ${idOf(target)}:${fieldPath}`);
  const places = placesOf(found.manifest, pathOf(fieldPath), false);
  const value = places[0]?.get();
  if (value === undefined)
    throw new KustomizeError(
      `fieldPath \`${fieldPath}\` is missing for replacement source ${idOf(target)}:${fieldPath}`,
    );
  if (options?.delimiter === undefined || options.delimiter === "") return value;
  const part = String(value).split(options.delimiter)[options.index ?? 0];
  if (part === undefined)
    throw new KustomizeError(
      `options.index ${options.index ?? 0} is out of bounds for value ${String(value)}`,
    );
  return part;
}

const idOf = ({ group, version, kind, name, namespace }: PatchTarget): string =>
  `${kind ?? "[noKind]"}.${version ?? "[noVer]"}.${group ?? "[noGrp]"}/${name ?? "[noName]"}.${namespace ?? "[noNs]"}`;

function setField({ manifest }: Resource, path: string, value: unknown, options: FieldOptions): void {
  const places = placesOf(manifest, pathOf(path), options.create === true);
  if (places.length === 0) throw new KustomizeError(`unable to find field "${path}" in replacement target`);
  for (const place of places) {
    const before = place.get();
    place.set(options.delimiter ? withPart(before, value, options) : asWritten(before, value));
  }
}

/** ⚠ Of a single value only its text is copied: it is read as what stood there; where nothing stood, as bare YAML. */
function asWritten(before: unknown, value: unknown): unknown {
  if (isContainer(value) || isContainer(before)) return structuredClone(value);
  if (typeof before === "string") return String(value);
  return readYaml(String(value)).documents[0]?.value ?? value;
}

const isContainer = (value: unknown): boolean => typeof value === "object" && value !== null;

function withPart(before: unknown, value: unknown, { delimiter = "", index = 0 }: FieldOptions): string {
  const parts = String(before ?? "").split(delimiter);
  if (index < 0) return [String(value), ...parts].join(delimiter);
  if (index >= parts.length) return [...parts, String(value)].join(delimiter);
  return parts.with(index, String(value)).join(delimiter);
}

/** `a.b\.c.[name=x].*` as its steps. */
const pathOf = (path: string): string[] =>
  (path.match(/(?:\\.|\[[^\]]*\]|[^.\\])+/g) ?? []).map((step) => step.replace(/\\(.)/g, "$1"));

/** A field that is there, or may be made. */
interface Place {
  get(): unknown;
  set(value: unknown): void;
}

/** The fields that a path leads to. */
function placesOf(root: unknown, steps: readonly string[], create: boolean): Place[] {
  const [step, ...rest] = steps;
  if (step === undefined) return [];
  const further = (holder: Record<string, unknown> | unknown[], key: string | number): Place[] => {
    const at = holder as Record<string, unknown>; // both are indexed so
    // Own fields only, `__proto__` by name: paths come from a repository.
    const get = () => getKey(at, String(key));
    const set = (value: unknown) => setKey(at, String(key), value);
    if (rest.length === 0) return get() === undefined && !create ? [] : [{ get, set }];
    if (get() === undefined && create) set({});
    return placesOf(get(), rest, create);
  };
  if (Array.isArray(root)) {
    const [, key, wanted] = /^\[([^=]+)=(.*)\]$/.exec(step) ?? [];
    return root.flatMap((item, index) => {
      const agrees =
        step === "*" ||
        (key === undefined ? step === String(index) : isObject(item) && String(item[key]) === wanted);
      return agrees ? further(root, index) : [];
    });
  }
  if (!isObject(root)) return [];
  return step === "*" ? Object.keys(root).flatMap((key) => further(root, key)) : further(root, step);
}
