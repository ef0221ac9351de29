import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { type FieldError, forbidden, invalid, notSupported, required } from "./field-error.ts";
import { dns1123SubdomainErrors, labelValueErrors, pathSegmentErrors, qualifiedNameErrors } from "./names.ts";

const IS_CIDR = /^(\d{1,3}(\.\d{1,3}){3}\/\d{1,2}|[0-9a-fA-F:]+\/\d{1,3})$/;

/** The spec of a node: the addresses of its pods, and who may not come to it. */
export function nodeErrors(spec: JsonObject): FieldError[] {
  const cidrs = listAt(spec, "podCIDRs").length > 0 ? listAt(spec, "podCIDRs") : [spec["podCIDR"] ?? ""];
  const errors = cidrs.flatMap((cidr, i) => {
    if (cidr === "" || IS_CIDR.test(String(cidr))) return [];
    const detail = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
    return [invalid(`spec.podCIDRs[${i}]`, cidr, detail)];
  });
  return [...taintErrors(listAt(spec, "taints").filter(isObject), "metadata.taints"), ...errors];
}

const EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

function taintErrors(taints: readonly JsonObject[], path: string): FieldError[] {
  const seen = new Set<string>();
  return taints.flatMap((taint, i) => {
    const at = `${path}[${i}]`;
    const [key = "", value = "", effect = ""] = ["key", "value", "effect"].map((field) =>
      stringAt(taint, field),
    );
    const errors = qualifiedNameErrors(key).map((detail) => invalid(`${at}.key`, key, detail));
    const wrong = labelValueErrors(value);
    if (wrong.length > 0) errors.push(invalid(`${at}.value`, value, wrong.join(";")));
    if (effect === "") errors.push(required(`${at}.effect`));
    else if (!EFFECTS.includes(effect)) errors.push(notSupported(`${at}.effect`, effect, EFFECTS));
    const identity = `${effect} ${key}`;
    if (seen.has(identity)) {
      // The value is shown as upstream's internal type writes it.
      const shown = { Key: key, Value: value, Effect: effect, TimeAdded: taint["timeAdded"] ?? null };
      const detail = "taints must be unique by key and effect pair";
      errors.push({ reason: "FieldValueDuplicate", field: at, value: shown, detail });
    }
    seen.add(identity);
    return errors;
  });
}

/** A state that a controller went through. */
export function revisionErrors(revision: JsonObject): FieldError[] {
  const number = numberAt(revision, "revision") ?? 0;
  const data = revision["data"];
  return [
    ...(data === undefined || data === null
      ? [required("data", "data is mandatory")]
      : isObject(data)
        ? []
        : [required("data", "data must be a valid JSON object")]),
    ...(number < 0 ? [invalid("revision", number, "must be greater than or equal to 0")] : []),
  ];
}

/** `acme.io/foo`. */
export function domainPrefixedErrors(path: string, at: string): FieldError[] {
  if (/^[^/]+\/.+$/.test(path)) return [];
  return [invalid(at, path, 'must be a domain-prefixed path (such as "acme.io/foo")')];
}

const SCOPES = ["Cluster", "Namespace"];

/** An object named by its group, kind and name. */
export function typedReferenceErrors(reference: JsonObject, path: string): FieldError[] {
  const group = stringAt(reference, "apiGroup");
  return [
    ...(group === ""
      ? []
      : dns1123SubdomainErrors(group).map((detail) => invalid(`${path}.apiGroup`, group, detail))),
    ...["kind", "name"].flatMap((field) => {
      const value = stringAt(reference, field);
      if (value === "") return [required(`${path}.${field}`)];
      return pathSegmentErrors(value).map((detail) => invalid(`${path}.${field}`, value, detail));
    }),
  ];
}

export function ingressClassErrors(spec: JsonObject): FieldError[] {
  const controller = stringAt(spec, "controller");
  const errors =
    controller === "" ? [required("spec.controller")] : domainPrefixedErrors(controller, "spec.controller");
  const parameters = objectAt(spec, "parameters");
  if (parameters === undefined) return errors;
  const path = "spec.parameters";
  const [scope, namespace] = [stringAt(parameters, "scope"), stringAt(parameters, "namespace")];
  errors.push(...typedReferenceErrors(parameters, path));
  if (scope === "") errors.push(required(`${path}.scope`));
  else if (!SCOPES.includes(scope)) errors.push(notSupported(`${path}.scope`, scope, SCOPES));
  if (scope === "Namespace" && namespace === "") {
    errors.push(required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'"));
  }
  if (scope === "Cluster" && parameters["namespace"] !== undefined) {
    errors.push(forbidden(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'"));
  }
  return errors;
}
