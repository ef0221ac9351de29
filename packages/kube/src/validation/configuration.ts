import { type JsonObject, jsonEqual, objectAt, stringAt } from "../json.ts";
import { JsonSyntaxError, parseJsonText } from "../schema/json-text.ts";
import { byteLength } from "../values/go-text.ts";
import { type FieldError, forbidden, invalid, required, tooLong } from "./field-error.ts";
import { configKeyErrors } from "./names.ts";

/** All values of a ConfigMap or Secret together. */
const MAX_BYTES = 1024 * 1024;

export function configMapErrors(configMap: JsonObject): FieldError[] {
  const [data, binary] = [objectAt(configMap, "data") ?? {}, objectAt(configMap, "binaryData") ?? {}];
  const errors = Object.keys(data).flatMap((key) => [
    ...keyErrors(key, "data"),
    ...(Object.hasOwn(binary, key)
      ? [invalid(`data[${key}]`, key, "duplicate of key present in binaryData")]
      : []),
  ]);
  errors.push(...Object.keys(binary).flatMap((key) => keyErrors(key, "binaryData")));
  const bytes = sum(data, (value) => byteLength(value)) + sum(binary, decodedLength);
  // Upstream gives no field here, and prints it so.
  return bytes > MAX_BYTES ? [...errors, tooLong("[]", MAX_BYTES)] : errors;
}

export function secretErrors(secret: JsonObject): FieldError[] {
  const data = objectAt(secret, "data") ?? {};
  const errors = Object.keys(data).flatMap((key) => keyErrors(key, "data"));
  if (sum(data, decodedLength) > MAX_BYTES) errors.push(tooLong("data", MAX_BYTES));
  return [...errors, ...typeErrors(secret, data)];
}

/** What may not change once `immutable` is set, and a Secret's type. */
export function configurationUpdateErrors(object: JsonObject, before: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  if (before["kind"] === "Secret" && object["type"] !== before["type"]) {
    errors.push(invalid("type", object["type"], "field is immutable"));
  }
  if (before["immutable"] !== true) return errors;
  const detail = "field is immutable when `immutable` is set";
  if (object["immutable"] !== true) errors.push(forbidden("immutable", detail));
  for (const field of ["data", "binaryData"]) {
    if (!jsonEqual(object[field] ?? {}, before[field] ?? {})) errors.push(forbidden(field, detail));
  }
  return errors;
}

const keyErrors = (key: string, path: string): FieldError[] =>
  configKeyErrors(key).map((detail) => invalid(`${path}[${key}]`, key, detail));

function sum(data: JsonObject, length: (value: string) => number): number {
  return Object.values(data).reduce<number>((total, value) => total + length(String(value)), 0);
}

function decodedLength(base64: string): number {
  return (base64.length / 4) * 3 - (base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0);
}

/** Keys that a type of Secret must have. */
const REQUIRED_KEYS: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
};

function typeErrors(secret: JsonObject, data: JsonObject): FieldError[] {
  const type = stringAt(secret, "type");
  if (type === "kubernetes.io/service-account-token") {
    const key = "kubernetes.io/service-account.name";
    const name = stringAt(objectAt(secret["metadata"], "annotations"), key);
    return name === "" ? [required(`metadata.annotations[${key}]`)] : [];
  }
  if (type === "kubernetes.io/basic-auth") {
    const keys = ["username", "password"];
    return keys.some((key) => Object.hasOwn(data, key)) ? [] : keys.map((key) => required(`data[${key}]`));
  }
  const keys = REQUIRED_KEYS[type] ?? [];
  const missing = keys.filter((key) => !Object.hasOwn(data, key)).map((key) => required(`data[${key}]`));
  if (missing.length > 0 || !type.startsWith("kubernetes.io/dockerc")) return missing;
  return keys.flatMap((key) => registryConfigErrors(key, data));
}

/** Credentials for registries are JSON objects. The value is not told. */
function registryConfigErrors(key: string, data: JsonObject): FieldError[] {
  const text = Buffer.from(stringAt(data, key), "base64").toString("utf8");
  try {
    parseJsonText(text);
    return [];
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return [invalid(`data[${key}]`, "<secret contents redacted>", error.message)];
  }
}
