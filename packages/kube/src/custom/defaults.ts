import { isObject, type JsonObject, setKey } from "../json.ts";
import { contentSchema, itemsOf, propertiesOf, type Schema, valuesOf } from "./schema.ts";

/**
 * Fills in what the schema has defaults for, wherever the holder exists. A null that is not allowed counts as absent.
 */
export function withCustomDefaults(schema: Schema | undefined, object: JsonObject): JsonObject {
  const copy = structuredClone(object);
  if (schema !== undefined) fill(contentSchema(schema), copy);
  return copy;
}

/** In place. */
export function fill(schema: Schema, value: unknown): void {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (items !== undefined) for (const item of value) fill(items, item);
  } else if (isObject(value)) {
    const properties = propertiesOf(schema);
    for (const [key, property] of Object.entries(properties)) {
      const absent = !Object.hasOwn(value, key) || (value[key] === null && property["nullable"] !== true);
      if (absent && property["default"] !== undefined)
        setKey(value, key, structuredClone(property["default"]));
      else if (absent) delete value[key];
      if (Object.hasOwn(value, key)) fill(property, value[key]);
    }
    const values = valuesOf(schema);
    if (values === undefined) return;
    for (const [key, member] of Object.entries(value))
      if (properties[key] === undefined) fill(values, member);
  }
}
