import { type JsonObject, numberAt, objectAt } from "../json.ts";
import { type FieldError, invalid, notSupported } from "./field-error.ts";
import { intOrPercentErrors, overHundredErrors } from "./numbers.ts";
import { selectorErrors } from "./selectors.ts";

export function leaseErrors(spec: JsonObject): FieldError[] {
  const [duration, transitions] = [
    numberAt(spec, "leaseDurationSeconds"),
    numberAt(spec, "leaseTransitions"),
  ];
  const errors: FieldError[] = [];
  if (duration !== undefined && duration <= 0) {
    errors.push(invalid("spec.leaseDurationSeconds", duration, "must be greater than 0"));
  }
  if (transitions !== undefined && transitions < 0) {
    errors.push(invalid("spec.leaseTransitions", transitions, "must be greater than or equal to 0"));
  }
  return errors;
}

const EVICTIONS = ["AlwaysAllow", "IfHealthyBudget"];

export function disruptionBudgetErrors(spec: JsonObject): FieldError[] {
  const { minAvailable, maxUnavailable } = spec;
  const both: FieldError[] = [];
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    // The value is the whole spec, as upstream's internal type writes it.
    const shown = {
      MinAvailable: minAvailable,
      Selector: spec["selector"] ?? null,
      MaxUnavailable: maxUnavailable,
      UnhealthyPodEvictionPolicy: spec["unhealthyPodEvictionPolicy"] ?? null,
    };
    both.push(invalid("spec", shown, "minAvailable and maxUnavailable cannot be both set"));
  }
  const selector = objectAt(spec, "selector");
  const eviction = spec["unhealthyPodEvictionPolicy"];
  return [
    ...both,
    ...budgetErrors(minAvailable, "spec.minAvailable"),
    ...budgetErrors(maxUnavailable, "spec.maxUnavailable"),
    ...(selector === undefined ? [] : selectorErrors(selector, "spec.selector")),
    ...(eviction === undefined || EVICTIONS.includes(String(eviction))
      ? []
      : [notSupported("spec.unhealthyPodEvictionPolicy", eviction, EVICTIONS)]),
  ];
}

const budgetErrors = (value: unknown, path: string): FieldError[] => [
  ...intOrPercentErrors(value, path),
  ...overHundredErrors(value, path),
];
