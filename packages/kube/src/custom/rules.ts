import { compileCel } from "../cel/evaluate.ts";
import { CelError } from "../cel/functions.ts";
import { isObject, type JsonObject, jsonEqual, stringAt } from "../json.ts";
import { type FieldError, type FieldErrorReason, invalid } from "../validation/field-error.ts";
import {
  INT_OR_STRING,
  itemsOf,
  LIST_KEYS,
  LIST_TYPE,
  propertiesOf,
  RULES,
  type Schema,
  schemasIn,
  stringsIn,
  valuesOf,
} from "./schema.ts";

/** Whether rules stand anywhere in a schema. */
export function hasRules(schema: Schema): boolean {
  const below = [...Object.values(propertiesOf(schema)), itemsOf(schema), valuesOf(schema)];
  return schemasIn(schema, RULES).length > 0 || below.some((one) => one !== undefined && hasRules(one));
}

/**
 * What the rules (`x-kubernetes-validations`) of a schema say of a value. Rules about `oldSelf` are asked on updates, where
 * it is known which former value an item had; rules whose values did not change are not asked again.
 */
export function ruleErrors(schema: Schema, value: unknown, path: string, before?: unknown): FieldError[] {
  if (value === undefined || value === null) return [];
  const errors = ownErrors(schema, value, path, before);
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (items === undefined) return errors;
    return [
      ...errors,
      ...value.flatMap((item, i) => ruleErrors(items, item, `${path}[${i}]`, former(schema, item, before))),
    ];
  }
  if (!isObject(value)) return errors;
  const properties = propertiesOf(schema);
  const values = valuesOf(schema);
  const old = isObject(before) ? before : {};
  for (const key of Object.keys(value).sort()) {
    const member = properties[key] ?? values;
    if (member === undefined) continue;
    const below = values !== undefined && properties[key] === undefined ? `${path}[${key}]` : join(path, key);
    errors.push(...ruleErrors(member, value[key], below, old[key]));
  }
  return errors;
}

function ownErrors(schema: Schema, value: unknown, path: string, before: unknown): FieldError[] {
  const rules = schemasIn(schema, RULES);
  if (rules.length === 0 || (before !== undefined && jsonEqual(value, before))) return [];
  return rules.flatMap((rule) => {
    const source = stringAt(rule, "rule");
    const program = compileCel(source);
    if (program.usesOldSelf && before === undefined) return [];
    try {
      if (program.evaluate({ self: value, oldSelf: before }) === true) return [];
      const message = messageOf(rule, value, before) || `failed rule: ${source.trim()}`;
      return [failure(rule, schema, path, message)];
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      return [
        invalid(
          path,
          typeOf(schema),
          `${error.message} evaluating rule: ${stringAt(rule, "message") || source}`,
        ),
      ];
    }
  });
}

function failure(rule: JsonObject, schema: Schema, path: string, message: string): FieldError {
  const reason = REASONS.find((known) => known === rule["reason"]);
  const own = stringAt(rule, "fieldPath").replace(/^\./, "");
  const at = own === "" ? path : join(path, own);
  return { ...invalid(at, typeOf(schema), message), ...(reason === undefined ? {} : { reason }) };
}

const REASONS: readonly FieldErrorReason[] = [
  "FieldValueInvalid",
  "FieldValueForbidden",
  "FieldValueRequired",
  "FieldValueDuplicate",
];

/** Complaints of rules show the type in place of the value. */
function typeOf(schema: Schema): string {
  return schema[INT_OR_STRING] === true ? "" : stringAt(schema, "type");
}

function messageOf(rule: JsonObject, value: unknown, before: unknown): string {
  const expression = stringAt(rule, "messageExpression");
  if (expression !== "") {
    try {
      const text = compileCel(expression).evaluate({ self: value, oldSelf: before });
      if (typeof text === "string" && text.trim() !== "") return text.trim();
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
    }
  }
  return stringAt(rule, "message").trim();
}

function former(schema: Schema, item: unknown, before: unknown): unknown {
  if (schema[LIST_TYPE] !== "map" || !Array.isArray(before) || !isObject(item)) return undefined;
  const keys = stringsIn(schema, LIST_KEYS);
  return before.find((old) => isObject(old) && keys.every((key) => jsonEqual(old[key], item[key])));
}

const join = (path: string, key: string): string => (path === "" ? key : `${path}.${key}`);
