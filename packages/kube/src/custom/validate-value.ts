/**
 * Validation of a value against a schema, with the words of kube-openapi's validator. Errors of members come before those
 * of their holder, members in the order of their names.
 */
import { isObject, type JsonObject, jsonEqual } from "../json.ts";
import {
  type FieldError,
  invalid,
  notSupported,
  required,
  tooLong,
  tooMany,
  typeInvalid,
} from "../validation/field-error.ts";
import { goPattern } from "../values/go-pattern.ts";
import { hasFormat } from "./formats.ts";
import {
  INT_OR_STRING,
  itemsOf,
  LIST_KEYS,
  LIST_TYPE,
  propertiesOf,
  type Schema,
  schemasIn,
  stringsIn,
  valuesOf,
} from "./schema.ts";

/** `before` is the stored value of an update: what is unchanged is not complained about again. */
export function valueErrors(schema: Schema, value: unknown, path: string, before?: unknown): FieldError[] {
  if (before !== undefined && jsonEqual(value, before)) return [];
  if (value === null && schema["nullable"] === true) return [];
  const type = typeErrors(schema, value, path);
  if (type.length > 0) {
    // A number that should be whole is held to the other rules of numbers, too.
    const numbers = typeof value === "number" ? numberErrors(schema, value, path) : [];
    return [...type, ...numbers, ...enumErrors(schema, value, path)];
  }
  return [
    ...(isObject(value) ? objectErrors(schema, value, path, before) : []),
    ...(typeof value === "string" ? textErrors(schema, value, path) : []),
    ...(typeof value === "number" ? numberErrors(schema, value, path) : []),
    ...(Array.isArray(value) ? listErrors(schema, value, path, before) : []),
    ...enumErrors(schema, value, path),
    ...combinationErrors(schema, value, path),
  ];
}

function typeErrors(schema: Schema, value: unknown, path: string): FieldError[] {
  const found = jsonType(value);
  const wanted = schema[INT_OR_STRING] === true ? "integer,string" : schema["type"];
  if (typeof wanted !== "string" || wanted === "") return [];
  const fits = wanted.split(",").some((type) => type === found || (type === "number" && found === "integer"));
  if (fits) return [];
  return [typeInvalid(path, found, `${path} in body must be of type ${wanted}: "${found}"`)];
}

/** The JSON type of a value; whole numbers are integers. */
function jsonType(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function objectErrors(schema: Schema, value: JsonObject, path: string, before: unknown): FieldError[] {
  const old = isObject(before) ? before : {};
  const count = Object.keys(value).length;
  const errors: FieldError[] = [];
  const [most, least] = [numberOf(schema, "maxProperties"), numberOf(schema, "minProperties")];
  if (least !== undefined && count < least) {
    errors.push(invalid(path, count, `${path} in body should have at least ${least} properties`));
  }
  if (most !== undefined && count > most) errors.push(tooMany(path, count, most));
  const properties = propertiesOf(schema);
  const values = valuesOf(schema);
  for (const key of Object.keys(value).sort()) {
    const member = properties[key] ?? values;
    if (member !== undefined)
      errors.push(...valueErrors(member, value[key], memberPath(path, key), old[key]));
  }
  for (const key of stringsIn(schema, "required")) {
    if (!Object.hasOwn(value, key)) errors.push(required(memberPath(path, key)));
  }
  return errors;
}

function listErrors(schema: Schema, value: readonly unknown[], path: string, before: unknown): FieldError[] {
  const items = itemsOf(schema);
  const errors: FieldError[] = [];
  if (items !== undefined) {
    value.forEach((item, i) => {
      errors.push(...valueErrors(items, item, `${path}[${i}]`, sameItem(schema, item, before)));
    });
  }
  const [least, most] = [numberOf(schema, "minItems"), numberOf(schema, "maxItems")];
  if (least !== undefined && value.length < least) {
    errors.push(invalid(path, value.length, `${path} in body should have at least ${least} items`));
  }
  if (most !== undefined && value.length > most) errors.push(tooMany(path, value.length, most));
  return errors;
}

/** The former item with the same keys: only keyed lists tell which one that is. */
function sameItem(schema: Schema, item: unknown, before: unknown): unknown {
  if (schema[LIST_TYPE] !== "map" || !Array.isArray(before) || !isObject(item)) return undefined;
  const keys = stringsIn(schema, LIST_KEYS);
  return before.find((old) => isObject(old) && keys.every((key) => jsonEqual(old[key], item[key])));
}

function textErrors(schema: Schema, value: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const length = [...value].length;
  const [most, least] = [numberOf(schema, "maxLength"), numberOf(schema, "minLength")];
  const pattern = schema["pattern"];
  if (most !== undefined && length > most) errors.push(tooLong(path, most));
  else if (least !== undefined && length < least) {
    errors.push(invalid(path, value, `${path} in body should be at least ${least} chars long`));
  } else if (typeof pattern === "string" && !goPattern(pattern).test(value)) {
    errors.push(invalid(path, value, `${path} in body should match '${pattern}'`));
  }
  const format = schema["format"];
  if (typeof format === "string" && !hasFormat(format, value)) {
    errors.push(
      typeInvalid(path, value, `${path} in body must be of type ${format}: ${JSON.stringify(value)}`),
    );
  }
  return errors;
}

function numberErrors(schema: Schema, value: number, path: string): FieldError[] {
  const complain = (rule: string) => [invalid(path, value, `${path} in body should be ${rule}`)];
  const [most, least, step] = ["maximum", "minimum", "multipleOf"].map((key) => numberOf(schema, key));
  if (step !== undefined && step > 0 && !Number.isInteger(Number((value / step).toPrecision(12)))) {
    return complain(`a multiple of ${step}`);
  }
  if (most !== undefined) {
    if (schema["exclusiveMaximum"] === true && value >= most) return complain(`less than ${most}`);
    if (value > most) return complain(`less than or equal to ${most}`);
  }
  if (least !== undefined) {
    if (schema["exclusiveMinimum"] === true && value <= least) return complain(`greater than ${least}`);
    if (value < least) return complain(`greater than or equal to ${least}`);
  }
  return [];
}

function enumErrors(schema: Schema, value: unknown, path: string): FieldError[] {
  const allowed = schema["enum"];
  if (!Array.isArray(allowed) || allowed.some((one) => jsonEqual(one, value))) return [];
  const texts = allowed.map((one) => (typeof one === "string" ? one : JSON.stringify(one)));
  return [notSupported(path, value, texts)];
}

/** `allOf`, `anyOf`, `oneOf` and `not`. What the nearest alternative lacks is told along with the failure. */
function combinationErrors(schema: Schema, value: unknown, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const results = (key: string) => schemasIn(schema, key).map((one) => valueErrors(one, value, path));
  const nearest = (failures: FieldError[][]) =>
    failures.reduce((best, one) => (one.length < best.length ? one : best), failures[0] ?? []);
  // These are about no field, and upstream shows them so.
  const complain = (text: string) => errors.push(invalid("<nil>", "", `"${path}" ${text}`));
  const any = results("anyOf");
  if (any.length > 0 && !any.some((found) => found.length === 0)) {
    complain("must validate at least one schema (anyOf)");
    errors.push(...nearest(any));
  }
  const one = results("oneOf");
  const valid = one.filter((found) => found.length === 0).length;
  if (one.length > 0 && valid !== 1) {
    const found = valid === 0 ? "Found none valid" : `Found ${valid} valid alternatives`;
    complain(`must validate one and only one schema (oneOf). ${found}`);
    if (valid === 0) errors.push(...nearest(one));
  }
  const all = results("allOf");
  const failed = all.filter((found) => found.length > 0);
  if (failed.length > 0) {
    errors.push(...failed.flat());
    complain(
      `must validate all the schemas (allOf)${failed.length === all.length ? ". None validated" : ""}`,
    );
  }
  const not = schema["not"];
  if (isObject(not) && valueErrors(not, value, path).length === 0)
    complain("must not validate the schema (not)");
  return errors;
}

function numberOf(schema: Schema, key: string): number | undefined {
  const value = schema[key];
  return typeof value === "number" ? value : undefined;
}

const memberPath = (path: string, key: string): string => (path === "" ? key : `${path}.${key}`);
