/**
 * How a value is walked for field ownership: as a leaf (owned whole), as members by name, or as elements by key. The
 * type decides; where it says nothing, objects are walked and lists are leaves (structured-merge-diff's deduced type).
 */
import { isObject, type JsonObject } from "../json.ts";
import type { ListType, MapType, StructType, ValueType } from "../schema/value-type.ts";
import { keyElement } from "./field-set.ts";

export const ANYTHING: ValueType = { type: "any", goType: "interface {}" };

export type Shape = "leaf" | "members" | "elements";

/** The shape of a value; an absent or null one takes that of the other side. */
export function shapeOf(type: ValueType, value: unknown, other?: unknown): Shape {
  const sample = value ?? other;
  if (type.type === "list") return type.listType === "atomic" || !isListLike(sample) ? "leaf" : "elements";
  if (type.type === "struct" || type.type === "map")
    return type.atomic || !isMapLike(sample) ? "leaf" : "members";
  // Objects that Go holds as bytes are declared as objects without members.
  return type.type === "any" && type.raw !== "RawExtension" && isObject(sample) ? "members" : "leaf";
}

const isListLike = (value: unknown): boolean => Array.isArray(value) || value === undefined || value === null;
const isMapLike = (value: unknown): boolean => isObject(value) || value === undefined || value === null;

/** The type of a member, and whether it is a declared field (as against the key of a map). */
export function memberOf(type: ValueType, name: string): { type: ValueType; declared: boolean } {
  if (type.type === "struct") {
    const field = type.fields.get(name);
    return field === undefined ? { type: ANYTHING, declared: false } : { type: field.type, declared: true };
  }
  return { type: type.type === "map" ? type.value : ANYTHING, declared: false };
}

export function elementType(type: ValueType): ValueType {
  return type.type === "list" ? type.item : ANYTHING;
}

/** A list element that cannot be named: it lacks a key. */
export class MissingKeyError extends Error {}

/** The name of a list element: its keys (a key's default stands in where it is absent), or its value in a set. */
export function elementName(list: ListType, value: unknown): string {
  if (list.listType === "set") return `v:${JSON.stringify(value)}`;
  if (!isObject(value)) throw new MissingKeyError("associative list with keys may not have non-map elements");
  const keys = list.keys
    .map((key) => [key, keyValue(list, value, key)] as const)
    .filter(([, own]) => own !== undefined);
  if (keys.length > 0) return keyElement(keys);
  const named = `[${list.keys.map((key) => JSON.stringify(key)).join(" ")}]`;
  throw new MissingKeyError(
    `associative list with keys has an element that omits all key fields ${named} (and doesn't have default values for any key fields)`,
  );
}

/** A key's value, or its default; fields that are always written have the zero value for one. */
function keyValue(list: ListType, value: JsonObject, key: string): unknown {
  const own = value[key];
  if (own !== undefined && own !== null) return own;
  const field = list.item.type === "struct" ? list.item.fields.get(key) : undefined;
  if (field === undefined) return undefined;
  if (field.default !== undefined) return field.default;
  // The marker of this default is lost where the type is inlined.
  if (key === "name" && list.item.type === "struct" && list.item.goType.endsWith("LocalObjectReference"))
    return "";
  if (field.omitEmpty || field.pointer || field.type.type !== "scalar") return undefined;
  return field.type.scalar === "string" ? "" : field.type.scalar === "int32" ? 0 : undefined;
}

/** Elements by name, in order. An element without a name is passed over; of those with the same name all are kept. */
export function namedElements(list: ListType, values: unknown): Map<string, unknown[]> {
  const elements = new Map<string, unknown[]>();
  for (const value of Array.isArray(values) ? values : []) {
    const name = nameOrUndefined(list, value);
    if (name !== undefined) elements.set(name, [...(elements.get(name) ?? []), value]);
  }
  return elements;
}

export function nameOrUndefined(list: ListType, value: unknown): string | undefined {
  try {
    return elementName(list, value);
  } catch (error) {
    if (error instanceof MissingKeyError) return undefined;
    throw error;
  }
}

export type Members = StructType | MapType;

export function isEmptyValue(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}
