import { isObject, type JsonObject } from "../json.ts";
import { objectMetaType } from "./built-in-types.ts";
import type { Field, Scalar, StructType, ValueType } from "./value-type.ts";

const TEXT: ValueType = { type: "scalar", scalar: "string", goType: "string" };

/** The type of a custom resource from its structural schema; undefined schema: anything goes. */
export function customType(schema: JsonObject | undefined): StructType {
  return resourceType(schema ?? { "x-kubernetes-preserve-unknown-fields": true }, "");
}

/** A struct with the fields that every object has, whatever the schema says of them. */
function resourceType(schema: JsonObject, name: string): StructType {
  const own = structOf(schema, name);
  return {
    ...own,
    get fields() {
      return new Map([
        ...own.fields,
        ["apiVersion", optional("apiVersion", TEXT)],
        ["kind", optional("kind", TEXT)],
        ["metadata", optional("metadata", objectMetaType())],
      ]);
    },
  };
}

function typeOf(schema: unknown, name: string): ValueType {
  if (!isObject(schema)) return { type: "any", goType: "interface {}" };
  if (schema["x-kubernetes-int-or-string"] === true) return scalar("intOrString", "intstr.IntOrString");
  if (schema["x-kubernetes-embedded-resource"] === true) return resourceType(schema, name);
  switch (schema["type"]) {
    case "string":
      return scalar("string", "string");
    case "boolean":
      return scalar("bool", "bool");
    case "integer":
      return scalar("int64", "int64");
    case "number":
      return scalar("float64", "float64");
    case "array":
      return listOf(schema, name);
    case "object":
      return objectOf(schema, name);
    default:
      return { type: "any", goType: "interface {}" };
  }
}

function listOf(schema: JsonObject, name: string): ValueType {
  const marker = schema["x-kubernetes-list-type"];
  const keys = schema["x-kubernetes-list-map-keys"];
  return {
    type: "list",
    goType: "[]interface {}",
    item: typeOf(schema["items"], name),
    listType: marker === "map" || marker === "set" ? marker : "atomic",
    keys: Array.isArray(keys) ? keys.map(String) : [],
  };
}

function objectOf(schema: JsonObject, name: string): ValueType {
  const values = schema["additionalProperties"];
  const atomic = schema["x-kubernetes-map-type"] === "atomic";
  const properties = schema["properties"];
  const open = schema["x-kubernetes-preserve-unknown-fields"] === true;
  if (values !== undefined && values !== false) {
    return { type: "map", goType: "map[string]interface {}", value: typeOf(values, name), atomic };
  }
  if (open && (!isObject(properties) || Object.keys(properties).length === 0)) {
    return { type: "any", goType: "interface {}" };
  }
  return structOf(schema, name);
}

function structOf(schema: JsonObject, name: string): StructType {
  let fields: ReadonlyMap<string, Field> | undefined;
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  return {
    type: "struct",
    goType: name,
    atomic: schema["x-kubernetes-map-type"] === "atomic",
    open: schema["x-kubernetes-preserve-unknown-fields"] === true,
    get fields() {
      fields ??= new Map(
        Object.entries(properties).map(([key, property]) => {
          const given = isObject(property) ? property["default"] : undefined;
          const field = optional(key, typeOf(property, key));
          return [key, given === undefined ? field : { ...field, default: given }];
        }),
      );
      return fields;
    },
  };
}

const scalar = (name: Scalar, goType: string): ValueType => ({ type: "scalar", scalar: name, goType });

function optional(name: string, type: ValueType): Field {
  return { name, type, required: false, omitEmpty: true, omitZero: true, pointer: true };
}
