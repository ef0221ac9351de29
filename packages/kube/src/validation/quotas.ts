import { isObject, type JsonObject, jsonEqual, listAt, objectAt, stringAt } from "../json.ts";
import { compareQuantities, parseQuantity } from "../values/quantity.ts";
import { duplicate, type FieldError, forbidden, invalid, required } from "./field-error.ts";
import { qualifiedNameErrors } from "./names.ts";

const COMPUTE = ["cpu", "memory", "ephemeral-storage"];
/** Counted in whole numbers. */
const COUNTED = [
  "pods",
  "resourcequotas",
  "services",
  "replicationcontrollers",
  "secrets",
  "configmaps",
  "persistentvolumeclaims",
  "services.nodeports",
  "services.loadbalancers",
];
const QUOTA_RESOURCES = new Set([
  ...COMPUTE,
  ...["requests", "limits"].flatMap((prefix) => COMPUTE.map((name) => `${prefix}.${name}`)),
  "requests.storage",
  ...COUNTED,
]);
const POD_RESOURCES = ["cpu", "memory"].flatMap((name) => [name, `limits.${name}`, `requests.${name}`]);

/** Which standard resources a scope can restrict; other scopes are unknown. */
const SCOPES: Readonly<Record<string, readonly string[]>> = {
  Terminating: ["pods", ...POD_RESOURCES],
  NotTerminating: ["pods", ...POD_RESOURCES],
  NotBestEffort: ["pods", ...POD_RESOURCES],
  PriorityClass: ["pods", ...POD_RESOURCES],
  CrossNamespacePodAffinity: ["pods", ...POD_RESOURCES],
  BestEffort: ["pods"],
  VolumeAttributesClass: ["persistentvolumeclaims", "requests.storage"],
};
const EXCLUSIVE = [
  ["BestEffort", "NotBestEffort"],
  ["Terminating", "NotTerminating"],
] as const;

export function quotaErrors(spec: JsonObject): FieldError[] {
  const hard = objectAt(spec, "hard") ?? {};
  const errors = Object.entries(hard).flatMap(([name, amount]) => {
    const at = `spec.hard[${name}]`;
    return [...quotaNameErrors(name, at), ...amountErrors(name, amount, at)];
  });
  const scopes = listAt(spec, "scopes").map(String);
  return [
    ...errors,
    ...scopeErrors(scopes, Object.keys(hard)),
    ...scopeSelectorErrors(spec, Object.keys(hard)),
  ];
}

const OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist"];
/** Scopes that are there or not, without values. */
const BARE_SCOPES = [
  "BestEffort",
  "NotBestEffort",
  "Terminating",
  "NotTerminating",
  "CrossNamespacePodAffinity",
];

/** Upstream leaves the index out of all of these. */
function scopeSelectorErrors(spec: JsonObject, resources: readonly string[]): FieldError[] {
  const path = "spec.scopeSelector.matchExpressions";
  const expressions = listAt(objectAt(spec, "scopeSelector"), "matchExpressions").filter(isObject);
  return expressions.flatMap((expression) => {
    const [scope, operator] = [stringAt(expression, "scopeName"), stringAt(expression, "operator")];
    const values = listAt(expression, "values");
    const fits = Object.hasOwn(SCOPES, scope) ? SCOPES[scope] : undefined;
    const errors: FieldError[] = [];
    if (fits === undefined) errors.push(invalid(`${path}.scopeName`, scope, "unsupported scope"));
    for (const name of [...resources].sort()) {
      if (fits !== undefined && isQuotaResource(name) && !fits.includes(name)) {
        errors.push(
          invalid(path, internalScopeSelector(expressions), "unsupported scope applied to resource"),
        );
      }
    }
    if (BARE_SCOPES.includes(scope) && operator !== "Exists") {
      const detail =
        "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, " +
        "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
      errors.push(invalid(`${path}.operator`, operator, detail));
    }
    const listed = operator === "In" || operator === "NotIn";
    if (listed && values.length === 0) {
      const detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
      errors.push(required(`${path}.values`, detail));
    }
    if (!listed && OPERATORS.includes(operator) && values.length > 0) {
      const detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
      errors.push(invalid(`${path}.values`, values, detail));
    }
    if (!OPERATORS.includes(operator)) {
      errors.push(invalid(`${path}.operator`, operator, "not a valid selector operator"));
    }
    return errors;
  });
}

/** Expressions as upstream's internal type shows them. */
const internalScopeSelector = (expressions: readonly JsonObject[]): object => ({
  MatchExpressions: expressions.map(({ scopeName, operator, values }) => ({
    ScopeName: scopeName ?? "",
    Operator: operator ?? "",
    Values: values ?? null,
  })),
});

export function quotaUpdateErrors(spec: JsonObject, before: JsonObject): FieldError[] {
  const scopes = (of: JsonObject) => [...new Set(listAt(of, "scopes").map(String))].sort();
  if (jsonEqual(scopes(spec), scopes(before))) return [];
  return [invalid("spec.scopes", spec["scopes"] ?? null, "field is immutable")];
}

function quotaNameErrors(name: string, path: string): FieldError[] {
  const errors = resourceNameErrors(name, path);
  if (!name.includes("/") && !isQuotaResource(name)) {
    errors.push(invalid(path, name, "must be a standard resource for quota"));
  }
  return errors;
}

const isQuotaResource = (name: string): boolean =>
  QUOTA_RESOURCES.has(name) || /^(requests\.)?hugepages-/.test(name);

function resourceNameErrors(name: string, path: string): FieldError[] {
  const errors = qualifiedNameErrors(name).map((detail) => invalid(path, name, detail));
  if (errors.length > 0 || name.includes("/") || name === "storage" || isQuotaResource(name)) return errors;
  return [invalid(path, name, "must be a standard resource type or fully qualified")];
}

function amountErrors(name: string, amount: unknown, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { nanos } = parseQuantity(String(amount));
  if (nanos < 0n) errors.push(invalid(path, amount, "must be greater than or equal to 0"));
  const whole = COUNTED.includes(name) || (name.includes("/") && !name.includes("kubernetes.io/"));
  if (whole && nanos % 1_000_000_000n !== 0n) errors.push(invalid(path, amount, "must be an integer"));
  return errors;
}

function scopeErrors(scopes: readonly string[], resources: readonly string[]): FieldError[] {
  const errors: FieldError[] = [];
  const complain = (detail: string) => errors.push(invalid("spec.scopes", scopes, detail));
  for (const scope of scopes) {
    const fits = SCOPES[scope];
    if (fits === undefined) complain("unsupported scope");
    for (const name of [...resources].sort()) {
      if (fits !== undefined && isQuotaResource(name) && !fits.includes(name)) {
        complain("unsupported scope applied to resource");
      }
    }
  }
  for (const pair of EXCLUSIVE) {
    if (pair.every((scope) => scopes.includes(scope))) complain("conflicting scopes");
  }
  return errors;
}

const LIMIT_TYPES = ["Pod", "Container", "PersistentVolumeClaim"];

export function limitRangeErrors(spec: JsonObject): FieldError[] {
  const seen = new Set<string>();
  return listAt(spec, "limits")
    .filter(isObject)
    .flatMap((limit, i) => {
      const path = `spec.limits[${i}]`;
      const type = stringAt(limit, "type");
      const errors = qualifiedNameErrors(type).map((detail) => invalid(`${path}.type`, type, detail));
      if (errors.length === 0 && !type.includes("/") && !LIMIT_TYPES.includes(type)) {
        errors.push(invalid(`${path}.type`, type, "must be a standard limit type or fully qualified"));
      }
      if (seen.has(type)) errors.push(duplicate(`${path}.type`, type));
      seen.add(type);
      return [...errors, ...limitErrors(limit, type, path)];
    });
}

function limitErrors(limit: JsonObject, type: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"]) {
    const amounts = objectAt(limit, field) ?? {};
    if (type === "Pod" && field.startsWith("default")) {
      if (Object.keys(amounts).length > 0) {
        errors.push(forbidden(`${path}.${field}`, "may not be specified when `type` is 'Pod'"));
      }
      continue;
    }
    for (const name of Object.keys(amounts)) {
      errors.push(...limitNameErrors(name, type, `${path}.${field}[${name}]`));
    }
  }
  const storage = (field: string) => objectAt(limit, field)?.["storage"];
  if (type === "PersistentVolumeClaim" && storage("min") === undefined && storage("max") === undefined) {
    const detail = "either minimum or maximum storage value is required, but neither was provided";
    errors.push(required(`${path}.limits`, detail));
  }
  return [...errors, ...orderErrors(limit, type, path)];
}

function limitNameErrors(name: string, type: string, path: string): FieldError[] {
  const errors = resourceNameErrors(name, path);
  if (type !== "Pod" && type !== "Container") return errors;
  if (!name.includes("/") && !COMPUTE.includes(name) && !name.startsWith("hugepages-")) {
    errors.push(invalid(path, name, "must be a standard resource for containers"));
  }
  return errors;
}

/** Pairs that must be in order: the lower one, the upper one, whose value is at fault, and the words. */
const ORDERS = [
  ["min", "max", "min", "min", ["min value", "max value"]],
  ["min", "defaultRequest", "defaultRequest", "defaultRequest", ["min value", "default request value"]],
  ["defaultRequest", "max", "defaultRequest", "defaultRequest", ["default request value", "max value"]],
  [
    "defaultRequest",
    "default",
    "defaultRequest",
    "defaultRequest",
    ["default request value", "default limit value"],
  ],
  // Upstream shows the bound as the value of these two.
  ["min", "default", "default", "min", ["min value", "default value"]],
  ["default", "max", "default", "max", ["default value", "max value"]],
] as const;

function orderErrors(limit: JsonObject, type: string, path: string): FieldError[] {
  const amountsOf = (field: string): JsonObject =>
    type === "Pod" && field.startsWith("default") ? {} : (objectAt(limit, field) ?? {});
  const names = new Set(
    ["max", "min", "default", "defaultRequest"].flatMap((f) => Object.keys(amountsOf(f))),
  );
  const errors: FieldError[] = [];
  for (const name of names) {
    for (const [low, high, at, shown, [lowWords, highWords]] of ORDERS) {
      const [below, above] = [amountsOf(low)[name], amountsOf(high)[name]];
      if (below === undefined || above === undefined) continue;
      if (compareQuantities(String(below), String(above)) <= 0) continue;
      const detail = `${lowWords} ${below} is greater than ${highWords} ${above}`;
      errors.push(invalid(`${path}.${at}[${name}]`, amountsOf(shown)[name], detail));
    }
  }
  for (const [name, ratio] of Object.entries(objectAt(limit, "maxLimitRequestRatio") ?? {})) {
    if (compareQuantities(String(ratio), "1") < 0) {
      errors.push(invalid(`${path}.maxLimitRequestRatio[${name}]`, ratio, `ratio ${ratio} is less than 1`));
    }
  }
  return errors;
}
