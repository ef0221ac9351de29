/** Whether a schema is structural: every place has a type, and the logical combinations only restrict values. */
import { compileCel } from "../cel/evaluate.ts";
import { CelSyntaxError } from "../cel/syntax.ts";
import { isObject, jsonEqual, stringAt } from "../json.ts";
import {
  type FieldError,
  fieldErrorText,
  forbidden,
  invalid,
  notSupported,
  required,
} from "../validation/field-error.ts";
import { goPattern } from "../values/go-pattern.ts";
import { fill } from "./defaults.ts";
import { internalRule } from "./internal-schema.ts";
import { pruneCustom } from "./prune.ts";
import {
  EMBEDDED,
  INT_OR_STRING,
  itemsOf,
  LIST_KEYS,
  LIST_TYPE,
  PRESERVE,
  propertiesOf,
  RULES,
  type Schema,
  schemasIn,
  stringsIn,
  valuesOf,
} from "./schema.ts";
import { valueErrors } from "./validate-value.ts";

type Level = "root" | "item" | "field";

export function structuralErrors(schema: Schema, path: string): FieldError[] {
  return schemaErrors(schema, path, "root").sort((a, b) => (fieldErrorText(a) < fieldErrorText(b) ? -1 : 1));
}

const EMPTY_TYPE: Readonly<Record<Level, string>> = {
  root: "must not be empty at the root",
  item: "must not be empty for specified array items",
  field: "must not be empty for specified object fields",
};

const FORBIDDEN = ["$ref", "definitions", "dependencies", "patternProperties", "additionalItems", "id"];

function schemaErrors(schema: Schema, path: string, level: Level): FieldError[] {
  const errors: FieldError[] = [];
  const type = stringAt(schema, "type");
  const items = itemsOf(schema);
  const values = valuesOf(schema);
  const properties = propertiesOf(schema);
  for (const key of FORBIDDEN) {
    if (schema[key] !== undefined) errors.push(forbidden(`${path}.${key}`, `${key} is not supported`));
  }
  if (schema["uniqueItems"] === true) {
    errors.push(
      forbidden(
        `${path}.uniqueItems`,
        "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
      ),
    );
  }
  if (Array.isArray(schema["items"])) {
    errors.push(forbidden(`${path}.items`, "items must be a schema object and not an array"));
  } else if (type === "array" && items === undefined)
    errors.push(required(`${path}.items`, "must be specified"));
  if (items !== undefined) errors.push(...schemaErrors(items, `${path}.items`, "item"));
  for (const [key, property] of Object.entries(properties)) {
    errors.push(...schemaErrors(property, `${path}.properties[${key}]`, "field"));
  }
  if (values !== undefined) {
    if (level === "root")
      errors.push(forbidden(`${path}.additionalProperties`, "must not be used at the root"));
    if (Object.keys(properties).length > 0) {
      errors.push(
        forbidden(`${path}.additionalProperties`, "additionalProperties and properties are mutual exclusive"),
      );
    }
    errors.push(...schemaErrors(values, `${path}.additionalProperties`, "field"));
  }
  errors.push(...typeErrors(schema, type, path, level), ...extensionErrors(schema, type, path));
  errors.push(...valueRuleErrors(schema, path, isIntOrString(schema)));
  errors.push(
    ...listErrors(schema, type, items, path),
    ...ruleErrors(schema, path),
    ...defaultErrors(schema, path),
  );
  return errors;
}

function typeErrors(schema: Schema, type: string, path: string, level: Level): FieldError[] {
  const errors: FieldError[] = [];
  if (schema[EMBEDDED] === true && type !== "object") {
    const detail = "must be object if x-kubernetes-embedded-resource is true";
    errors.push(type === "" ? required(`${path}.type`, detail) : invalid(`${path}.type`, type, detail));
  } else if (
    type === "" &&
    schema["$ref"] === undefined &&
    schema[INT_OR_STRING] !== true &&
    schema[PRESERVE] !== true
  ) {
    errors.push(required(`${path}.type`, EMPTY_TYPE[level]));
  }
  if (level === "root" && type !== "" && type !== "object") {
    errors.push(invalid(`${path}.type`, type, "must be object at the root"));
  }
  for (const name of level === "root" ? ["apiVersion", "kind"] : []) {
    const own = stringAt(propertiesOf(schema)[name], "type");
    if (own !== "" && own !== "string")
      errors.push(invalid(`${path}.properties[${name}].type`, own, "must be string"));
  }
  const { metadata } = propertiesOf(schema);
  if (level === "root" && metadata !== undefined) {
    const { properties: _, type: __, description: ___, ...rest } = metadata;
    const names = Object.keys(propertiesOf(metadata));
    if (Object.keys(rest).length > 0 || names.some((name) => name !== "name" && name !== "generateName")) {
      const detail =
        "must not specify anything other than name and generateName, but metadata is implicitly specified";
      errors.push(forbidden(`${path}.properties[metadata]`, detail));
    }
  }
  return errors;
}

const COMBINATIONS = ["anyOf", "allOf", "oneOf"] as const;

/** Patterns must compile; inside combinations only restrictions of values may stand. */
function valueRuleErrors(schema: Schema, path: string, intOrString: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const pattern = stringAt(schema, "pattern");
  try {
    goPattern(pattern);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    errors.push(
      invalid(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${reason}`),
    );
  }
  for (const key of COMBINATIONS) {
    // The usual way to write "integer or string" is let through.
    if (key === "anyOf" && intOrString) continue;
    schemasIn(schema, key).forEach((one, i) => {
      errors.push(...nestedErrors(one, `${path}.${key}[${i}]`, key === "allOf" && i === 0 && intOrString));
    });
  }
  const not = schema["not"];
  return isObject(not) ? [...errors, ...nestedErrors(not, `${path}.not`, false)] : errors;
}

const NOT_NESTED: readonly [key: string, detail: string][] = [
  ["type", "must be empty to be structural"],
  ["default", "must be undefined to be structural"],
  ["title", "must be empty to be structural"],
  ["description", "must be empty to be structural"],
  ["nullable", "must be false to be structural"],
  ["additionalProperties", "must be undefined to be structural"],
  [PRESERVE, "must be false to be structural"],
  [EMBEDDED, "must be false to be structural"],
  [INT_OR_STRING, "must be false to be structural"],
  [LIST_TYPE, "must be undefined to be structural"],
  [LIST_KEYS, "must be empty to be structural"],
];

function nestedErrors(schema: Schema, path: string, intOrString: boolean): FieldError[] {
  const errors = valueRuleErrors(schema, path, intOrString);
  for (const [key, detail] of NOT_NESTED) {
    const value = schema[key];
    if (value !== undefined && value !== false && value !== "")
      errors.push(forbidden(`${path}.${key}`, detail));
  }
  const items = itemsOf(schema);
  if (items !== undefined) errors.push(...nestedErrors(items, `${path}.items`, false));
  for (const [key, property] of Object.entries(propertiesOf(schema))) {
    const below = `${path}.properties[${key}]`;
    if (key === "metadata") errors.push(forbidden(below, "must not be specified in a nested context"));
    errors.push(...nestedErrors(property, below, false));
  }
  return errors;
}

const ALTERNATIVES = [{ type: "integer" }, { type: "string" }];

function isIntOrString(schema: Schema): boolean {
  if (schema[INT_OR_STRING] !== true) return false;
  const [first] = schemasIn(schema, "allOf");
  return jsonEqual(schema["anyOf"], ALTERNATIVES) || jsonEqual(first?.["anyOf"], ALTERNATIVES);
}

const TYPES = ["array", "boolean", "integer", "number", "object", "string"];

/** The extensions that say how a value is kept, and the name of its type. */
function extensionErrors(schema: Schema, type: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (type !== "" && !TYPES.includes(type)) errors.push(notSupported(`${path}.type`, type, TYPES));
  if (schema[PRESERVE] === false)
    errors.push(invalid(`${path}.${PRESERVE}`, false, "must be true or undefined"));
  const isEmpty = Object.keys(propertiesOf(schema)).length === 0;
  if (schema[EMBEDDED] === true && type === "object" && isEmpty && schema[PRESERVE] !== true) {
    const detail = `must not be empty if ${EMBEDDED} is true without ${PRESERVE}`;
    errors.push(required(`${path}.properties`, detail));
  }
  const map = schema[MAP_TYPE];
  if (map !== undefined && map !== "atomic" && map !== "granular") {
    errors.push(notSupported(`${path}.${MAP_TYPE}`, map, ["atomic", "granular"]));
  } else if (map !== undefined && type !== "object") {
    errors.push(invalid(`${path}.type`, type, `must be object if ${MAP_TYPE} is specified`));
  }
  return errors;
}

const MAP_TYPE = "x-kubernetes-map-type";
const LIST_TYPES = ["atomic", "set", "map"];

function listErrors(schema: Schema, type: string, items: Schema | undefined, path: string): FieldError[] {
  const marker = stringAt(schema, LIST_TYPE);
  const keys = stringsIn(schema, LIST_KEYS);
  if (marker !== "map" && keys.length > 0) {
    const at = `${path}.${LIST_TYPE}`;
    const detail = `must be map if ${LIST_KEYS} is non-empty`;
    return [marker === "" ? required(at, detail) : invalid(at, marker, detail)];
  }
  if (marker === "") return [];
  if (!LIST_TYPES.includes(marker)) return [notSupported(`${path}.${LIST_TYPE}`, marker, LIST_TYPES)];
  const errors: FieldError[] = [];
  if (marker === "set" && items !== undefined) errors.push(...setItemErrors(items, `${path}.items`));
  if (type !== "array")
    errors.push(invalid(`${path}.type`, type, "must be array if x-kubernetes-list-type is specified"));
  if (marker !== "map") return errors;
  if (keys.length === 0)
    errors.push(required(`${path}.${LIST_KEYS}`, "must not be empty if x-kubernetes-list-type is map"));
  const itemType = items === undefined ? "" : stringAt(items, "type");
  if (items !== undefined && itemType !== "object") {
    const detail = "must be object if parent array's x-kubernetes-list-type is map";
    return [...errors, invalid(`${path}.items.type`, itemType, detail)];
  }
  const members = items === undefined ? {} : propertiesOf(items);
  const wanted = items === undefined ? [] : stringsIn(items, "required");
  if (keys.some((key) => members[key] === undefined)) {
    errors.push(invalid(`${path}.${LIST_KEYS}`, keys, "entries must all be names of item properties"));
  }
  for (const key of keys) {
    const member = members[key];
    if (member !== undefined && !wanted.includes(key) && member["default"] === undefined) {
      const detail =
        "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
      errors.push(required(`${path}.items.properties[${key}].default`, detail));
    }
  }
  return errors;
}

/** What is in a set is compared whole. */
function setItemErrors(items: Schema, path: string): FieldError[] {
  const of = `as item of a list with ${LIST_TYPE}=set`;
  const type = stringAt(items, "type");
  if (type === "array" && items[LIST_TYPE] !== "atomic") {
    return [invalid(`${path}.${LIST_TYPE}`, items[LIST_TYPE] ?? null, `must be atomic ${of}`)];
  }
  if (type === "object" && items[MAP_TYPE] !== "atomic") {
    return [invalid(`${path}.${MAP_TYPE}`, items[MAP_TYPE] ?? null, `must be atomic ${of}`)];
  }
  return [];
}

const REASONS = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

/** What stands beside a rule. */
function ruleMemberErrors(rule: Schema, schema: Schema, path: string): FieldError[] {
  const [message, reason, fieldPath] = ["message", "reason", "fieldPath"].map((field) =>
    stringAt(rule, field),
  );
  const errors: FieldError[] = [];
  if (message && message.trim() === "")
    errors.push(invalid(`${path}.message`, message, "message must be non-empty if specified"));
  else if (message?.includes("\n"))
    errors.push(invalid(`${path}.message`, message, "must not contain line breaks"));
  if (reason && !REASONS.includes(reason)) errors.push(notSupported(`${path}.reason`, reason, REASONS));
  if (fieldPath && !leadsSomewhere(schema, fieldPath)) {
    errors.push(invalid(`${path}.fieldPath`, fieldPath, "must be a valid path"));
  }
  return errors;
}

function leadsSomewhere(schema: Schema, fieldPath: string): boolean {
  let at: Schema | undefined = schema;
  for (const name of fieldPath.split(".").slice(1)) {
    at = at === undefined ? undefined : (propertiesOf(at)[name] ?? valuesOf(at));
  }
  return fieldPath.startsWith(".") && at !== undefined;
}

function ruleErrors(schema: Schema, path: string): FieldError[] {
  return schemasIn(schema, RULES).flatMap((rule, i) => {
    const source = stringAt(rule, "rule");
    const at = `${path}.${RULES}[${i}]`;
    if (source.trim() === "") return [required(`${at}.rule`, "rule is not specified")];
    const compiled = (["rule", "messageExpression"] as const).flatMap((field) => {
      const text = stringAt(rule, field);
      try {
        if (text !== "") compileCel(text);
        return [];
      } catch (error) {
        if (!(error instanceof CelSyntaxError)) throw error;
        const what = field === "rule" ? "compilation failed" : "messageExpression compilation failed";
        return [invalid(`${at}.${field}`, internalRule(rule), `${what}: ${error.message}`)];
      }
    });
    return [...ruleMemberErrors(rule, schema, at), ...compiled];
  });
}

/** Defaults must be valid themselves, after they were completed by the defaults within. */
function defaultErrors(schema: Schema, path: string): FieldError[] {
  if (schema["default"] === undefined) return [];
  const value = structuredClone(schema["default"]);
  const pruned = structuredClone(value);
  if (isObject(pruned)) {
    const { object } = pruneCustom({ type: "object", properties: { default: schema } }, { default: pruned });
    if (!jsonEqual(object["default"], value)) {
      return [invalid(`${path}.default`, value, "must not have unknown fields")];
    }
  }
  fill(schema, value);
  // The value has no name of its own.
  return valueErrors(schema, value, "").map((error) => ({
    ...error,
    field: `${path}.default${error.field}`,
  }));
}
