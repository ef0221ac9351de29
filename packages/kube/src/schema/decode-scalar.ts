import { isObject } from "../json.ts";
import { timeError } from "../values/go-time.ts";
import { formatQuantity, parseQuantity } from "../values/quantity.ts";
import { formatTime, parseTime } from "../values/time.ts";
import type { ScalarType } from "./value-type.ts";

/** A body that does not fit its type; the message is the Go decoder's. */
export class DecodeError extends Error {
  /** The same said by the converter of unstructured objects, through which strategic merge patches go. */
  readonly converting: string;

  constructor(message: string, converting = message) {
    super(message);
    this.name = "DecodeError";
    this.converting = converting;
  }
}

/** What Go calls the type of a JSON value that it holds without knowing its form. */
export function goKind(value: unknown): string {
  if (Array.isArray(value)) return "slice";
  if (isObject(value)) return "map";
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  return typeof value === "boolean" ? "bool" : typeof value;
}

/** Reads a plain value of a type into the form in which it is written again. `where` names the field for messages. */
export function decodeScalar(type: ScalarType, value: unknown, where: () => string): unknown {
  switch (type.scalar) {
    case "string":
      if (typeof value !== "string") throw mismatch(value, type, where);
      return value;
    case "bool":
      if (typeof value !== "boolean") throw mismatch(value, type, where);
      return value;
    case "int32":
    case "int64":
      return decodeInteger(type, value, where);
    case "float64":
      if (typeof value !== "number") throw mismatch(value, type, where);
      return value;
    case "bytes":
      if (typeof value !== "string") throw mismatch(value, type, where);
      return decodeBase64(value);
    case "time":
      return decodeTime(value, where);
    case "microTime":
      return decodeMicroTime(value, where);
    case "quantity":
      return decodeQuantity(value);
    case "intOrString":
      return decodeIntOrString(value, where);
  }
}

/** What Go calls the JSON value in messages. */
export function jsonTypeName(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (isObject(value)) return "object";
  return typeof value === "boolean" ? "bool" : typeof value;
}

function mismatch(
  value: unknown,
  type: ScalarType,
  where: () => string,
  found = jsonTypeName(value),
): DecodeError {
  // Numbers turn into text and into other numbers in Go, which the converter then refuses in other words.
  const convertible = typeof value === "number" && type.scalar !== "bool" && type.scalar !== "bytes";
  const converting = convertible
    ? `cannot convert ${goKind(value)} to ${type.goType}`
    : `unrecognized type: ${type.scalar === "float64" ? "float64" : type.scalar}`;
  return new DecodeError(
    `json: cannot unmarshal ${found} into ${where()} of type ${type.goType}`,
    converting,
  );
}

function decodeInteger(type: ScalarType, value: unknown, where: () => string): number {
  if (typeof value !== "number") throw mismatch(value, type, where);
  const bound = type.scalar === "int32" ? 2 ** 31 : 2 ** 63;
  const fits =
    Number.isInteger(value) && value >= -bound && value < (type.scalar === "int32" ? bound : 2 ** 63 + 1);
  if (!fits) throw mismatch(value, type, where, `number ${value}`);
  return value;
}

function decodeBase64(text: string): string {
  const clean = text.replace(/[\r\n]/g, "");
  const wrong = /[^A-Za-z0-9+/]/.exec(clean.replace(/={1,2}$/, ""));
  if (wrong !== null) throw new DecodeError(`illegal base64 data at input byte ${wrong.index}`);
  if (clean.length % 4 !== 0) {
    // Go counts to the end of the last whole group.
    throw new DecodeError(`illegal base64 data at input byte ${clean.length - (clean.length % 4)}`);
  }
  return clean;
}

function decodeTime(value: unknown, where: () => string): string {
  if (typeof value !== "string") throw goValue(value, "string", where);
  const ms = parseTime(value);
  if (ms === undefined) throw new DecodeError(timeError(value));
  return formatTime(ms);
}

function decodeMicroTime(value: unknown, where: () => string): string {
  if (typeof value !== "string") throw goValue(value, "string", where);
  const ms = parseTime(value);
  const fraction = /\.(\d+)/.exec(value)?.[1];
  if (ms === undefined || fraction?.length !== 6) throw new DecodeError(timeError(value, true));
  // The fraction is kept as text: milliseconds do not hold six digits.
  return `${formatTime(ms).slice(0, -1)}.${fraction}Z`;
}

function decodeQuantity(value: unknown): string {
  if (typeof value !== "string" && typeof value !== "number") {
    throw new DecodeError(
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
  }
  try {
    return formatQuantity(parseQuantity(value));
  } catch (error) {
    throw new DecodeError(error instanceof Error ? error.message : String(error));
  }
}

function decodeIntOrString(value: unknown, where: () => string): string | number {
  if (typeof value === "string") return value;
  if (typeof value !== "number") throw goValue(value, "int32", where);
  if (!Number.isInteger(value) || value < -(2 ** 31) || value >= 2 ** 31) {
    throw goValue(value, "int32", where, `number ${value}`);
  }
  return value;
}

/** Types with a decoder of their own: the converter of unstructured objects calls it without knowing which field it is. */
function goValue(
  value: unknown,
  goType: string,
  where: () => string,
  found = jsonTypeName(value),
): DecodeError {
  return new DecodeError(
    `json: cannot unmarshal ${found} into ${where()} of type ${goType}`,
    `json: cannot unmarshal ${found} into Go value of type ${goType}`,
  );
}
