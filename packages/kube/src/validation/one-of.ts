import { type JsonObject, stringAt } from "../json.ts";
import { type FieldError, notSupported, required } from "./field-error.ts";

/** A field that must have one of some values. */
export function oneOf(
  object: JsonObject,
  field: string,
  values: readonly string[],
  path: string,
): FieldError[] {
  const value = stringAt(object, field);
  if (value === "") return [required(`${path}.${field}`)];
  return values.includes(value) ? [] : [notSupported(`${path}.${field}`, value, values)];
}
