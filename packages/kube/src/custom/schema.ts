import { isObject, type JsonObject } from "../json.ts";

/** A structural schema as plain JSON: it comes from users, so nothing in it is taken for granted. */
export type Schema = JsonObject;

export const PRESERVE = "x-kubernetes-preserve-unknown-fields";
export const EMBEDDED = "x-kubernetes-embedded-resource";
export const INT_OR_STRING = "x-kubernetes-int-or-string";
export const LIST_TYPE = "x-kubernetes-list-type";
export const LIST_KEYS = "x-kubernetes-list-map-keys";
export const RULES = "x-kubernetes-validations";

export function propertiesOf(schema: Schema): Readonly<Record<string, Schema>> {
  const properties = schema["properties"];
  return isObject(properties) ? onlyObjects(properties) : {};
}

/** The schema of a map's values. */
export function valuesOf(schema: Schema): Schema | undefined {
  const values = schema["additionalProperties"];
  return isObject(values) ? values : undefined;
}

/** Whether any key with any value is allowed. */
export function allowsAnyValues(schema: Schema): boolean {
  return schema["additionalProperties"] === true;
}

export function itemsOf(schema: Schema): Schema | undefined {
  return isObject(schema["items"]) ? schema["items"] : undefined;
}

/** Schemas in a list such as `anyOf`. */
export function schemasIn(schema: Schema, key: string): Schema[] {
  const list = schema[key];
  return Array.isArray(list) ? list.filter(isObject) : [];
}

export function stringsIn(schema: Schema, key: string): string[] {
  const list = schema[key];
  return Array.isArray(list) ? list.map(String) : [];
}

/** The schema with the members that every object has taken out: they follow their own rules. */
export function contentSchema(schema: Schema): Schema {
  const { apiVersion, kind, metadata, ...properties } = propertiesOf(schema);
  const common = new Set(["apiVersion", "kind", "metadata"]);
  return {
    ...schema,
    properties,
    required: stringsIn(schema, "required").filter((name) => !common.has(name)),
  };
}

function onlyObjects(record: JsonObject): Record<string, Schema> {
  // Null-free copy with own keys only, so that a property named "constructor" is found when declared and only then.
  const entries = Object.entries(record).filter((entry): entry is [string, Schema] => isObject(entry[1]));
  return Object.assign(Object.create(null), Object.fromEntries(entries));
}
