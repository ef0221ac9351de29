import type { FieldSpec, MessageSpec } from "./messages.ts";
import { REQUESTS } from "./messages.ts";
import type { Signal, SignalData } from "./model.ts";
import { emptyMessage, messageOf } from "./protobuf.ts";

/**
 * OTLP's JSON mapping: lowerCamelCase keys (snake_case accepted), hex ids, 64-bit integers as strings, enums as
 * numbers (names accepted), unknown keys ignored, null as absent. Written as the Collector writes it.
 */

/** JSON that is not the export request it claims to be. */
export class JsonError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "JsonError";
  }
}

type Fields = Record<string, unknown>;

export function decodeJson<S extends Signal>(signal: S, text: string): SignalData[S] {
  return fromJsonValue(signal, parse(text));
}

/** The same for JSON that is parsed already. */
export function fromJsonValue<S extends Signal>(signal: S, value: unknown): SignalData[S] {
  // The table of messages describes exactly the interfaces of the model.
  return readMessage(REQUESTS[signal], value, "") as unknown as SignalData[S];
}

export function encodeJson<S extends Signal>(signal: S, data: SignalData[S]): string {
  return JSON.stringify(toJsonValue(signal, data));
}

export function toJsonValue<S extends Signal>(signal: S, data: SignalData[S]): Record<string, unknown> {
  // As above.
  return writeMessage(REQUESTS[signal], data as unknown as Fields);
}

/** Any one message in its JSON form. */
export function messageToJson(spec: MessageSpec, fields: object): Record<string, unknown> {
  // Callers pass the interface of the model that `spec` describes.
  return writeMessage(spec, fields as Fields);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new JsonError(error instanceof Error ? error.message : String(error));
  }
}

function readMessage(spec: MessageSpec, value: unknown, path: string): Fields {
  const fields = emptyMessage(spec);
  if (value === null || value === undefined) return fields;
  if (typeof value !== "object" || Array.isArray(value)) throw mismatch(path, "an object", value);
  for (const field of spec.fields) {
    const given = lookUp(value as Fields, field.name);
    if (given === null || given === undefined) continue;
    if (field.oneof !== undefined) for (const other of field.oneof) delete fields[other];
    fields[field.name] = readField(field, given, path === "" ? field.name : `${path}.${field.name}`);
  }
  return fields;
}

function lookUp(value: Fields, name: string): unknown {
  if (Object.hasOwn(value, name)) return value[name];
  const snake = name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
  return Object.hasOwn(value, snake) ? value[snake] : undefined;
}

function readField(field: FieldSpec, value: unknown, path: string): unknown {
  switch (field.type) {
    case "message":
      return readMessage(messageOf(field), value, path);
    case "messages":
      return readList(value, path, (item, at) => readMessage(messageOf(field), item, at));
    case "counts":
    case "varints":
    case "doubles":
      return readList(value, path, (item, at) => readNumber(item, at));
    case "string":
      if (typeof value !== "string") throw mismatch(path, "a string", value);
      return value;
    case "traceId":
      return readId(value, 16, path);
    case "spanId":
      return readId(value, 8, path);
    case "bytes":
      if (typeof value !== "string") throw mismatch(path, "a base64 string", value);
      return new Uint8Array(Buffer.from(value, "base64"));
    case "bool":
      if (typeof value !== "boolean") throw mismatch(path, "a boolean", value);
      return value;
    case "int64":
    case "sfixed64":
      return readBigInt(value, path, -(2n ** 63n), 2n ** 63n - 1n);
    case "fixed64":
      return readBigInt(value, path, 0n, 2n ** 64n - 1n);
    case "enum":
      return readEnum(field, value, path);
    case "uint32":
    case "fixed32":
      return readInteger(value, path, 0, 0xffffffff);
    case "sint32":
      return readInteger(value, path, -0x80000000, 0x7fffffff);
    case "count64":
      return readInteger(value, path, 0, Number.MAX_SAFE_INTEGER);
    default:
      return readNumber(value, path);
  }
}

function readList<T>(value: unknown, path: string, item: (value: unknown, path: string) => T): T[] {
  if (!Array.isArray(value)) throw mismatch(path, "a list", value);
  return value.map((one, i) => item(one, `${path}[${i}]`));
}

function readId(value: unknown, length: number, path: string): string {
  if (typeof value !== "string") throw mismatch(path, "a hex string", value);
  if (value === "") return "";
  if (value.length !== length * 2 || !/^[0-9a-fA-F]+$/.test(value)) {
    throw new JsonError(`${path}: expected ${length * 2} hex digits, got ${JSON.stringify(value)}`);
  }
  return /^0+$/.test(value) ? "" : value.toLowerCase();
}

function readBigInt(value: unknown, path: string, min: bigint, max: bigint): bigint {
  const text = typeof value === "number" && Number.isInteger(value) ? BigInt(value).toString() : value;
  if (typeof text !== "string" || !/^-?\d{1,20}$/.test(text)) throw mismatch(path, "an integer", value);
  const n = BigInt(text);
  if (n < min || n > max) throw mismatch(path, `an integer from ${min} to ${max}`, value);
  return n;
}

function readInteger(value: unknown, path: string, min: number, max: number): number {
  const n = typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value;
  if (typeof n !== "number" || !Number.isInteger(n) || n < min || n > max) {
    throw mismatch(path, "an integer", value);
  }
  return n;
}

function readEnum(field: FieldSpec, value: unknown, path: string): number {
  if (typeof value === "string") {
    const index = field.names?.indexOf(value) ?? -1;
    if (index >= 0) return index;
  }
  return readInteger(value, path, -0x80000000, 0x7fffffff);
}

function readNumber(value: unknown, path: string): number {
  if (typeof value === "number") return value;
  if (value === "NaN") return Number.NaN;
  if (value === "Infinity" || value === "-Infinity") return Number(value);
  if (typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value)))
    return Number(value);
  throw mismatch(path, "a number", value);
}

function mismatch(path: string, expected: string, value: unknown): JsonError {
  const got = value === null ? "null" : Array.isArray(value) ? "a list" : typeof value;
  return new JsonError(`${path === "" ? "request" : path}: expected ${expected}, got ${got}`);
}

/** Sub-messages whose empty form is written all the same. */
const ALWAYS_WRITTEN = new Set(["resource", "scope", "status", "value"]);

function writeMessage(spec: MessageSpec, fields: Fields): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const field of spec.fields) {
    const value = fields[field.name];
    if (value === undefined) continue;
    const written = writeField(field, value);
    if (written !== undefined) out[field.name] = written;
  }
  return out;
}

/** The table fixes the type of each value. */
function writeField(field: FieldSpec, value: unknown): unknown {
  const keep = field.optional === true;
  switch (field.type) {
    case "message": {
      const written = writeMessage(messageOf(field), value as Fields);
      return keep || ALWAYS_WRITTEN.has(field.name) || Object.keys(written).length > 0 ? written : undefined;
    }
    case "messages": {
      const list = value as Fields[];
      if (list.length === 0) return field.name === "values" ? [] : undefined;
      return list.map((item) => writeMessage(messageOf(field), item));
    }
    case "counts":
    case "varints":
      return (value as number[]).length === 0 ? undefined : (value as number[]).map(String);
    case "doubles":
      return (value as number[]).length === 0 ? undefined : (value as number[]).map(writeDouble);
    case "bytes":
      return keep || (value as Uint8Array).length > 0
        ? Buffer.from(value as Uint8Array).toString("base64")
        : undefined;
    case "int64":
    case "fixed64":
    case "sfixed64":
      return keep || value !== 0n ? String(value) : undefined;
    case "count64":
      return keep || value !== 0 ? String(value) : undefined;
    case "double":
      return keep || value !== 0 ? writeDouble(value as number) : undefined;
    case "string":
    case "traceId":
    case "spanId":
      return keep || value !== "" ? value : undefined;
    default:
      return keep || (value !== 0 && value !== false) ? value : undefined;
  }
}

function writeDouble(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}
