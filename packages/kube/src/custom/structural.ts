/** Whether a schema is structural: every place has a type, and the logical combinations only restrict values. */
import { compileCel } from "../cel/evaluate.ts";
import { CelSyntaxError } from "../cel/syntax.ts";
import { isObject, jsonEqual, stringAt } from "../json.ts";
import { type FieldError, fieldErrorText, forbidden, invalid, required } from "../validation/field-error.ts";
import { goPattern } from "../values/go-pattern.ts";
import { fill } from "./defaults.ts";
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
  if (type === "array" && items === undefined) errors.push(required(`${path}.items`, "must be specified"));
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
  errors.push(...typeErrors(schema, type, path, level));
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
  } else if (type === "" && schema[INT_OR_STRING] !== true && schema[PRESERVE] !== true) {
    errors.push(required(`${path}.type`, EMPTY_TYPE[level]));
  }
  if (level === "root" && type !== "" && type !== "object") {
    errors.push(invalid(`${path}.type`, type, "must be object at the root"));
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

function listErrors(schema: Schema, type: string, items: Schema | undefined, path: string): FieldError[] {
  const marker = stringAt(schema, LIST_TYPE);
  const keys = stringsIn(schema, LIST_KEYS);
  if (marker === "") return [];
  const errors: FieldError[] = [];
  if (type !== "array")
    errors.push(invalid(`${path}.type`, type, "must be array if x-kubernetes-list-type is specified"));
  if (marker !== "map") return errors;
  if (keys.length === 0)
    errors.push(required(`${path}.${LIST_KEYS}`, "must not be empty if x-kubernetes-list-type is map"));
  const members = items === undefined ? {} : propertiesOf(items);
  const wanted = items === undefined ? [] : stringsIn(items, "required");
  for (const [i, key] of keys.entries()) {
    const member = members[key];
    if (member === undefined) {
      errors.push(invalid(`${path}.${LIST_KEYS}[${i}]`, key, "entries must all be names of item properties"));
    } else if (!wanted.includes(key) && member["default"] === undefined) {
      const detail =
        "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
      errors.push(required(`${path}.items.properties[${key}].default`, detail));
    }
  }
  return errors;
}

function ruleErrors(schema: Schema, path: string): FieldError[] {
  return schemasIn(schema, RULES).flatMap((rule, i) => {
    const source = stringAt(rule, "rule");
    const at = `${path}.${RULES}[${i}].rule`;
    if (source.trim() === "") return [required(at, "rule is not specified")];
    return [source, stringAt(rule, "messageExpression")].flatMap((text) => {
      try {
        if (text !== "") compileCel(text);
        return [];
      } catch (error) {
        if (!(error instanceof CelSyntaxError)) throw error;
        return [invalid(at, rule, `compilation failed: ${error.message}`)];
      }
    });
  });
}

/** Defaults must be valid themselves, after they were completed by the defaults within. */
function defaultErrors(schema: Schema, path: string): FieldError[] {
  if (schema["default"] === undefined) return [];
  const value = structuredClone(schema["default"]);
  fill(schema, value);
  return valueErrors(schema, value, `${path}.default`);
}
