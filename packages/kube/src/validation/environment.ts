import { isObject, type JsonObject, listAt, objectAt, stringAt } from "../json.ts";
import { type FieldError, invalid, notSupported, required } from "./field-error.ts";
import { configKeyErrors, envNameErrors } from "./names.ts";

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

function sourceErrors(type: string, source: JsonObject, path: string): FieldError[] {
  if (type === "fieldRef") {
    const field = stringAt(source, "fieldPath");
    if (stringAt(source, "apiVersion") === "") return [required(`${path}.apiVersion`)];
    if (field === "") return [required(`${path}.fieldPath`)];
    if (ENV_FIELDS.includes(field) || /^metadata\.(labels|annotations)\['[^']+'\]$/.test(field)) return [];
    return [notSupported(`${path}.fieldPath`, field, ENV_FIELDS)];
  }
  if (type === "resourceFieldRef")
    return stringAt(source, "resource") === "" ? [required(`${path}.resource`)] : [];
  const key = stringAt(source, "key");
  const errors = stringAt(source, "name") === "" ? [required(`${path}.name`)] : [];
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
      for (const ref of given)
        if (stringAt(source[ref], "name") === "") errors.push(required(`${at}.${ref}.name`));
      if (given.length === 0)
        errors.push(invalid(at, "", "must specify one of: `configMapRef` or `secretRef`"));
      if (given.length > 1)
        errors.push(invalid(at, "", "may not have more than one field specified at a time"));
      return errors;
    });
}
