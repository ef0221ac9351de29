import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { type FieldError, invalid, notSupported, required } from "./field-error.ts";
import { intOrPercentErrors, portErrors } from "./numbers.ts";
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

export function disruptionBudgetErrors(spec: JsonObject): FieldError[] {
  const { minAvailable, maxUnavailable } = spec;
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    // The value is the whole spec, as upstream's internal type writes it.
    const shown = {
      MinAvailable: minAvailable,
      Selector: spec["selector"] ?? null,
      MaxUnavailable: maxUnavailable,
    };
    return [invalid("spec", shown, "minAvailable and maxUnavailable cannot be both set")];
  }
  const selector = objectAt(spec, "selector");
  return [
    ...intOrPercentErrors(minAvailable, "spec.minAvailable"),
    ...intOrPercentErrors(maxUnavailable, "spec.maxUnavailable"),
    ...(selector === undefined ? [] : selectorErrors(selector, "spec.selector")),
  ];
}

export function autoscalerErrors(spec: JsonObject): FieldError[] {
  const [min, max] = [numberAt(spec, "minReplicas"), numberAt(spec, "maxReplicas") ?? 0];
  const target = objectAt(spec, "scaleTargetRef");
  const errors: FieldError[] = [];
  if (min !== undefined && min < 1) {
    errors.push(invalid("spec.minReplicas", min, "must be greater than or equal to 1"));
  }
  if (max < 1) errors.push(invalid("spec.maxReplicas", max, "must be greater than 0"));
  if (min !== undefined && max < min) {
    errors.push(invalid("spec.maxReplicas", max, "must be greater than or equal to `minReplicas`"));
  }
  for (const field of ["kind", "name"]) {
    if (stringAt(target, field) === "") errors.push(required(`spec.scaleTargetRef.${field}`));
  }
  return errors;
}

export function networkPolicyErrors(spec: JsonObject): FieldError[] {
  const errors = selectorErrors(objectAt(spec, "podSelector") ?? {}, "spec.podSelector");
  for (const [direction, peers] of [
    ["ingress", "from"],
    ["egress", "to"],
  ] as const) {
    listAt(spec, direction)
      .filter(isObject)
      .forEach((rule, i) => {
        const at = `spec.${direction}[${i}]`;
        listAt(rule, "ports")
          .filter(isObject)
          .forEach((port, j) => {
            if (port["port"] !== undefined)
              errors.push(...portErrors(port["port"], `${at}.ports[${j}].port`));
          });
        listAt(rule, peers)
          .filter(isObject)
          .forEach((peer, j) => {
            errors.push(...peerErrors(peer, `${at}.${peers}[${j}]`));
          });
      });
  }
  const types = listAt(spec, "policyTypes").map(String);
  types.forEach((type, i) => {
    if (type !== "Ingress" && type !== "Egress") {
      errors.push(notSupported(`spec.policyTypes[${i}]`, type, ["Egress", "Ingress"]));
    }
  });
  return errors;
}

function peerErrors(peer: JsonObject, path: string): FieldError[] {
  const selectors = ["podSelector", "namespaceSelector"].filter((field) => isObject(peer[field]));
  const block = objectAt(peer, "ipBlock");
  if (selectors.length === 0 && block === undefined) return [required(path, "must specify a peer")];
  return selectors.flatMap((field) => selectorErrors(objectAt(peer, field) ?? {}, `${path}.${field}`));
}
