import type { JsonObject } from "../json.ts";
import { percentOf } from "../values/int-or-percent.ts";
import { type FieldError, invalid } from "./field-error.ts";
import { portNameErrors, portNumberErrors } from "./names.ts";

/** `must be greater than or equal to 0`, for the fields of an object that must not be negative. */
export function negativeErrors(
  object: JsonObject | undefined,
  fields: readonly string[],
  path: string,
): FieldError[] {
  return fields.flatMap((field) => {
    const value = object?.[field];
    if (typeof value !== "number" || value >= 0) return [];
    return [invalid(`${path}.${field}`, value, "must be greater than or equal to 0")];
  });
}

/** A port by number or by name. */
export function portErrors(value: unknown, path: string): FieldError[] {
  const wrong = typeof value === "string" ? portNameErrors(value) : portNumberErrors(Number(value ?? 0));
  return wrong.map((detail) => invalid(path, value ?? 0, detail));
}

const PERCENT =
  "a valid percent string must be a numeric string followed by an ending '%' " +
  "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

/** A number that is not negative, or a percentage. */
export function intOrPercentErrors(value: unknown, path: string): FieldError[] {
  if (typeof value === "string") return /^[0-9]+%$/.test(value) ? [] : [invalid(path, value, PERCENT)];
  if (typeof value !== "number" || value >= 0) return [];
  return [invalid(path, value, "must be greater than or equal to 0")];
}

/** A percentage that is more than the whole. */
export function overHundredErrors(value: unknown, path: string): FieldError[] {
  const percent = typeof value === "string" ? percentOf(value) : undefined;
  return percent !== undefined && percent > 100
    ? [invalid(path, value, "must not be greater than 100%")]
    : [];
}
