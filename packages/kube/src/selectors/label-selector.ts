import type { LabelSelector } from "../object.ts";
import { fieldErrorBody, invalid } from "../validation/field-error.ts";
import { labelValueErrors, qualifiedNameErrors } from "../validation/names.ts";
import { quote } from "../values/go-text.ts";
import {
  formatRequirements,
  INTEGER,
  type LabelOperator,
  type LabelRequirement,
  type LabelRequirements,
  type Labels,
  matchesRequirements,
} from "./label-requirement.ts";
import { parseRequirements, SelectorSyntaxError } from "./label-selector-parser.ts";

export { SelectorSyntaxError };

/** Parses the text form. Throws `SelectorSyntaxError` with apimachinery's own message (the API answers 400 with it). */
export function parseLabelSelector(text: string): LabelRequirements {
  const requirements = parseRequirements(text);
  for (const requirement of requirements) checkRequirement(requirement);
  return requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** Requirements of a `LabelSelector` object: an absent one selects nothing (null), an empty one everything. */
export function labelRequirements(selector: LabelSelector | undefined | null): LabelRequirements | null {
  if (selector === undefined || selector === null) return null;
  const requirements: LabelRequirement[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    requirements.push({ key, operator: "=", values: [value] });
  }
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const textual = OPERATORS[operator];
    if (textual === undefined) {
      throw new SelectorSyntaxError(`${quote(operator)} is not a valid label selector operator`);
    }
    requirements.push({ key, operator: textual, values: [...new Set(values ?? [])].sort() });
  }
  for (const requirement of requirements) checkRequirement(requirement);
  return requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

const OPERATORS: Partial<Record<string, LabelOperator>> = {
  In: "in",
  NotIn: "notin",
  Exists: "exists",
  DoesNotExist: "!",
};

/** Whether labels satisfy a `LabelSelector` object. */
export function matchesLabelSelector(selector: LabelSelector | undefined | null, labels: Labels): boolean {
  return matchesRequirements(labelRequirements(selector), labels);
}

/** The text form of a `LabelSelector` object, as `status.selector` of a Scale carries it. */
export function formatLabelSelector(selector: LabelSelector | undefined | null): string {
  return formatRequirements(labelRequirements(selector) ?? []);
}

function checkRequirement({ key, operator, values }: LabelRequirement): void {
  const errors: string[] = [];
  const complain = (field: string, value: unknown, detail: string) =>
    errors.push(`${field}: ${fieldErrorBody(invalid(field, value, detail))}`);
  const keyErrors = qualifiedNameErrors(key);
  if (keyErrors.length > 0) complain("key", key, keyErrors.join("; "));
  if ((operator === "in" || operator === "notin") && values.length === 0) {
    complain("values", values, "for 'in', 'notin' operators, values set can't be empty");
  }
  if ((operator === "exists" || operator === "!") && values.length > 0) {
    complain("values", values, "values set must be empty for exists and does not exist");
  }
  if (operator === "gt" || operator === "lt") {
    values.forEach((value, i) => {
      if (!INTEGER.test(value)) {
        complain(`values[${i}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer");
      }
    });
  }
  values.forEach((value, i) => {
    const valueErrors = labelValueErrors(value);
    if (valueErrors.length > 0) complain(`values[${i}][${key}]`, value, valueErrors.join("; "));
  });
  if (errors.length > 0) {
    const text = errors.length === 1 ? errors[0] : `[${errors.join(", ")}]`;
    throw new SelectorSyntaxError(`unable to parse requirement: ${text}`);
  }
}
