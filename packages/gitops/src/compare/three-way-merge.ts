import {
  builtInType,
  isObject,
  type JsonObject,
  jsonEqual,
  type StructType,
  type ValueType,
} from "@tracegate/kube";

/**
 * What applying `target` would make of `live`, as `kubectl apply` reckons it: fields of the target win, fields that the
 * last application set and the target no longer has go, what only others set stays. Built-in kinds merge lists by key
 * (strategic merge), custom resources replace them whole (JSON merge patch).
 */
export function threeWayMerge(
  lastApplied: unknown,
  target: JsonObject,
  live: JsonObject,
  kind: { readonly apiVersion: string; readonly kind: string },
): JsonObject {
  const type = builtInType(kind.apiVersion, kind.kind);
  return mergeObjects(isObject(lastApplied) ? lastApplied : {}, target, live, type, type !== undefined);
}

/** `builtIn`: of a kind with Go types; `type` says which, where it is known. */
function mergeObjects(
  last: JsonObject,
  target: JsonObject,
  live: JsonObject,
  type: ValueType | undefined,
  builtIn: boolean,
): JsonObject {
  const merged: JsonObject = {};
  for (const [key, value] of Object.entries(live)) {
    if (Object.hasOwn(target, key)) continue;
    if (!Object.hasOwn(last, key) || last[key] === null) merged[key] = value;
  }
  for (const [key, wanted] of Object.entries(target)) {
    if (wanted === null) continue; // null asks for absence
    const present = live[key];
    // Go leaves empty values of built-in kinds out, so an absent one is the same.
    if (builtIn && present === undefined && isGoEmpty(wanted)) continue;
    const field = type?.type === "struct" ? type.fields.get(key) : undefined;
    const inner = field?.type ?? (type?.type === "map" ? type.value : undefined);
    const value = mergeValues(last[key], wanted, present, inner, builtIn);
    merged[key] =
      field?.retainKeys === true && isObject(value) && isObject(wanted) ? retained(value, wanted) : value;
  }
  return inOrderOf(live, merged);
}

function mergeValues(
  last: unknown,
  wanted: unknown,
  present: unknown,
  type: ValueType | undefined,
  builtIn: boolean,
): unknown {
  if (isObject(wanted)) {
    if (!isObject(present)) return withoutNulls(wanted);
    return mergeObjects(isObject(last) ? last : {}, wanted, present, type, builtIn);
  }
  if (Array.isArray(wanted) && Array.isArray(present)) {
    const identity = listIdentity(type);
    if (identity !== undefined && type?.type === "list") {
      return mergeLists(identity, Array.isArray(last) ? last : [], wanted, present, type.item);
    }
  }
  return wanted;
}

function mergeLists(
  identity: (item: unknown) => string,
  last: readonly unknown[],
  wanted: readonly unknown[],
  present: readonly unknown[],
  type: ValueType,
): unknown[] {
  const wantedBy = new Map(wanted.map((item) => [identity(item), item]));
  const presentBy = new Map(present.map((item) => [identity(item), item]));
  const lastBy = new Map(last.map((item) => [identity(item), item]));
  const merge = (key: string, item: unknown): unknown => {
    const live = presentBy.get(key);
    if (!isObject(item) || !isObject(live)) return item;
    const before = lastBy.get(key);
    return mergeObjects(isObject(before) ? before : {}, item, live, type, true);
  };
  const others = present.filter((item) => !wantedBy.has(identity(item)) && !lastBy.has(identity(item)));
  const merged = [...[...wantedBy].map(([key, item]) => merge(key, item)), ...others];
  // Where the target's order is kept by what is live, the live order stands: no difference.
  const places = new Map([...presentBy.keys()].map((key, index) => [key, index]));
  const order = [...wantedBy.keys()].map((key) => places.get(key));
  const ascending = order.every(
    (place, index) => place !== undefined && (index === 0 || place > (order[index - 1] ?? 0)),
  );
  if (!ascending) return merged;
  return merged.toSorted((a, b) => (places.get(identity(a)) ?? 0) - (places.get(identity(b)) ?? 0));
}

/** What tells items of a list apart; undefined for a list that is replaced whole. */
function listIdentity(type: ValueType | undefined): ((item: unknown) => string) | undefined {
  if (type?.type !== "list" || type.strategic === undefined) return undefined;
  const { mergeKey } = type.strategic;
  if (mergeKey === undefined) return (item) => JSON.stringify(item);
  // Server-side apply's keys tell more apart: port 53 of TCP and of UDP.
  const keys = type.keys.length > 0 ? type.keys : [mergeKey];
  const defaults = fieldDefaults(type.item);
  return (item) =>
    isObject(item)
      ? JSON.stringify(keys.map((key) => item[key] ?? defaults.get(key) ?? null))
      : JSON.stringify(item);
}

/** `protocol` is a key that manifests leave out; the API fills it in. */
function fieldDefaults(type: ValueType): ReadonlyMap<string, unknown> {
  const struct: StructType | undefined = type.type === "struct" ? type : undefined;
  const known = [...(struct?.fields.values() ?? [])].flatMap(({ name, default: value }) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return new Map([["protocol", "TCP"], ...known]);
}

/** Strategic merge's `retainKeys`: of an object that is one of several forms, only the target's members stay. */
function retained(value: JsonObject, wanted: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([key]) => key in wanted));
}

function isGoEmpty(value: unknown): boolean {
  if (value === "" || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && Object.keys(value).length === 0;
}

function withoutNulls(value: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, child]) => child !== null)
      .map(([key, child]) => [key, isObject(child) ? withoutNulls(child) : child]),
  );
}

/** Keys in the order they have in `live`, then new ones: unchanged objects come out as they were. */
function inOrderOf(live: JsonObject, merged: JsonObject): JsonObject {
  const ordered: JsonObject = {};
  for (const key of Object.keys(live)) if (Object.hasOwn(merged, key)) ordered[key] = merged[key];
  for (const key of Object.keys(merged)) if (!Object.hasOwn(ordered, key)) ordered[key] = merged[key];
  return ordered;
}

/** Equal as JSON: the order of keys does not count. */
export const sameJson: (a: unknown, b: unknown) => boolean = jsonEqual;
