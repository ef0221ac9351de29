import { isObject, type JsonObject, jsonEqual } from "../json.ts";
import { type FieldError, invalid } from "./field-error.ts";

/** `field is immutable`, for the fields of an object that an update may not change; `path` is where the object stands. */
export function immutableErrors(
  object: JsonObject,
  before: JsonObject,
  fields: readonly string[],
  path = "",
): FieldError[] {
  return fields
    .filter((field) => !jsonEqual(object[field] ?? null, before[field] ?? null))
    .map((field) => {
      const value = isObject(object[field]) ? object[field] : (object[field] ?? null);
      return invalid(path === "" ? field : `${path}.${field}`, value, "field is immutable");
    });
}
