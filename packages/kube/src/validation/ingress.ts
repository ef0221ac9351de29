import { isIP } from "node:net";
import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { type FieldError, invalid, notSupported, required } from "./field-error.ts";
import {
  dns1035LabelErrors,
  dns1123SubdomainErrors,
  portNameErrors,
  portNumberErrors,
  wildcardSubdomainErrors,
} from "./names.ts";

export function ingressErrors(spec: JsonObject): FieldError[] {
  const rules = listAt(spec, "rules").filter(isObject);
  const fallback = objectAt(spec, "defaultBackend");
  const errors: FieldError[] = [];
  if (rules.length === 0 && fallback === undefined) {
    errors.push(invalid("spec", null, "either `defaultBackend` or `rules` must be specified"));
  }
  if (fallback !== undefined) errors.push(...backendErrors(fallback, "spec.defaultBackend"));
  rules.forEach((rule, i) => {
    errors.push(...ruleErrors(rule, `spec.rules[${i}]`));
  });
  listAt(spec, "tls").forEach((tls, i) => {
    listAt(tls, "hosts").forEach((host, j) => {
      const at = `spec.tls[${i}].hosts[${j}]`;
      const grammar = String(host).includes("*") ? wildcardSubdomainErrors : dns1123SubdomainErrors;
      errors.push(...grammar(String(host)).map((detail) => invalid(at, host, detail)));
    });
    const secret = stringAt(tls, "secretName");
    if (secret === "") return;
    errors.push(
      ...dns1123SubdomainErrors(secret).map((detail) => invalid(`spec.tls[${i}].secretName`, secret, detail)),
    );
  });
  const className = spec["ingressClassName"];
  if (typeof className === "string") {
    errors.push(
      ...dns1123SubdomainErrors(className).map((detail) =>
        invalid("spec.ingressClassName", className, detail),
      ),
    );
  }
  return errors;
}

const CLASS = "kubernetes.io/ingress.class";

/** The older annotation for the class must say the same as the field. */
export function ingressClassNameErrors(ingress: JsonObject): FieldError[] {
  const annotation = objectAt(objectAt(ingress, "metadata"), "annotations")?.[CLASS];
  const name = objectAt(ingress, "spec")?.["ingressClassName"];
  if (annotation === undefined || name === undefined || annotation === name) return [];
  return [
    invalid(`annotations.${CLASS}`, annotation, "must match `ingressClassName` when both are specified"),
  ];
}

function ruleErrors(rule: JsonObject, path: string): FieldError[] {
  const host = stringAt(rule, "host");
  const errors: FieldError[] = [];
  if (host !== "") {
    if (isIP(host) !== 0) errors.push(invalid(`${path}.host`, host, "must be a DNS name, not an IP address"));
    const grammar = host.includes("*") ? wildcardSubdomainErrors : dns1123SubdomainErrors;
    errors.push(...grammar(host).map((detail) => invalid(`${path}.host`, host, detail)));
  }
  const http = objectAt(rule, "http");
  if (http === undefined) return errors;
  const paths = listAt(http, "paths").filter(isObject);
  if (paths.length === 0) errors.push(required(`${path}.http.paths`));
  return [...errors, ...paths.flatMap((entry, i) => pathErrors(entry, `${path}.http.paths[${i}]`))];
}

const SEQUENCES = ["//", "/./", "/../", "%2f", "%2F"];
const SUFFIXES = ["/..", "/."];
const PATH_TYPES = ["Exact", "ImplementationSpecific", "Prefix"];

function pathErrors(entry: JsonObject, path: string): FieldError[] {
  const type = entry["pathType"];
  if (type === undefined || type === null)
    return [required(`${path}.pathType`, "pathType must be specified")];
  const errors: FieldError[] = [];
  const text = stringAt(entry, "path");
  const complain = (detail: string) => errors.push(invalid(`${path}.path`, text, detail));
  if (type === "Exact" || type === "Prefix") {
    if (!text.startsWith("/")) complain("must be an absolute path");
    for (const part of SEQUENCES) if (text.includes(part)) complain(`must not contain '${part}'`);
    for (const end of SUFFIXES) if (text.endsWith(end)) complain(`cannot end with '${end}'`);
  } else if (type === "ImplementationSpecific") {
    if (text !== "" && !text.startsWith("/")) complain("must be an absolute path");
  } else {
    errors.push(notSupported(`${path}.pathType`, type, PATH_TYPES));
  }
  return [...errors, ...backendErrors(objectAt(entry, "backend") ?? {}, `${path}.backend`)];
}

function backendErrors(backend: JsonObject, path: string): FieldError[] {
  const [service, resource] = [objectAt(backend, "service"), objectAt(backend, "resource")];
  if (service !== undefined && resource !== undefined) {
    return [invalid(path, "", "cannot set both resource and service backends")];
  }
  if (resource !== undefined) {
    return ["kind", "name"]
      .filter((f) => stringAt(resource, f) === "")
      .map((f) => required(`${path}.resource.${f}`));
  }
  if (service === undefined) return [invalid(path, "", "resource or service backend is required")];
  const name = stringAt(service, "name");
  const errors =
    name === ""
      ? [required(`${path}.service.name`)]
      : dns1035LabelErrors(name).map((detail) => invalid(`${path}.service.name`, name, detail));
  return [...errors, ...servicePortErrors(objectAt(service, "port") ?? {}, path)];
}

function servicePortErrors(port: JsonObject, path: string): FieldError[] {
  const [name, number] = [stringAt(port, "name"), numberAt(port, "number") ?? 0];
  if (name !== "" && number !== 0) return [invalid(path, "", "cannot set both port name & port number")];
  if (name !== "")
    return portNameErrors(name).map((detail) => invalid(`${path}.service.port.name`, name, detail));
  if (number === 0) return [required(path, "port name or number is required")];
  return portNumberErrors(number).map((detail) => invalid(`${path}.service.port.number`, number, detail));
}
