import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { cidrErrors, isStrictlyInside } from "./addresses.ts";
import { type FieldError, forbidden, invalid, notSupported, required } from "./field-error.ts";
import { portNumberErrors } from "./names.ts";
import { portErrors } from "./numbers.ts";
import { selectorErrors } from "./selectors.ts";

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
        errors.push(...each(rule, "ports", at, ruleErrors), ...each(rule, peers, at, peerErrors));
      });
  }
  return [...errors, ...typeErrors(listAt(spec, "policyTypes").map(String))];
}

function each(
  rule: JsonObject,
  field: string,
  path: string,
  check: (item: JsonObject, path: string) => FieldError[],
): FieldError[] {
  return listAt(rule, field)
    .filter(isObject)
    .flatMap((item, i) => check(item, `${path}.${field}[${i}]`));
}

function typeErrors(types: readonly string[]): FieldError[] {
  const path = "spec.policyTypes";
  if (types.length > 2) return [invalid(path, types, "may not specify more than two policyTypes")];
  return types.flatMap((type, i) =>
    type === "Ingress" || type === "Egress"
      ? []
      : [notSupported(`${path}[${i}]`, type, ["Ingress", "Egress"])],
  );
}

const PROTOCOLS = ["TCP", "UDP", "SCTP"];

function ruleErrors(rule: JsonObject, path: string): FieldError[] {
  const { port, protocol } = rule;
  const end = numberAt(rule, "endPort");
  const errors: FieldError[] = [];
  if (protocol !== undefined && !PROTOCOLS.includes(String(protocol))) {
    errors.push(notSupported(`${path}.protocol`, protocol, PROTOCOLS));
  }
  if (typeof port === "number") {
    errors.push(...portErrors(port, `${path}.port`));
    if (end !== undefined && end < port) {
      // Upstream shows the port here.
      errors.push(invalid(`${path}.endPort`, port, "must be greater than or equal to `port`"));
    }
    if (end !== undefined) {
      errors.push(...portNumberErrors(end).map((detail) => invalid(`${path}.endPort`, end, detail)));
    }
    return errors;
  }
  if (end !== undefined) {
    const detail = `may not be specified when \`port\` is ${port === undefined ? "not specified" : "non-numeric"}`;
    errors.push(invalid(`${path}.endPort`, end, detail));
  }
  return port === undefined ? errors : [...errors, ...portErrors(port, `${path}.port`)];
}

function peerErrors(peer: JsonObject, path: string): FieldError[] {
  const selectors = ["podSelector", "namespaceSelector"].filter((field) => isObject(peer[field]));
  const block = objectAt(peer, "ipBlock");
  if (selectors.length === 0 && block === undefined) return [required(path, "must specify a peer")];
  const errors = selectors.flatMap((field) =>
    selectorErrors(objectAt(peer, field) ?? {}, `${path}.${field}`),
  );
  if (block === undefined) return errors;
  errors.push(...blockErrors(block, `${path}.ipBlock`));
  if (selectors.length > 0) errors.push(forbidden(path, "may not specify both ipBlock and another peer"));
  return errors;
}

function blockErrors(block: JsonObject, path: string): FieldError[] {
  const cidr = stringAt(block, "cidr");
  if (cidr === "") return [required(`${path}.cidr`)];
  const errors = cidrErrors(cidr, `${path}.cidr`);
  if (errors.length > 0) return errors;
  return listAt(block, "except")
    .map(String)
    .flatMap((except, i) => {
      const at = `${path}.except[${i}]`;
      const wrong = cidrErrors(except, at);
      if (wrong.length > 0 || isStrictlyInside(cidr, except)) return wrong;
      return [invalid(at, except, "must be a strict subset of `cidr`")];
    });
}
