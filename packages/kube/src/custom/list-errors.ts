import { isObject, sortedJson } from "../json.ts";
import { duplicate, type FieldError } from "../validation/field-error.ts";
import { itemsOf, LIST_KEYS, LIST_TYPE, propertiesOf, type Schema, stringsIn, valuesOf } from "./schema.ts";

/** Elements that occur twice in sets, and keys that occur twice in keyed lists. */
export function listTypeErrors(schema: Schema, value: unknown, path: string): FieldError[] {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    return [
      ...repeated(schema, value, path),
      ...(items === undefined
        ? []
        : value.flatMap((item, i) => listTypeErrors(items, item, `${path}[${i}]`))),
    ];
  }
  if (!isObject(value)) return [];
  const properties = propertiesOf(schema);
  const values = valuesOf(schema);
  return Object.keys(value)
    .sort()
    .flatMap((key) => {
      const member = properties[key] ?? values;
      return member === undefined
        ? []
        : listTypeErrors(member, value[key], path === "" ? key : `${path}.${key}`);
    });
}

function repeated(schema: Schema, value: readonly unknown[], path: string): FieldError[] {
  const type = schema[LIST_TYPE];
  if (type !== "set" && type !== "map") return [];
  const keys = stringsIn(schema, LIST_KEYS);
  const seen = new Set<string>();
  return value.flatMap((item, i) => {
    const identity = type === "set" ? item : keysOf(item, keys);
    const text = sortedJson(identity);
    if (!seen.has(text)) {
      seen.add(text);
      return [];
    }
    return [duplicate(`${path}[${i}]`, identity)];
  });
}

function keysOf(item: unknown, keys: readonly string[]): unknown {
  if (!isObject(item)) return item;
  return Object.fromEntries(keys.filter((key) => Object.hasOwn(item, key)).map((key) => [key, item[key]]));
}
