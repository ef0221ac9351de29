import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { compareQuantities } from "../values/quantity.ts";
import { type FieldError, forbidden, invalid, notSupported, required } from "./field-error.ts";
import { dns1123LabelErrors, pathSegmentErrors } from "./names.ts";

export function autoscalerErrors(spec: JsonObject): FieldError[] {
  const [min, max] = [numberAt(spec, "minReplicas"), numberAt(spec, "maxReplicas") ?? 0];
  const errors: FieldError[] = [];
  if (min !== undefined && min < 1) {
    errors.push(invalid("spec.minReplicas", min, "must be greater than or equal to 1"));
  }
  if (max < 1) errors.push(invalid("spec.maxReplicas", max, "must be greater than 0"));
  if (min !== undefined && max < min) {
    errors.push(invalid("spec.maxReplicas", max, "must be greater than or equal to `minReplicas`"));
  }
  errors.push(...referenceErrors(objectAt(spec, "scaleTargetRef"), "spec.scaleTargetRef"));
  errors.push(...targetGroupErrors(stringAt(objectAt(spec, "scaleTargetRef"), "apiVersion")));
  metricsOf(spec).forEach((metric, i) => {
    errors.push(...metricErrors(metric, `spec.metrics[${i}]`));
  });
  const outside = metricsOf(spec).some(({ type }) => type === "Object" || type === "External");
  if (min === 0 && !outside) {
    const detail = "must specify at least one Object or External metric to support scaling to zero replicas";
    errors.push(forbidden("spec.metrics", detail));
  }
  const behavior = objectAt(spec, "behavior");
  for (const direction of ["scaleUp", "scaleDown"]) {
    const rules = objectAt(behavior, direction);
    if (rules !== undefined) errors.push(...scalingErrors(rules, `spec.behavior.${direction}`));
  }
  return errors;
}

/** The metrics; what autoscaling/v1 says of processors stands for the metric that it is in the other version. */
function metricsOf(spec: JsonObject): JsonObject[] {
  const percent = spec["targetCPUUtilizationPercentage"];
  const metrics = listAt(spec, "metrics").filter(isObject);
  if (percent === undefined) return metrics;
  const target = { type: "Utilization", averageUtilization: percent };
  return [...metrics, { type: "Resource", resource: { name: "cpu", target } }];
}

function referenceErrors(reference: JsonObject | undefined, path: string): FieldError[] {
  return ["kind", "name"].flatMap((field) => {
    const value = stringAt(reference, field);
    if (value === "") return [required(`${path}.${field}`)];
    return pathSegmentErrors(value).map((detail) => invalid(`${path}.${field}`, value, detail));
  });
}

/** What is scaled must have a group: nothing of the core group can be told apart without one. */
function targetGroupErrors(apiVersion: string): FieldError[] {
  const path = "spec.scaleTargetRef.apiVersion";
  const parts = apiVersion.split("/");
  if (parts.length > 2) return [invalid(path, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)];
  if (parts.length === 2 && parts[0] !== "") return [];
  return [invalid(path, apiVersion, "apiVersion must specify API group")];
}

/** The kinds of metric, and the field that each fills. */
const SOURCES: Readonly<Record<string, string>> = {
  ContainerResource: "containerResource",
  External: "external",
  Object: "object",
  Pods: "pods",
  Resource: "resource",
};
/** In the order in which upstream looks. */
const SOURCE_FIELDS = ["object", "external", "pods", "resource", "containerResource"];

function metricErrors(metric: JsonObject, path: string): FieldError[] {
  const type = stringAt(metric, "type");
  const expected = Object.hasOwn(SOURCES, type) ? SOURCES[type] : undefined;
  const present = SOURCE_FIELDS.filter((field) => isObject(metric[field]));
  const errors: FieldError[] = [];
  if (type === "") errors.push(required(`${path}.type`, "must specify a metric source type"));
  const unsupported = notSupported(`${path}.type`, type, Object.keys(SOURCES));
  if (expected === undefined) errors.push(unsupported);
  const [first] = present;
  if (first !== undefined) {
    errors.push(...sourceErrors(first, objectAt(metric, first) ?? {}, `${path}.${first}`));
  }
  if (expected === undefined) errors.push(unsupported);
  else if (!present.includes(expected)) {
    const detail = "must populate information for the given metric source";
    errors.push(required(`${path}.${expected}`, detail));
  }
  if (present.length === 1) return errors;
  const others = present.filter((field) => field !== expected);
  return [
    ...errors,
    ...others.map((field) => forbidden(`${path}.${field}`, "must populate the given metric source only")),
  ];
}

function sourceErrors(field: string, source: JsonObject, path: string): FieldError[] {
  const target = objectAt(source, "target") ?? {};
  const at = `${path}.target`;
  const has = (name: string): boolean => target[name] !== undefined;
  const errors: FieldError[] = [];
  if (field === "object") {
    errors.push(...referenceErrors(objectAt(source, "describedObject"), `${path}.describedObject`));
  }
  if (field === "resource" || field === "containerResource") {
    if (stringAt(source, "name") === "")
      errors.push(required(`${path}.name`, "must specify a resource name"));
    if (field === "containerResource") errors.push(...containerErrors(source, path));
    errors.push(...targetErrors(target, at));
    if (!has("averageUtilization") && !has("averageValue")) {
      const detail = "must set either a target raw value or a target utilization";
      errors.push(required(`${at}.averageUtilization`, detail));
    }
    if (has("averageUtilization") && has("averageValue")) {
      const detail = "may not set both a target raw value and a target utilization";
      errors.push(forbidden(`${at}.averageValue`, detail));
    }
    return errors;
  }
  errors.push(...identifierErrors(objectAt(source, "metric"), `${path}.metric`), ...targetErrors(target, at));
  if (field === "pods") {
    if (!has("averageValue")) {
      errors.push(required(`${at}.averageValue`, "must specify a positive target averageValue"));
    }
    return errors;
  }
  const external = field === "external";
  if (!has("value") && !has("averageValue")) {
    const detail = external
      ? "must set either a target value for metric or a per-pod target"
      : "must set either a target value or averageValue";
    errors.push(required(`${at}.averageValue`, detail));
  }
  if (external && has("value") && has("averageValue")) {
    const detail = "may not set both a target value for metric and a per-pod target";
    errors.push(forbidden(`${at}.value`, detail));
  }
  return errors;
}

function containerErrors(source: JsonObject, path: string): FieldError[] {
  const name = stringAt(source, "container");
  if (name === "") return [required(`${path}.container`, "must specify a container")];
  return dns1123LabelErrors(name).map((detail) => invalid(`${path}.container`, name, detail));
}

function identifierErrors(metric: JsonObject | undefined, path: string): FieldError[] {
  const name = stringAt(metric, "name");
  if (name === "") return [required(`${path}.name`, "must specify a metric name")];
  return pathSegmentErrors(name).map((detail) => invalid(`${path}.name`, name, detail));
}

function targetErrors(target: JsonObject, path: string): FieldError[] {
  const type = stringAt(target, "type");
  const errors: FieldError[] = [];
  if (type === "") errors.push(required(`${path}.type`, "must specify a metric target type"));
  if (!["Utilization", "Value", "AverageValue"].includes(type)) {
    errors.push(invalid(`${path}.type`, type, "must be either Utilization, Value, or AverageValue"));
  }
  for (const field of ["value", "averageValue"]) {
    const value = target[field];
    if (value !== undefined && compareQuantities(String(value), "0") <= 0) {
      errors.push(invalid(`${path}.${field}`, value, "must be positive"));
    }
  }
  const utilization = numberAt(target, "averageUtilization");
  if (utilization !== undefined && utilization < 1) {
    errors.push(invalid(`${path}.averageUtilization`, utilization, "must be greater than 0"));
  }
  return errors;
}

const MAX_WINDOW_SECONDS = 3600;
const MAX_PERIOD_SECONDS = 1800;
const SELECT_POLICIES = ["Disabled", "Max", "Min"];
const POLICY_TYPES = ["Percent", "Pods"];

function scalingErrors(rules: JsonObject, path: string): FieldError[] {
  const window = numberAt(rules, "stabilizationWindowSeconds");
  const select = rules["selectPolicy"];
  const policies = listAt(rules, "policies").filter(isObject);
  const at = `${path}.stabilizationWindowSeconds`;
  const errors: FieldError[] = [];
  if (window !== undefined && window < 0) {
    errors.push(invalid(at, window, "must be greater than or equal to zero"));
  }
  if (window !== undefined && window > MAX_WINDOW_SECONDS) {
    errors.push(invalid(at, window, `must be less than or equal to ${MAX_WINDOW_SECONDS}`));
  }
  if (select !== undefined && !SELECT_POLICIES.includes(String(select))) {
    errors.push(notSupported(`${path}.selectPolicy`, select, SELECT_POLICIES));
  }
  if (policies.length === 0) {
    errors.push(required(`${path}.policies`, "must specify at least one Policy"));
  }
  policies.forEach((policy, i) => {
    errors.push(...scalingPolicyErrors(policy, `${path}.policies[${i}]`));
  });
  return errors;
}

function scalingPolicyErrors(policy: JsonObject, path: string): FieldError[] {
  const type = stringAt(policy, "type");
  const period = numberAt(policy, "periodSeconds") ?? 0;
  const errors = POLICY_TYPES.includes(type) ? [] : [notSupported(`${path}.type`, type, POLICY_TYPES)];
  for (const field of ["value", "periodSeconds"]) {
    const value = numberAt(policy, field) ?? 0;
    if (value <= 0) errors.push(invalid(`${path}.${field}`, value, "must be greater than zero"));
  }
  if (period > MAX_PERIOD_SECONDS) {
    const detail = `must be less than or equal to ${MAX_PERIOD_SECONDS}`;
    errors.push(invalid(`${path}.periodSeconds`, period, detail));
  }
  return errors;
}
