import { isObject, type JsonObject, setKey } from "../json.ts";
import { badRequest } from "../patch/refusal.ts";
import { objectMetaType } from "../schema/built-in-types.ts";
import { jsonTypeName } from "../schema/decode-scalar.ts";
import { DecodeError, decodeTyped } from "../schema/typed-object.ts";
import type { StructType } from "../schema/value-type.ts";
import {
  allowsAnyValues,
  EMBEDDED,
  itemsOf,
  PRESERVE,
  propertiesOf,
  type Schema,
  valuesOf,
} from "./schema.ts";

/** An object without what its schema does not know. */
export interface Pruned {
  readonly object: JsonObject;
  /** Paths of what was dropped: `spec.list[0].zz`, sorted. */
  readonly unknown: readonly string[];
}

/** Drops members that the schema does not declare; what every object has stays (apiVersion, kind, metadata). */
export function pruneCustom(schema: Schema | undefined, object: JsonObject): Pruned {
  const unknown: string[] = [];
  const metadata = typedMetadata(object, unknown);
  const pruned =
    schema === undefined ? structuredClone(object) : pruneObject(schema, object, "", true, unknown);
  return { object: { ...pruned, ...metadata }, unknown: unknown.sort() };
}

/** Metadata has the form that it has everywhere, whatever the schema says. Throws the API's 400 for another form. */
function typedMetadata(object: JsonObject, unknown: string[]): JsonObject {
  const { apiVersion, kind, metadata } = object;
  if (metadata === undefined) return {};
  try {
    if (!isObject(metadata)) {
      throw new DecodeError(
        `json: cannot unmarshal ${jsonTypeName(metadata)} into Go value of type v1.ObjectMeta`,
      );
    }
    const typed = decodeTyped(HOLDER, { metadata });
    unknown.push(...typed.unknown);
    return typed.object;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const version = String(apiVersion).split("/").at(-1);
    const what = `${String(kind)} in version "${version}" cannot be handled as a ${String(kind)}`;
    // Metadata is read by itself, so that its fields have no holder.
    throw badRequest(`${what}: ${error.message.replace("ObjectMeta.metadata.", "ObjectMeta.")}`);
  }
}

/** A type with nothing but metadata. */
const HOLDER: StructType = {
  type: "struct",
  goType: "v1.PartialObjectMetadata",
  atomic: false,
  open: false,
  get fields() {
    const shared = { required: false, omitEmpty: false, omitZero: false, pointer: false };
    return new Map([["metadata", { name: "metadata", type: objectMetaType(), ...shared }]]);
  },
};

function prune(schema: Schema, value: unknown, path: string, unknown: string[]): unknown {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (items === undefined) return structuredClone(value);
    return value.map((item, i) => prune(items, item, `${path}[${i}]`, unknown));
  }
  return isObject(value) ? pruneObject(schema, value, path, schema[EMBEDDED] === true, unknown) : value;
}

function pruneObject(
  schema: Schema,
  value: JsonObject,
  path: string,
  isResource: boolean,
  unknown: string[],
): JsonObject {
  const properties = propertiesOf(schema);
  const values = valuesOf(schema);
  const keepsAll = schema[PRESERVE] === true || allowsAnyValues(schema);
  const result: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    const below = path === "" ? key : `${path}.${key}`;
    const property = properties[key];
    if (isResource && path !== "" && key === "metadata" && isObject(member)) {
      setKey(result, key, embeddedMetadata(member, path, unknown));
    } else if (isResource && RESOURCE_MEMBERS.has(key)) setKey(result, key, structuredClone(member));
    else if (property !== undefined) setKey(result, key, prune(property, member, below, unknown));
    else if (values !== undefined) setKey(result, key, prune(values, member, below, unknown));
    else if (keepsAll) setKey(result, key, structuredClone(member));
    else unknown.push(below);
  }
  return result;
}

/** Metadata of an object within has the form that it has everywhere; what has another stays for validation to find. */
function embeddedMetadata(metadata: JsonObject, path: string, unknown: string[]): unknown {
  try {
    const typed = decodeTyped(HOLDER, { metadata });
    unknown.push(...typed.unknown.map((member) => `${path}.${member}`));
    const known = objectMetaType().fields;
    return Object.fromEntries(Object.entries(structuredClone(metadata)).filter(([key]) => known.has(key)));
  } catch (error) {
    if (error instanceof DecodeError) return structuredClone(metadata);
    throw error;
  }
}

const RESOURCE_MEMBERS = new Set(["apiVersion", "kind", "metadata"]);
