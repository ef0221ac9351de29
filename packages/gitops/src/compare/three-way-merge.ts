import { isDeepStrictEqual } from "node:util";
import { isObject, type JsonObject } from "../manifest.ts";

/**
 * What applying `target` would make of `live`, as `kubectl apply` reckons it: fields of the target win, fields that the
 * last application set and the target no longer has go, what only others set stays. Built-in kinds merge lists by key
 * (strategic merge), custom resources replace them whole (JSON merge patch).
 */
export function threeWayMerge(
  lastApplied: unknown,
  target: JsonObject,
  live: JsonObject,
  options: { builtIn: boolean },
): JsonObject {
  return mergeObjects(isObject(lastApplied) ? lastApplied : {}, target, live, options.builtIn);
}

function mergeObjects(last: JsonObject, target: JsonObject, live: JsonObject, builtIn: boolean): JsonObject {
  const merged: JsonObject = {};
  for (const [key, value] of Object.entries(live)) {
    if (key in target) continue;
    if (!(key in last) || last[key] === null) merged[key] = value;
  }
  for (const [key, wanted] of Object.entries(target)) {
    if (wanted === null) continue; // null asks for absence
    const present = live[key];
    // Go leaves empty values of built-in kinds out, so an absent one is the same.
    if (builtIn && present === undefined && isGoEmpty(wanted)) continue;
    merged[key] = mergeValues(key, last[key], wanted, present, builtIn);
  }
  return inOrderOf(live, merged);
}

function mergeValues(
  field: string,
  last: unknown,
  wanted: unknown,
  present: unknown,
  builtIn: boolean,
): unknown {
  if (isObject(wanted)) {
    return isObject(present)
      ? mergeObjects(isObject(last) ? last : {}, wanted, present, builtIn)
      : withoutNulls(wanted);
  }
  if (Array.isArray(wanted) && builtIn && Array.isArray(present)) {
    const identity = listIdentity(field, [...wanted, ...present]);
    if (identity !== undefined)
      return mergeLists(identity, Array.isArray(last) ? last : [], wanted, present, builtIn);
  }
  return wanted;
}

function mergeLists(
  identity: (item: unknown) => string,
  last: readonly unknown[],
  wanted: readonly unknown[],
  present: readonly unknown[],
  builtIn: boolean,
): unknown[] {
  const wantedBy = new Map(wanted.map((item) => [identity(item), item]));
  const presentBy = new Map(present.map((item) => [identity(item), item]));
  const lastBy = new Map(last.map((item) => [identity(item), item]));
  const merge = (key: string, item: unknown): unknown => {
    const live = presentBy.get(key);
    if (!isObject(item) || !isObject(live)) return item;
    const before = lastBy.get(key);
    return mergeObjects(isObject(before) ? before : {}, item, live, builtIn);
  };
  const others = present.filter((item) => !wantedBy.has(identity(item)) && !lastBy.has(identity(item)));
  const merged = [...[...wantedBy].map(([key, item]) => merge(key, item)), ...others];
  // Where nothing is new the live order is as good as any, and no difference.
  const order = new Map([...presentBy.keys()].map((key, index) => [key, index]));
  const keys = [...wantedBy.keys()];
  const ordered = keys.every((key, index) => {
    const before = index === 0 ? -1 : (order.get(keys[index - 1] ?? "") ?? Number.POSITIVE_INFINITY);
    return (order.get(key) ?? -1) > before;
  });
  if (!ordered) return merged;
  return merged.toSorted((a, b) => (order.get(identity(a)) ?? 0) - (order.get(identity(b)) ?? 0));
}

/** What tells items of a list of a built-in kind apart; undefined for a list that is replaced whole. */
export function listIdentity(
  field: string,
  items: readonly unknown[],
): ((item: unknown) => string) | undefined {
  if (field === "finalizers" && items.every((item) => typeof item === "string")) return String;
  const keys = listKeys(field, items);
  if (keys === undefined) return undefined;
  if (!items.every((item) => isObject(item) && item[keys[0] ?? ""] !== undefined)) return undefined;
  return (item) =>
    isObject(item)
      ? keys.map((key) => String(item[key] ?? (key === "protocol" ? "TCP" : ""))).join("\0")
      : "";
}

/** The merge keys that the API's Go types declare (`patchMergeKey`), by field name. */
function listKeys(field: string, items: readonly unknown[]): readonly string[] | undefined {
  switch (field) {
    case "containers":
    case "initContainers":
    case "ephemeralContainers":
    case "env":
    case "volumes":
    case "imagePullSecrets":
    case "secrets":
      return ["name"];
    case "ports":
      return items.some((item) => isObject(item) && "containerPort" in item)
        ? ["containerPort", "protocol"]
        : ["port", "protocol"];
    case "volumeMounts":
      return ["mountPath"];
    case "volumeDevices":
      return ["devicePath"];
    case "hostAliases":
      return ["ip"];
    case "topologySpreadConstraints":
      return ["topologyKey", "whenUnsatisfiable"];
    case "ownerReferences":
      return ["uid"];
    case "conditions":
      return ["type"];
    default:
      return undefined;
  }
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
  for (const key of Object.keys(live)) if (key in merged) ordered[key] = merged[key];
  for (const key of Object.keys(merged)) if (!(key in ordered)) ordered[key] = merged[key];
  return ordered;
}

/** Equal as JSON: the order of keys does not count. */
export const sameJson = (a: unknown, b: unknown): boolean => isDeepStrictEqual(a, b);
