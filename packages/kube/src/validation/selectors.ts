import { isObject, type JsonObject, listAt, objectAt, stringAt } from "../json.ts";
import type { LabelSelector } from "../object.ts";
import type { LabelRequirements } from "../selectors/label-requirement.ts";
import { labelRequirements } from "../selectors/label-selector.ts";
import { SelectorSyntaxError } from "../selectors/label-selector-parser.ts";
import { type FieldError, forbidden, invalid, required } from "./field-error.ts";
import { labelsErrors } from "./metadata.ts";
import { labelValueErrors, qualifiedNameErrors } from "./names.ts";

/** What is wrong with a `LabelSelector` object. */
export function selectorErrors(selector: JsonObject, path: string): FieldError[] {
  return [
    ...labelsErrors(objectAt(selector, "matchLabels"), `${path}.matchLabels`),
    ...listAt(selector, "matchExpressions")
      .filter(isObject)
      .flatMap((expression, i) => expressionErrors(expression, `${path}.matchExpressions[${i}]`)),
  ];
}

/** Whether a selector selects everything. */
export function isEmptySelector(selector: JsonObject): boolean {
  return (
    Object.keys(objectAt(selector, "matchLabels") ?? {}).length +
      listAt(selector, "matchExpressions").length ===
    0
  );
}

/** The requirements of a selector; undefined where they cannot be made. An absent selector has none (null). */
export function requirementsOf(selector: JsonObject | undefined): LabelRequirements | null | undefined {
  try {
    // The typed form of a selector has the shape of its type.
    return labelRequirements(selector as LabelSelector | undefined);
  } catch (error) {
    if (error instanceof SelectorSyntaxError) return undefined;
    throw error;
  }
}

function expressionErrors(expression: JsonObject, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const values = listAt(expression, "values");
  const operator = stringAt(expression, "operator");
  if (operator === "In" || operator === "NotIn") {
    if (values.length === 0) {
      errors.push(required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
    }
  } else if (operator === "Exists" || operator === "DoesNotExist") {
    if (values.length > 0) {
      errors.push(
        forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
      );
    }
  } else {
    errors.push(invalid(`${path}.operator`, operator, "not a valid selector operator"));
  }
  const key = stringAt(expression, "key");
  errors.push(...qualifiedNameErrors(key).map((detail) => invalid(`${path}.key`, key, detail)));
  values.forEach((value, i) => {
    for (const detail of labelValueErrors(String(value)))
      errors.push(invalid(`${path}.values[${i}]`, value, detail));
  });
  return errors;
}
