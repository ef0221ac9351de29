import { isObject, type JsonObject } from "../json.ts";
import type { Schema } from "./schema.ts";

/** A schema as upstream's internal type prints it in messages: every field, under the name it has in Go. */
export function internalSchema(schema: Schema): JsonObject {
  return Object.fromEntries(
    FIELDS.map(([name, key, kind]) => [
      name,
      kind === undefined ? plain(name, schema[key]) : kind(schema[key]),
    ]),
  );
}

const TEXTS = new Set(["ID", "Schema", "Description", "Type", "Format", "Title", "Pattern"]);
const FLAGS = new Set([
  "Nullable",
  "ExclusiveMaximum",
  "ExclusiveMinimum",
  "UniqueItems",
  "XEmbeddedResource",
  "XIntOrString",
]);

const plain = (name: string, value: unknown): unknown =>
  value ?? (TEXTS.has(name) ? "" : FLAGS.has(name) ? false : null);

const one = (value: unknown): unknown => (isObject(value) ? internalSchema(value) : null);
const list = (value: unknown): unknown => (Array.isArray(value) ? value.map(one) : null);
const map = (value: unknown): unknown =>
  isObject(value)
    ? Object.fromEntries(
        Object.keys(value)
          .sort()
          .map((key) => [key, one(value[key])]),
      )
    : null;
const oneOrList = (value: unknown): unknown => {
  if (Array.isArray(value)) return { Schema: null, JSONSchemas: list(value) };
  return isObject(value) ? { Schema: one(value), JSONSchemas: null } : null;
};
const oneOrFlag = (value: unknown): unknown => {
  if (isObject(value)) return { Allows: true, Schema: one(value) };
  return typeof value === "boolean" ? { Allows: value, Schema: null } : null;
};
const oneOrNames = (value: unknown): unknown =>
  isObject(value)
    ? Object.fromEntries(
        Object.entries(value).map(([key, of]) => [
          key,
          Array.isArray(of) ? { Schema: null, Property: of } : { Schema: one(of), Property: null },
        ]),
      )
    : null;
const docs = (value: unknown): unknown =>
  isObject(value) ? { Description: value["description"] ?? "", URL: value["url"] ?? "" } : null;
const rules = (value: unknown): unknown =>
  Array.isArray(value) ? value.map((rule) => (isObject(rule) ? internalRule(rule) : null)) : null;

/** A rule as upstream's internal type shows it. */
export const internalRule = (rule: Schema): JsonObject => ({
  Rule: rule["rule"] ?? "",
  Message: rule["message"] ?? "",
  MessageExpression: rule["messageExpression"] ?? "",
  Reason: rule["reason"] ?? null,
  FieldPath: rule["fieldPath"] ?? "",
  OptionalOldSelf: rule["optionalOldSelf"] ?? null,
});

const FIELDS: readonly [name: string, key: string, kind?: (value: unknown) => unknown][] = [
  ["ID", "id"],
  ["Schema", "$schema"],
  ["Ref", "$ref"],
  ["Description", "description"],
  ["Type", "type"],
  ["Nullable", "nullable"],
  ["Format", "format"],
  ["Title", "title"],
  ["Default", "default"],
  ["Maximum", "maximum"],
  ["ExclusiveMaximum", "exclusiveMaximum"],
  ["Minimum", "minimum"],
  ["ExclusiveMinimum", "exclusiveMinimum"],
  ["MaxLength", "maxLength"],
  ["MinLength", "minLength"],
  ["Pattern", "pattern"],
  ["MaxItems", "maxItems"],
  ["MinItems", "minItems"],
  ["UniqueItems", "uniqueItems"],
  ["MultipleOf", "multipleOf"],
  ["Enum", "enum"],
  ["MaxProperties", "maxProperties"],
  ["MinProperties", "minProperties"],
  ["Required", "required"],
  ["Items", "items", oneOrList],
  ["AllOf", "allOf", list],
  ["OneOf", "oneOf", list],
  ["AnyOf", "anyOf", list],
  ["Not", "not", one],
  ["Properties", "properties", map],
  ["AdditionalProperties", "additionalProperties", oneOrFlag],
  ["PatternProperties", "patternProperties", map],
  ["Dependencies", "dependencies", oneOrNames],
  ["AdditionalItems", "additionalItems", oneOrFlag],
  ["Definitions", "definitions", map],
  ["ExternalDocs", "externalDocs", docs],
  ["Example", "example"],
  ["XPreserveUnknownFields", "x-kubernetes-preserve-unknown-fields"],
  ["XEmbeddedResource", "x-kubernetes-embedded-resource"],
  ["XIntOrString", "x-kubernetes-int-or-string"],
  ["XListMapKeys", "x-kubernetes-list-map-keys"],
  ["XListType", "x-kubernetes-list-type"],
  ["XMapType", "x-kubernetes-map-type"],
  ["XValidations", "x-kubernetes-validations", rules],
];
