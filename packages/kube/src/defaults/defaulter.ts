import { isObject, type JsonObject } from "../json.ts";

/** Fills in what an object of one type leaves open, in place. */
export type Defaulter = (object: JsonObject) => void;

/** Sets a member that is absent, null or empty. */
export function setDefault(object: JsonObject, key: string, value: unknown): void {
  const current = object[key];
  if (current === undefined || current === null || current === "") object[key] = value;
}

/** Sets a number that is absent or 0: plain integers have no other way to be unset. */
export function setNumber(object: JsonObject, key: string, value: number): void {
  if (!object[key]) object[key] = value;
}

/** The object at a key, made where it is absent. */
export function ensureObject(object: JsonObject, key: string): JsonObject {
  const current = object[key];
  if (isObject(current)) return current;
  const made: JsonObject = {};
  object[key] = made;
  return made;
}

/** Whether a list or map is absent or empty. */
export function isEmptyMember(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}
