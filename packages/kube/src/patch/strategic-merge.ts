import { copyJson, getKey, isObject, type JsonObject, jsonEqual, setKey } from "../json.ts";
import type { ListType, StructType, ValueType } from "../schema/value-type.ts";
import { StatusError } from "../status.ts";
import { goMap } from "../values/go-text.ts";
import { badRequest } from "./refusal.ts";
import { orderMerged, sameElement } from "./strategic-order.ts";

const DIRECTIVE = "$patch";
const RETAIN_KEYS = "$retainKeys";
const DELETE_FROM = "$deleteFromPrimitiveList/";
const ELEMENT_ORDER = "$setElementOrder/";

/**
 * Applies a strategic merge patch to a copy of an object of a built-in kind: maps merge by key, lists as their type says
 * (by merge key, as a set, or replaced), and `$patch`, `$retainKeys`, `$deleteFromPrimitiveList` and `$setElementOrder`
 * do what they name (apimachinery `strategicpatch`).
 */
export function applyStrategicMergePatch(document: JsonObject, patch: unknown, type: StructType): JsonObject {
  if (!isObject(patch)) throw badRequest("Invalid JSON Patch");
  return mergeMap(copyJson(document), copyJson(patch), type);
}

function mergeMap(original: JsonObject, patch: JsonObject, type: ValueType | undefined): JsonObject {
  const directive = getKey(patch, DIRECTIVE);
  if (directive === "replace") {
    delete patch[DIRECTIVE];
    return patch;
  }
  if (directive === "delete") return {};
  if (directive !== undefined)
    throw internal(`unknown patch type: ${String(directive)} in map: ${goMap(patch)}`);
  retainKeys(original, patch);
  orderLists(original, patch, type);
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(DELETE_FROM)) deleteValues(original, key.slice(DELETE_FROM.length), value);
    else mergeKey(original, key, value, memberType(type, key));
  }
  return original;
}

function mergeKey(original: JsonObject, key: string, value: unknown, type: ValueType | undefined): void {
  if (value === null) {
    delete original[key];
    return;
  }
  const current = getKey(original, key);
  if (isObject(current) && isObject(value)) setKey(original, key, mergeMap(current, value, type));
  else if (Array.isArray(current) && Array.isArray(value))
    setKey(original, key, mergeList(current, value, type));
  else setOrDelete(original, key, withoutDirectives(value));
}

function mergeList(original: unknown[], patch: unknown[], type: ValueType | undefined): unknown[] {
  if (type?.type !== "list" || type.strategic === undefined) return patch;
  if (original.length === 0 && patch.length === 0) return original;
  const elements = [...original, ...patch];
  if (elements.some(Array.isArray)) throw unprocessable("lists of lists are not supported");
  if (!elements.some(isObject)) {
    const merged = distinct(elements);
    return orderMerged(merged, patch, original, undefined);
  }
  const key = type.strategic.mergeKey;
  if (key === undefined) throw internal("cannot merge lists without merge key for ");
  const { kept, changes } = applyElementDirectives(original, patch, key);
  return orderMerged(mergeElements([...kept], changes, key, type), changes, kept, key);
}

/** Elements that carry `$patch` delete others or empty the list; the rest are merged. */
function applyElementDirectives(
  original: readonly unknown[],
  patch: readonly unknown[],
  key: string,
): { kept: unknown[]; changes: JsonObject[] } {
  let kept = [...original];
  let replaced = false;
  const changes: JsonObject[] = [];
  for (const element of patch) {
    if (!isObject(element))
      throw internal(`expected a map[string]interface {}, but received a ${typeof element}`);
    const directive = getKey(element, DIRECTIVE);
    if (directive === undefined) changes.push(element);
    else if (directive === "delete") {
      if (getKey(element, key) === undefined) throw noMergeKey(element, key);
      kept = kept.filter((other) => !sameElement(other, element, key));
    } else if (directive === "replace") replaced = true;
    else if (directive === "merge") throw internal("merging lists cannot yet be specified in the patch");
    else throw internal(`unknown patch type: ${String(directive)} in map: ${goMap(element)}`);
  }
  return replaced ? { kept: changes, changes: [] } : { kept, changes };
}

function mergeElements(
  list: unknown[],
  changes: readonly JsonObject[],
  key: string,
  type: ListType,
): unknown[] {
  for (const change of changes) {
    if (getKey(change, key) === undefined) throw noMergeKey(change, key);
    const at = list.findIndex((other) => sameElement(other, change, key));
    const current = list[at];
    if (isObject(current)) list[at] = mergeMap(current, copyJson(change), type.item);
    else list.push(withoutDirectives(change) ?? {});
  }
  return list;
}

/** `$setElementOrder/F` names the final order of list F, whose own patch is merged at the same time. */
function orderLists(original: JsonObject, patch: JsonObject, type: ValueType | undefined): void {
  for (const [directive, order] of Object.entries(patch)) {
    if (!directive.startsWith(ELEMENT_ORDER)) continue;
    delete patch[directive];
    const key = directive.slice(ELEMENT_ORDER.length);
    const field = memberType(type, key);
    const mergeKeyName = field?.type === "list" ? field.strategic?.mergeKey : undefined;
    const current = getKey(original, key);
    const change = getKey(patch, key);
    if (!Array.isArray(order) || (change !== undefined && change !== null && !Array.isArray(change))) {
      throw badRequest("invalid patch format of setElementOrder list");
    }
    if (change === null) continue;
    delete patch[key];
    const before = Array.isArray(current) ? current : undefined;
    if (before === undefined && change === undefined) continue;
    checkOrder(change ?? [], order, mergeKeyName);
    const merged =
      before === undefined
        ? (change ?? []).flatMap((element) => withoutDirectives(element) ?? [])
        : change === undefined
          ? before
          : mergeList(before, change, field);
    setKey(original, key, orderMerged(merged, order, before ?? [], mergeKeyName));
  }
}

/** Every element of the patch list must stand in the order list, in that order. */
function checkOrder(patch: readonly unknown[], order: readonly unknown[], key: string | undefined): void {
  const elements = patch.filter((element) => !(isObject(element) && DIRECTIVE in element));
  if (elements.length === 0 || order.length === 0) return;
  let at = 0;
  for (const named of order) if (at < elements.length && sameElement(elements[at], named, key)) at++;
  if (at < elements.length) {
    const text = (list: readonly unknown[]) => goMap(list);
    throw internal(
      `The order in patch list:\n${text(patch)}\n doesn't match $setElementOrder list:\n${text(order)}\n`,
    );
  }
}

/** `$retainKeys` drops what it does not name from the original; what the patch sets must be named. */
function retainKeys(original: JsonObject, patch: JsonObject): void {
  if (!Object.hasOwn(patch, RETAIN_KEYS)) return;
  const named = patch[RETAIN_KEYS];
  delete patch[RETAIN_KEYS];
  const isDirective = (key: string) => key.startsWith(DELETE_FROM) || key.startsWith(ELEMENT_ORDER);
  const stray =
    !Array.isArray(named) ||
    Object.entries(patch).some(([key, value]) => value !== null && !isDirective(key) && !named.includes(key));
  if (stray) throw badRequest("invalid patch format of retainKeys");
  for (const key of Object.keys(original)) if (!named.includes(key)) delete original[key];
}

function deleteValues(original: JsonObject, key: string, values: unknown): void {
  // What is of another type than the list is passed over, as upstream.
  if (!Array.isArray(values)) return;
  const current = getKey(original, key);
  if (Array.isArray(current))
    setKey(
      original,
      key,
      current.filter((value) => !values.includes(value)),
    );
}

/** What remains of a value that is set anew: nulls and directives mean nothing without something to merge into. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.flatMap((item) => withoutDirectives(item) ?? []);
  if (!isObject(value)) return value ?? undefined;
  if (getKey(value, DIRECTIVE) === "delete") return undefined;
  const result: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    if (key === DIRECTIVE || key === RETAIN_KEYS) continue;
    if (key.startsWith(DELETE_FROM) || key.startsWith(ELEMENT_ORDER)) continue;
    const kept = withoutDirectives(member);
    if (kept !== undefined) setKey(result, key, kept);
  }
  return result;
}

function setOrDelete(target: JsonObject, key: string, value: unknown): void {
  if (value === undefined) delete target[key];
  else setKey(target, key, value);
}

function memberType(type: ValueType | undefined, key: string): ValueType | undefined {
  if (type?.type === "struct") return type.fields.get(key)?.type;
  return type?.type === "map" ? type.value : undefined;
}

function distinct(values: readonly unknown[]): unknown[] {
  return values.filter((value, i) => values.findIndex((other) => jsonEqual(value, other)) === i);
}

/** Upstream has no status for these, so they become 500; the message is its own. */
function internal(message: string): StatusError {
  return new StatusError({ message, code: 500 });
}

const noMergeKey = (element: JsonObject, key: string): StatusError =>
  internal(`map: ${goMap(element)} does not contain declared merge key: ${key}`);

function unprocessable(message: string): StatusError {
  return new StatusError({ message, reason: "Invalid", details: {}, code: 422 });
}
