import type { JsonObject } from "../json.ts";
import type { Field, Scalar, StructType, ValueType } from "../schema/value-type.ts";
import { openApiName } from "./schema-name.ts";

/** Schemas by name, as `components.schemas` of a document holds them. */
export type Schemas = Map<string, JsonObject>;

const REFERENCE = "#/components/schemas/";

/** Adds the schema of a type, and of every type it refers to. Descriptions are not kept in the tables. */
export function addTypeSchema(schemas: Schemas, type: StructType, extra: JsonObject = {}): string {
  const name = type.schemaName ?? type.goType;
  if (schemas.has(name)) {
    // Reached before as the member of another: what only the kind itself has is added.
    Object.assign(schemas.get(name) ?? {}, extra);
    return name;
  }
  const schema: JsonObject = { type: "object" };
  schemas.set(name, schema);
  const properties: JsonObject = {};
  // Kinds carry these two; types within kinds do not.
  if ("x-kubernetes-group-version-kind" in extra) {
    properties["apiVersion"] = { type: "string" };
    properties["kind"] = { type: "string" };
  }
  for (const field of type.fields.values()) properties[field.name] = propertySchema(schemas, field);
  if (Object.keys(properties).length > 0) schema["properties"] = properties;
  const required = [...type.fields.values()]
    .filter((field) => field.required)
    .map(({ name: field }) => field);
  if (required.length > 0) schema["required"] = required;
  if (type.atomic) schema["x-kubernetes-map-type"] = "atomic";
  Object.assign(schema, extra);
  return name;
}

function propertySchema(schemas: Schemas, field: Field): JsonObject {
  const { type } = field;
  const schema = wrapped(valueSchema(schemas, type));
  if (field.default !== undefined) schema["default"] = field.default;
  else if (type.type === "struct" && !field.pointer) schema["default"] = {};
  if (field.retainKeys && type.type !== "list") schema["x-kubernetes-patch-strategy"] = "retainKeys";
  if (type.type === "map" && type.atomic) schema["x-kubernetes-map-type"] = "atomic";
  if (type.type !== "list") return schema;
  schema["x-kubernetes-list-type"] = type.listType;
  if (type.keys.length > 0) schema["x-kubernetes-list-map-keys"] = type.keys;
  if (type.strategic !== undefined) {
    schema["x-kubernetes-patch-strategy"] = type.strategic.retainKeys ? "merge,retainKeys" : "merge";
    if (type.strategic.mergeKey !== undefined)
      schema["x-kubernetes-patch-merge-key"] = type.strategic.mergeKey;
  }
  return schema;
}

function valueSchema(schemas: Schemas, type: ValueType): JsonObject {
  switch (type.type) {
    case "struct":
      return { $ref: REFERENCE + addTypeSchema(schemas, type) };
    case "list":
      return { type: "array", items: itemSchema(schemas, type.item) };
    case "map":
      return { type: "object", additionalProperties: valueSchema(schemas, type.value) };
    case "any":
      return type.raw === "RawExtension" || type.raw === "FieldsV1" ? { type: "object" } : {};
    case "scalar":
      return scalarSchema(schemas, type.scalar);
  }
}

function itemSchema(schemas: Schemas, type: ValueType): JsonObject {
  const schema = wrapped(valueSchema(schemas, type));
  return type.type === "struct" ? { ...schema, default: {} } : schema;
}

/** A reference may have no siblings, so it stands in `allOf`. */
function wrapped(schema: JsonObject): JsonObject {
  return "$ref" in schema ? { allOf: [schema] } : schema;
}

/** Scalars with a form of their own are types by name, as clients know them. */
const NAMED: Partial<Record<Scalar, readonly [type: string, schema: JsonObject]>> = {
  time: ["meta/v1.Time", { type: "string", format: "date-time" }],
  microTime: ["meta/v1.MicroTime", { type: "string", format: "date-time" }],
  quantity: ["resource.Quantity", { oneOf: [{ type: "string" }, { type: "number" }] }],
  intOrString: [
    "intstr.IntOrString",
    { format: "int-or-string", oneOf: [{ type: "integer" }, { type: "string" }] },
  ],
};

function scalarSchema(schemas: Schemas, scalar: Scalar): JsonObject {
  const named = NAMED[scalar];
  if (named !== undefined) {
    const name = openApiName(named[0]);
    schemas.set(name, named[1]);
    return { $ref: REFERENCE + name };
  }
  switch (scalar) {
    case "int32":
    case "int64":
      return { type: "integer", format: scalar };
    case "float64":
      return { type: "number", format: "double" };
    case "bool":
      return { type: "boolean" };
    case "bytes":
      return { type: "string", format: "byte" };
    default:
      return { type: "string" };
  }
}
