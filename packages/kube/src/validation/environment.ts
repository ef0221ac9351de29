import { isObject, type JsonObject, listAt, objectAt, stringAt } from "../json.ts";
import { type FieldError, invalid, notSupported, required } from "./field-error.ts";
import { configKeyErrors, dns1123SubdomainErrors, envNameErrors, qualifiedNameErrors } from "./names.ts";

const SOURCES = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef"];

export function envErrors(container: JsonObject, path: string): FieldError[] {
  return listAt(container, "env")
    .filter(isObject)
    .flatMap((variable, i) => {
      const at = `${path}[${i}]`;
      const name = stringAt(variable, "name");
      const errors =
        name === ""
          ? [required(`${at}.name`)]
          : envNameErrors(name).map((detail) => invalid(`${at}.name`, name, detail));
      const from = objectAt(variable, "valueFrom");
      return from === undefined ? errors : [...errors, ...valueFromErrors(variable, from, `${at}.valueFrom`)];
    });
}

function valueFromErrors(variable: JsonObject, from: JsonObject, path: string): FieldError[] {
  const given = SOURCES.filter((source) => isObject(from[source]));
  const errors = given.flatMap((source) =>
    sourceErrors(source, objectAt(from, source) ?? {}, `${path}.${source}`),
  );
  if (given.length === 0) {
    const detail = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`";
    errors.push(invalid(path, "", detail));
  } else if (stringAt(variable, "value") !== "") {
    errors.push(invalid(path, "", "may not be specified when `value` is not empty"));
  } else if (given.length > 1) {
    errors.push(invalid(path, "", "may not have more than one field specified at a time"));
  }
  return errors;
}

const ENV_FIELDS = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];

/** The fields that files can hold. */
export const VOLUME_FIELDS = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
];

/** Fields of a pod that something can refer to. */
const POD_FIELDS = new Set([
  ...ENV_FIELDS,
  ...VOLUME_FIELDS,
  "metadata.labels",
  "metadata.annotations",
  "spec.restartPolicy",
  "spec.schedulerName",
  "spec.hostNetwork",
  "status.phase",
  "status.nominatedNodeName",
]);

/** A reference to a field of the pod itself, one of those that fit the place. */
export function fieldReferenceErrors(
  source: JsonObject,
  fields: readonly string[],
  path: string,
): FieldError[] {
  const [version, field] = [stringAt(source, "apiVersion"), stringAt(source, "fieldPath")];
  if (version === "") return [required(`${path}.apiVersion`)];
  if (field === "") return [required(`${path}.fieldPath`)];
  const unknown = (why: string) => [
    invalid(`${path}.fieldPath`, field, `error converting fieldPath: ${why}`),
  ];
  if (version !== "v1") return unknown(`unsupported pod version: ${version}`);
  const key = /^metadata\.(?:labels|annotations)\['(.*)'\]$/.exec(field)?.[1];
  // Keys of annotations are compared in lower case.
  const own = field.startsWith("metadata.annotations") ? key?.toLowerCase() : key;
  if (own !== undefined) return qualifiedNameErrors(own).map((detail) => invalid(path, own, detail));
  if (!POD_FIELDS.has(field)) return unknown(`field label not supported: ${field}`);
  return fields.includes(field) ? [] : [notSupported(`${path}.fieldPath`, field, fields)];
}

const RESOURCES = ["cpu", "ephemeral-storage", "memory"];
const RESOURCE_FIELDS = ["limits", "requests"].flatMap((kind) => RESOURCES.map((name) => `${kind}.${name}`));
const DIVISORS: Readonly<Record<string, readonly string[]>> = { cpu: ["1m", "1"] };
const BYTES = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

/** A reference to a resource of a container. */
export function resourceReferenceErrors(source: JsonObject, path: string): FieldError[] {
  const [resource, divisor] = [stringAt(source, "resource"), stringAt(source, "divisor")];
  if (resource === "") return [required(`${path}.resource`)];
  const name = resource.split(".")[1] ?? "";
  if (!RESOURCE_FIELDS.includes(resource) && !name.startsWith("hugepages-")) {
    return [notSupported(`${path}.resource`, resource, RESOURCE_FIELDS)];
  }
  const allowed = DIVISORS[name] ?? BYTES;
  if (divisor === "" || divisor === "0" || allowed.includes(divisor)) return [];
  const shown = name === "cpu" ? "1m and 1" : allowed.join(", ");
  const detail = `only divisor's values ${shown} are supported with the ${name} resource`;
  return [invalid(`${path}.divisor`, resource, detail)];
}

function sourceErrors(type: string, source: JsonObject, path: string): FieldError[] {
  if (type === "fieldRef") return fieldReferenceErrors(source, ENV_FIELDS, path);
  if (type === "resourceFieldRef") return resourceReferenceErrors(source, path);
  const key = stringAt(source, "key");
  const name = stringAt(source, "name");
  const errors = dns1123SubdomainErrors(name).map((detail) => invalid(`${path}.name`, name, detail));
  if (key === "") return [...errors, required(`${path}.key`)];
  return [...errors, ...configKeyErrors(key).map((detail) => invalid(`${path}.key`, key, detail))];
}

export function envFromErrors(container: JsonObject, path: string): FieldError[] {
  return listAt(container, "envFrom")
    .filter(isObject)
    .flatMap((source, i) => {
      const at = `${path}[${i}]`;
      const prefix = stringAt(source, "prefix");
      const errors =
        prefix === "" ? [] : envNameErrors(prefix).map((detail) => invalid(`${at}.prefix`, prefix, detail));
      const given = ["configMapRef", "secretRef"].filter((ref) => isObject(source[ref]));
      for (const ref of given) {
        const name = stringAt(source[ref], "name");
        if (name === "") errors.push(required(`${at}.${ref}.name`));
        else
          errors.push(
            ...dns1123SubdomainErrors(name).map((detail) => invalid(`${at}.${ref}.name`, name, detail)),
          );
      }
      // Upstream leaves the index out of these two.
      if (given.length === 0)
        errors.push(invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"));
      if (given.length > 1)
        errors.push(invalid(path, "", "may not have more than one field specified at a time"));
      return errors;
    });
}
