/**
 * Objects of built-in kinds as Go would hold and write them: members in declared order, zero values where the type always
 * writes them, nothing that the type does not declare. What cannot be held is refused with the decoder's own message.
 */
import { getKey, isObject, type JsonObject, setKey } from "../json.ts";
import { jsonSchemaType } from "./built-in-types.ts";
import { DecodeError, decodeScalar, goKind, jsonTypeName } from "./decode-scalar.ts";
import type { AnyType, Field, StructType, ValueType } from "./value-type.ts";

export { DecodeError };

export interface TypedObject {
  readonly object: JsonObject;
  /** Paths of members that the type does not declare, in the order found; they were dropped. */
  readonly unknown: readonly string[];
}

/** Reads an object of a built-in kind. Throws `DecodeError`. */
export function decodeTyped(type: StructType, value: JsonObject): TypedObject {
  const { apiVersion, kind, ...members } = value;
  const unknown: string[] = [];
  const place: Place = { path: "", fields: [], struct: type, unknown };
  const object: JsonObject = {};
  // Go writes kind and apiVersion first.
  if (kind !== undefined) object["kind"] = kind;
  if (apiVersion !== undefined) object["apiVersion"] = apiVersion;
  Object.assign(object, decodeStruct(type, members, place));
  return { object, unknown: unknown.length > 1 ? inOrderOf(value, unknown) : unknown };
}

/** Paths in the order in which an object holds what they lead to. */
function inOrderOf(value: unknown, paths: readonly string[]): string[] {
  const wanted = new Set(paths);
  const found: string[] = [];
  const visit = (at: unknown, path: string) => {
    if (wanted.has(path)) {
      found.push(path);
      return;
    }
    if (Array.isArray(at)) for (const [i, item] of at.entries()) visit(item, `${path}[${i}]`);
    else if (isObject(at)) {
      for (const [key, member] of Object.entries(at)) visit(member, path === "" ? key : `${path}.${key}`);
    }
  };
  visit(value, "");
  return found;
}

/** An empty list of owners is no absent one: it asks to forget who owns what. */
export function keepOwnershipReset(sent: JsonObject, object: JsonObject): void {
  const owners = isObject(sent["metadata"]) ? sent["metadata"]["managedFields"] : undefined;
  if (Array.isArray(owners) && owners.length === 0 && isObject(object["metadata"])) {
    object["metadata"]["managedFields"] = [];
  }
}

/** What an empty object of a kind looks like: what a create is compared with for field ownership. */
export function emptyObject(type: StructType, apiVersion: string, kind: string): JsonObject {
  return decodeTyped(type, { apiVersion, kind }).object;
}

/** Where decoding is, for messages and for reports of unknown fields. */
interface Place {
  /** `spec.containers[0]`. */
  readonly path: string;
  /** Names of fields from the root, without keys and indices: `spec`, `containers`. */
  readonly fields: readonly string[];
  readonly struct: StructType;
  readonly unknown: string[];
}

function decodeStruct(type: StructType, value: JsonObject, place: Place): JsonObject {
  for (const key of Object.keys(value)) {
    if (!type.fields.has(key)) place.unknown.push(memberPath(place, key));
  }
  const object: JsonObject = {};
  for (const field of type.fields.values()) {
    const below: Place = {
      ...place,
      path: memberPath(place, field.name),
      fields: [...place.fields, field.name],
      struct: type,
    };
    const decoded = decodeValue(field.type, getKey(value, field.name), below);
    const written = writtenValue(field, decoded, below);
    if (written !== undefined) setKey(object, field.name, written);
  }
  return object;
}

/** Undefined for what is absent or null. */
function decodeValue(type: ValueType, value: unknown, place: Place): unknown {
  if (value === undefined || value === null) return undefined;
  switch (type.type) {
    case "any":
      return decodeFree(type, value, place);
    case "scalar":
      return decodeScalar(type, value, () => fieldText(place));
    case "list":
      if (!Array.isArray(value)) throw wrongType(value, type.goType, place, "slice from");
      return value.map((item, i) => {
        const decoded = decodeValue(type.item, item, { ...place, path: `${place.path}[${i}]` });
        return decoded === undefined ? zeroOf(type.item, place) : decoded;
      });
    case "map":
      if (!isObject(value)) throw wrongType(value, type.goType, place, "map from");
      return decodeMap(type.value, value, place);
    case "struct":
      if (!isObject(value)) throw wrongType(value, type.goType, place, "struct from:");
      return decodeStruct(type, value, place);
  }
}

/** Free JSON stays as it is; the alternatives within schemas of CRDs are schemas themselves. */
function decodeFree({ raw }: AnyType, value: unknown, place: Place): unknown {
  const schema = raw?.startsWith("JSONSchemaProps") ? jsonSchemaType() : undefined;
  if (schema === undefined) return value;
  if (isObject(value)) return decodeStruct(schema, value, place);
  if (raw !== "JSONSchemaPropsOrArray" || !Array.isArray(value)) return value;
  return value.map((item, i) =>
    isObject(item) ? decodeStruct(schema, item, { ...place, path: `${place.path}[${i}]` }) : item,
  );
}

function decodeMap(type: ValueType, value: JsonObject, place: Place): JsonObject {
  const map: JsonObject = {};
  for (const key of Object.keys(value).sort()) {
    const decoded = decodeValue(type, value[key], { ...place, path: memberPath(place, key) });
    setKey(map, key, decoded === undefined ? zeroOf(type, place) : decoded);
  }
  return map;
}

/** What is written of a field: the value, its zero, or nothing. */
function writtenValue(field: Field, decoded: unknown, place: Place): unknown {
  if (field.pointer) return decoded ?? (field.omitEmpty ? undefined : null);
  if (decoded === undefined) {
    if (field.omitZero) return undefined;
    // Structs have no empty form to Go, so `omitempty` does not leave them out.
    if (field.omitEmpty && !isStructLike(field.type)) return undefined;
    return zeroOf(field.type, place);
  }
  if (field.omitEmpty && isZero(decoded) && !isStructLike(field.type)) return undefined;
  return decoded;
}

function isStructLike(type: ValueType): boolean {
  if (type.type === "struct") return true;
  if (type.type !== "scalar") return false;
  const { scalar } = type;
  return scalar === "time" || scalar === "microTime" || scalar === "quantity" || scalar === "intOrString";
}

function isZero(value: unknown): boolean {
  if (value === "" || value === 0 || value === false) return true;
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}

function zeroOf(type: ValueType, place: Place): unknown {
  if (type.type === "struct") return decodeStruct(type, {}, { ...place, unknown: [] });
  if (type.type !== "scalar") return null;
  switch (type.scalar) {
    case "string":
      return "";
    case "bool":
      return false;
    case "int32":
    case "int64":
    case "float64":
    case "intOrString":
      return 0;
    case "quantity":
      return "0";
    case "bytes":
      return "";
    default:
      return null;
  }
}

function wrongType(value: unknown, goType: string, place: Place, restore: string): DecodeError {
  return new DecodeError(
    `json: cannot unmarshal ${jsonTypeName(value)} into ${fieldText(place)} of type ${goType}`,
    `cannot restore ${restore} ${goKind(value)}`,
  );
}

/** `Go struct field PodSpec.spec.containers`: the innermost struct, then every field from the root. */
function fieldText({ struct, fields }: Place): string {
  return `Go struct field ${struct.goType.slice(struct.goType.lastIndexOf(".") + 1)}.${fields.join(".")}`;
}

const memberPath = ({ path }: Place, key: string): string => (path === "" ? key : `${path}.${key}`);
