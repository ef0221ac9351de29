import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { duplicate, type FieldError, forbidden, invalid, notSupported, required } from "./field-error.ts";
import { labelsErrors } from "./metadata.ts";
import { dns1123LabelErrors, dns1123SubdomainErrors, qualifiedNameErrors } from "./names.ts";
import { selectorErrors } from "./selectors.ts";

const REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution";

/** Where a pod wants to be: by nodes, and by the pods that are there. */
export function affinityErrors(affinity: JsonObject | undefined, path: string): FieldError[] {
  const node = objectAt(affinity, "nodeAffinity");
  return [
    ...(node === undefined ? [] : nodeAffinityErrors(node, `${path}.nodeAffinity`)),
    ...["podAffinity", "podAntiAffinity"].flatMap((field) => {
      const own = objectAt(affinity, field);
      return own === undefined ? [] : podAffinityErrors(own, `${path}.${field}`);
    }),
  ];
}

function nodeAffinityErrors(affinity: JsonObject, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const wanted = objectAt(affinity, REQUIRED);
  if (wanted !== undefined) errors.push(...nodeSelectorTermErrors(wanted, `${path}.${REQUIRED}`));
  listAt(affinity, PREFERRED)
    .filter(isObject)
    .forEach((term, i) => {
      const at = `${path}.${PREFERRED}[${i}]`;
      errors.push(...weightErrors(term, at));
      errors.push(...nodeTermErrors(objectAt(term, "preference") ?? {}, `${at}.preference`));
    });
  return errors;
}

/** Terms of which one must fit a node. */
export function nodeSelectorTermErrors(selector: JsonObject, path: string): FieldError[] {
  const terms = listAt(selector, "nodeSelectorTerms").filter(isObject);
  const at = `${path}.nodeSelectorTerms`;
  if (terms.length === 0) return [required(at, "must have at least one node selector term")];
  return terms.flatMap((term, i) => nodeTermErrors(term, `${at}[${i}]`));
}

function weightErrors(term: JsonObject, path: string): FieldError[] {
  const weight = numberAt(term, "weight") ?? 0;
  return weight >= 1 && weight <= 100
    ? []
    : [invalid(`${path}.weight`, weight, "must be in the range 1-100")];
}

function nodeTermErrors(term: JsonObject, path: string): FieldError[] {
  return [
    ...listAt(term, "matchExpressions")
      .filter(isObject)
      .flatMap((requirement, i) => nodeRequirementErrors(requirement, `${path}.matchExpressions[${i}]`)),
    ...listAt(term, "matchFields")
      .filter(isObject)
      .flatMap((requirement, i) => nodeFieldErrors(requirement, `${path}.matchFields[${i}]`)),
  ];
}

/** Of a node's fields only its name can be asked for, and one at a time. */
function nodeFieldErrors(requirement: JsonObject, path: string): FieldError[] {
  const [key, operator] = [stringAt(requirement, "key"), stringAt(requirement, "operator")];
  const values = listAt(requirement, "values").map(String);
  const errors: FieldError[] = [];
  if (operator !== "In" && operator !== "NotIn") {
    errors.push(invalid(`${path}.operator`, operator, "not a valid selector operator"));
  } else if (values.length !== 1) {
    const detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
    errors.push(required(`${path}.values`, detail));
  }
  if (key !== "metadata.name")
    return [...errors, invalid(`${path}.key`, key, "not a valid field selector key")];
  values.forEach((value, i) => {
    const wrong = dns1123SubdomainErrors(value);
    errors.push(...wrong.map((detail) => invalid(`${path}.values[${i}]`, value, detail)));
  });
  return errors;
}

function nodeRequirementErrors(requirement: JsonObject, path: string): FieldError[] {
  const count = listAt(requirement, "values").length;
  const operator = stringAt(requirement, "operator");
  const errors: FieldError[] = [];
  switch (operator) {
    case "In":
    case "NotIn":
      if (count === 0)
        errors.push(required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      break;
    case "Exists":
    case "DoesNotExist":
      if (count > 0) {
        const detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
        errors.push(forbidden(`${path}.values`, detail));
      }
      break;
    case "Gt":
    case "Lt":
      if (count !== 1) {
        const detail = "must be specified single value when `operator` is 'Lt' or 'Gt'";
        errors.push(required(`${path}.values`, detail));
      }
      break;
    default:
      errors.push(invalid(`${path}.operator`, operator, "not a valid selector operator"));
  }
  const key = stringAt(requirement, "key");
  return [...errors, ...qualifiedNameErrors(key).map((detail) => invalid(`${path}.key`, key, detail))];
}

function podAffinityErrors(affinity: JsonObject, path: string): FieldError[] {
  return [
    ...listAt(affinity, REQUIRED)
      .filter(isObject)
      .flatMap((term, i) => podTermErrors(term, `${path}.${REQUIRED}[${i}]`)),
    ...listAt(affinity, PREFERRED)
      .filter(isObject)
      .flatMap((term, i) => {
        const at = `${path}.${PREFERRED}[${i}]`;
        const inner = objectAt(term, "podAffinityTerm") ?? {};
        return [...weightErrors(term, at), ...podTermErrors(inner, `${at}.podAffinityTerm`)];
      }),
  ];
}

function podTermErrors(term: JsonObject, path: string): FieldError[] {
  const selectors = ["labelSelector", "namespaceSelector"].flatMap((field) => {
    const selector = objectAt(term, field);
    return selector === undefined ? [] : selectorErrors(selector, `${path}.${field}`);
  });
  const namespaces = listAt(term, "namespaces").map(String);
  const key = stringAt(term, "topologyKey");
  const empty = key === "" ? [required(`${path}.topologyKey`, "can not be empty")] : [];
  const wrong = qualifiedNameErrors(key).map((detail) => invalid(`${path}.topologyKey`, key, detail));
  return [
    ...selectors,
    // The name of the field is upstream's.
    ...namespaces.flatMap((name) =>
      dns1123LabelErrors(name).map((detail) => invalid(`${path}.namespace`, name, detail)),
    ),
    ...["matchLabelKeys", "mismatchLabelKeys"].flatMap((field) =>
      listAt(term, field).length > 0 && objectAt(term, "labelSelector") === undefined
        ? [forbidden(`${path}.${field}`, "must not be specified when labelSelector is not set")]
        : [],
    ),
    ...empty,
    ...wrong,
  ];
}

const HONORED = ["Honor", "Ignore"];
const UNSATISFIABLE = ["DoNotSchedule", "ScheduleAnyway"];

/** How evenly pods shall be spread. */
export function spreadErrors(constraints: readonly JsonObject[], path: string): FieldError[] {
  return constraints.flatMap((constraint, i) => {
    const at = `${path}[${i}]`;
    const [skew, domains] = [numberAt(constraint, "maxSkew") ?? 0, numberAt(constraint, "minDomains")];
    const [key, when] = [stringAt(constraint, "topologyKey"), stringAt(constraint, "whenUnsatisfiable")];
    const errors: FieldError[] = [];
    if (skew <= 0) errors.push(invalid(`${at}.maxSkew`, skew, "must be greater than zero"));
    if (key === "") errors.push(required(`${at}.topologyKey`, "can not be empty"));
    if (!UNSATISFIABLE.includes(when))
      errors.push(notSupported(`${at}.whenUnsatisfiable`, when, UNSATISFIABLE));
    const again = constraints
      .slice(i + 1)
      .some(
        (other) => stringAt(other, "topologyKey") === key && stringAt(other, "whenUnsatisfiable") === when,
      );
    if (again) errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${key}, ${when}}`));
    if (domains !== undefined && domains <= 0) {
      errors.push(invalid(`${at}.minDomains`, domains, "must be greater than zero"));
    }
    if (domains !== undefined && when !== "DoNotSchedule") {
      const detail = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${when}`;
      errors.push(invalid(`${at}.minDomains`, domains, detail));
    }
    for (const field of ["nodeAffinityPolicy", "nodeTaintsPolicy"]) {
      const value = constraint[field];
      if (value !== undefined && !HONORED.includes(String(value)))
        errors.push(notSupported(`${at}.${field}`, value, HONORED));
    }
    const selector = objectAt(constraint, "labelSelector");
    if (selector !== undefined) return [...errors, ...selectorErrors(selector, `${at}.labelSelector`)];
    if (listAt(constraint, "matchLabelKeys").length === 0) return errors;
    return [
      ...errors,
      forbidden(`${at}.matchLabelKeys`, "must not be specified when labelSelector is not set"),
    ];
  });
}

/** Gates that hold a pod back, before it is placed and before it is ready. */
export function gateErrors(spec: JsonObject, path: string): FieldError[] {
  const readiness = listAt(spec, "readinessGates").flatMap((gate, i) => {
    const type = stringAt(gate, "conditionType");
    const at = `${path}.readinessGates[${i}].conditionType`;
    return qualifiedNameErrors(type).map((detail) => invalid(at, type, detail));
  });
  const seen = new Set<string>();
  const scheduling = listAt(spec, "schedulingGates").flatMap((gate, i) => {
    const name = stringAt(gate, "name");
    const at = `${path}.schedulingGates[${i}]`;
    const errors = qualifiedNameErrors(name).map((detail) => invalid(at, name, detail));
    if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
    return errors;
  });
  return [...readiness, ...scheduling];
}

export const nodeSelectorErrors = (spec: JsonObject, path: string): FieldError[] =>
  labelsErrors(objectAt(spec, "nodeSelector"), `${path}.nodeSelector`);
