/** Protobuf bodies as Go clients of built-in kinds send them, made into the objects that JSON would have brought. */

import { type JsonObject, objectAt, setKey } from "../json.ts";
import { jsonSchemaType } from "../schema/built-in-types.ts";
import type { AnyType, Field, ScalarType, StructType, ValueType } from "../schema/value-type.ts";
import { formatTime } from "../values/time.ts";
import { BYTES, ProtobufError, signed, text, type WireField, wireFields } from "./wire.ts";

export { ProtobufError };

/** What a body holds, by its own account. */
export interface ProtobufBody {
  readonly apiVersion: string;
  readonly kind: string;
  /** The object's own bytes. */
  readonly raw: Uint8Array;
}

const MAGIC = [0x6b, 0x38, 0x73, 0x00];

/** Opens the envelope: `k8s` and a NUL, then a `runtime.Unknown`. */
export function openProtobufBody(body: Uint8Array): ProtobufBody {
  if (!MAGIC.every((byte, i) => body[i] === byte)) {
    throw new ProtobufError(
      "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]",
    );
  }
  let [apiVersion, kind, raw] = ["", "", new Uint8Array(0)];
  for (const field of wireFields(body.subarray(MAGIC.length))) {
    if (field.number === 2) raw = Uint8Array.from(field.bytes);
    if (field.number !== 1) continue;
    for (const member of wireFields(field.bytes)) {
      if (member.number === 1) apiVersion = text(member.bytes);
      if (member.number === 2) kind = text(member.bytes);
    }
  }
  return { apiVersion, kind, raw };
}

/**
 * The object of a body as JSON. Zero values that Go always sends are still in it: `decodeTyped` drops them. Throws
 * `ProtobufError` for bytes that are no such message.
 */
export function decodeProtobuf(type: StructType, { apiVersion, kind, raw }: ProtobufBody): JsonObject {
  return { kind, apiVersion, ...decodeMessage(indexOf(type), raw, 0) };
}

/** Deeper nesting than any kind has (schemas of CRDs nest freely) is refused. */
const MAX_DEPTH = 200;

/** Fields by number; those of inlined messages hang below the number of theirs. */
interface MessageIndex {
  readonly fields: Map<number, Field>;
  readonly inlined: Map<number, MessageIndex>;
}

const indices = new WeakMap<StructType, MessageIndex>();

function indexOf(type: StructType): MessageIndex {
  const known = indices.get(type);
  if (known !== undefined) return known;
  const index = newIndex();
  indices.set(type, index);
  for (const field of type.fields.values()) {
    let at = index;
    const path = field.protoPath ?? [];
    for (const number of path.slice(0, -1)) {
      const below = at.inlined.get(number) ?? newIndex();
      at.inlined.set(number, below);
      at = below;
    }
    const last = path.at(-1);
    if (last !== undefined) at.fields.set(last, field);
  }
  return index;
}

const newIndex = (): MessageIndex => ({ fields: new Map(), inlined: new Map() });

function decodeMessage(index: MessageIndex, bytes: Uint8Array, depth: number): JsonObject {
  if (depth > MAX_DEPTH) throw new ProtobufError("proto: nesting too deep");
  const object: JsonObject = {};
  for (const wire of wireFields(bytes)) {
    const inlined = index.inlined.get(wire.number);
    if (inlined !== undefined) Object.assign(object, decodeMessage(inlined, wire.bytes, depth + 1));
    const field = index.fields.get(wire.number);
    if (field !== undefined) addField(object, field, wire, depth);
  }
  return object;
}

function addField(object: JsonObject, { name, type }: Field, wire: WireField, depth: number): void {
  if (type.type === "list") {
    const list = Array.isArray(object[name]) ? object[name] : [];
    list.push(decodeValue(type.item, wire, depth));
    object[name] = list;
  } else if (type.type === "map") {
    const map = objectAt(object, name) ?? {};
    addEntry(map, type.value, wire.bytes, depth);
    object[name] = map;
  } else {
    setKey(object, name, decodeValue(type, wire, depth));
  }
}

/** Maps travel as repeated pairs; a pair may leave out what is zero. */
function addEntry(map: JsonObject, type: ValueType, bytes: Uint8Array, depth: number): void {
  let key = "";
  let value: unknown = zero(type);
  for (const wire of wireFields(bytes)) {
    if (wire.number === 1) key = text(wire.bytes);
    // A list as the value of a map is a message around its items.
    if (wire.number === 2)
      value =
        type.type === "list" ? decodeItems(type.item, wire.bytes, depth) : decodeValue(type, wire, depth);
  }
  setKey(map, key, value);
}

function decodeItems(type: ValueType, bytes: Uint8Array, depth: number): unknown[] {
  return [...wireFields(bytes)]
    .filter(({ number }) => number === 1)
    .map((wire) => decodeValue(type, wire, depth + 1));
}

function decodeValue(type: ValueType, wire: WireField, depth: number): unknown {
  if (type.type === "scalar") return decodeScalar(type, wire);
  if (wire.wireType !== BYTES)
    throw new ProtobufError(`proto: wrong wireType = ${wire.wireType} for field ${type.goType}`);
  if (type.type === "struct") return decodeMessage(indexOf(type), wire.bytes, depth + 1);
  if (type.type === "any") return decodeFree(type, wire.bytes, depth + 1);
  throw new ProtobufError(`proto: unexpected ${type.goType}`);
}

function decodeScalar({ scalar, goType }: ScalarType, wire: WireField): unknown {
  const isNumber = scalar === "bool" || scalar === "int32" || scalar === "int64";
  const expected = isNumber ? 0 : scalar === "float64" ? 1 : BYTES;
  if (wire.wireType !== expected)
    throw new ProtobufError(`proto: wrong wireType = ${wire.wireType} for field ${goType}`);
  switch (scalar) {
    case "string":
      return text(wire.bytes);
    case "bool":
      return wire.varint !== 0n;
    case "int32":
    case "int64":
      return signed(wire.varint);
    case "float64":
      return new DataView(wire.bytes.buffer, wire.bytes.byteOffset, 8).getFloat64(0, true);
    case "bytes":
      return Buffer.from(wire.bytes).toString("base64");
    case "time":
    case "microTime":
      return decodeTimestamp(wire.bytes, scalar === "microTime");
    case "quantity":
      return decodeQuantity(wire.bytes);
    case "intOrString":
      return decodeIntOrString(wire.bytes);
  }
}

/** An empty message is the zero time, which JSON writes as null. */
function decodeTimestamp(bytes: Uint8Array, micro: boolean): string | null {
  if (bytes.length === 0) return null;
  let [seconds, nanos] = [0, 0];
  for (const { number, varint } of wireFields(bytes)) {
    if (number === 1) seconds = signed(varint);
    if (number === 2) nanos = signed(varint);
  }
  // Years 1 to 9999: what Go's own JSON form can hold.
  if (seconds < -62_135_596_800 || seconds > 253_402_300_799)
    throw new ProtobufError("proto: timestamp out of range");
  const whole = formatTime(seconds * 1000);
  return micro ? `${whole.slice(0, -1)}.${String(Math.trunc(nanos / 1000)).padStart(6, "0")}Z` : whole;
}

function decodeQuantity(bytes: Uint8Array): string {
  for (const { number, bytes: content } of wireFields(bytes)) if (number === 1) return text(content) || "0";
  return "0";
}

function decodeIntOrString(bytes: Uint8Array): number | string {
  let [type, int, string] = [0, 0, ""];
  for (const { number, varint, bytes: content } of wireFields(bytes)) {
    if (number === 1) type = signed(varint);
    if (number === 2) int = signed(varint);
    if (number === 3) string = text(content);
  }
  return type === 1 ? string : int;
}

/** Free JSON travels as its text; the schema alternatives of CRDs as a choice between two fields. */
function decodeFree({ raw }: AnyType, bytes: Uint8Array, depth: number): unknown {
  const fields = [...wireFields(bytes)];
  const all = (wanted: number) => fields.filter(({ number }) => number === wanted);
  const schemas = (wanted: number) => all(wanted).map((wire) => decodeSchema(wire.bytes, depth));
  switch (raw) {
    case "JSONSchemaPropsOrBool":
      return schemas(2)[0] ?? all(1)[0]?.varint === 1n;
    case "JSONSchemaPropsOrArray":
      return schemas(1)[0] ?? schemas(2);
    case "JSONSchemaPropsOrStringArray":
      return schemas(1)[0] ?? all(2).map((wire) => text(wire.bytes));
    default:
      return parseFree(all(1)[0]?.bytes);
  }
}

function parseFree(bytes: Uint8Array | undefined): unknown {
  if (bytes === undefined || bytes.length === 0) return null;
  try {
    return JSON.parse(text(bytes));
  } catch {
    throw new ProtobufError("proto: raw content is no JSON");
  }
}

function decodeSchema(bytes: Uint8Array, depth: number): JsonObject {
  return decodeMessage(indexOf(jsonSchemaType()), bytes, depth + 1);
}

function zero(type: ValueType): unknown {
  if (type.type !== "scalar") return type.type === "list" ? [] : {};
  if (type.scalar === "bool") return false;
  return type.scalar === "quantity" ? "0" : type.scalar === "string" || type.scalar === "bytes" ? "" : 0;
}
