import { type JsonObject, jsonEqual, listAt, objectAt, stringAt } from "../json.ts";
import { byteLength } from "../values/go-text.ts";
import { compareQuantities } from "../values/quantity.ts";
import { type FieldError, forbidden, invalid, notSupported, required, tooLong } from "./field-error.ts";
import { immutableErrors } from "./immutable.ts";
import { dns1123SubdomainErrors, qualifiedNameErrors } from "./names.ts";
import { selectorErrors } from "./selectors.ts";

const ACCESS_MODES = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const VOLUME_MODES = ["Block", "Filesystem"];

export function claimErrors(spec: JsonObject, path = "spec"): FieldError[] {
  const selector = objectAt(spec, "selector");
  const at = `${path}.resources[storage]`;
  const size = objectAt(objectAt(spec, "resources"), "requests")?.["storage"];
  return [
    ...(listAt(spec, "accessModes").length === 0
      ? [required(`${path}.accessModes`, "at least 1 access mode is required")]
      : []),
    ...(selector === undefined ? [] : selectorErrors(selector, `${path}.selector`)),
    ...accessModeErrors(spec, path),
    ...(size === undefined ? [required(at)] : positiveErrors(size, at)),
    ...classNameErrors(spec, path),
    ...volumeModeErrors(spec, path),
  ];
}

/** A claim stays what it is, but for the volume it is given and, once bound, its size. */
export function claimUpdateErrors(claim: JsonObject, before: JsonObject): FieldError[] {
  const [spec, old] = [objectAt(claim, "spec") ?? {}, objectAt(before, "spec") ?? {}];
  const bound = stringAt(objectAt(claim, "status"), "phase") === "Bound";
  const [size, oldSize] = [requestOf(spec), requestOf(old)];
  const errors: FieldError[] = [];
  if (!jsonEqual(comparable(spec, old, bound), comparable(old, old, bound))) {
    const detail =
      "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
    errors.push(forbidden("spec", `${detail}\n${changedFields(spec, old)}`));
  }
  const has = objectAt(objectAt(before, "status"), "capacity")?.["storage"] ?? "0";
  if (compareQuantities(size, oldSize) < 0 && compareQuantities(size, String(has)) <= 0) {
    errors.push(forbidden("spec.resources.requests.storage", "field can not be less than status.capacity"));
  }
  // Upstream names this field without its parent.
  return [...errors, ...immutableErrors(spec, old, ["volumeMode"])];
}

const requestOf = (spec: JsonObject): string =>
  String(objectAt(objectAt(spec, "resources"), "requests")?.["storage"] ?? "0");

/** The spec without what may change. */
function comparable(spec: JsonObject, old: JsonObject, bound: boolean): JsonObject {
  const { volumeName, volumeAttributesClassName, resources, ...rest } = spec;
  const named = stringAt(old, "volumeName") === "" ? {} : { volumeName };
  if (!bound) return { ...rest, ...named, volumeAttributesClassName, resources };
  const requests = { ...objectAt(objectAt(spec, "resources"), "requests") };
  delete requests["storage"];
  return { ...rest, ...named, resources: { ...objectAt(spec, "resources"), requests } };
}

/** Upstream shows a diff of its internal form here. */
const changedFields = (spec: JsonObject, old: JsonObject): string =>
  [...new Set([...Object.keys(spec), ...Object.keys(old)])]
    .filter((field) => !jsonEqual(spec[field], old[field]))
    .sort()
    .map((field) => `spec.${field}`)
    .join("\n");

export function persistentVolumeErrors(spec: JsonObject): FieldError[] {
  const path = "spec";
  const capacity = objectAt(spec, "capacity") ?? {};
  const policy = stringAt(spec, "persistentVolumeReclaimPolicy");
  const policies = ["Delete", "Recycle", "Retain"];
  const errors: FieldError[] = [];
  if (listAt(spec, "accessModes").length === 0) errors.push(required(`${path}.accessModes`));
  errors.push(...accessModeErrors(spec, path));
  if (Object.keys(capacity).length === 0) errors.push(required(`${path}.capacity`));
  if (capacity["storage"] === undefined || Object.keys(capacity).length > 1) {
    const shown = Object.keys(capacity).length === 0 ? null : capacity;
    errors.push(notSupported(`${path}.capacity`, shown, ["storage"]));
  }
  for (const [name, amount] of Object.entries(capacity)) {
    errors.push(...positiveErrors(amount, `${path}.capacity[${name}]`));
  }
  if (policy !== "" && !policies.includes(policy)) {
    errors.push(notSupported(`${path}.persistentVolumeReclaimPolicy`, policy, policies));
  }
  errors.push(...sourceErrors(spec, path));
  return [...errors, ...classNameErrors(spec, path), ...volumeModeErrors(spec, path)];
}

/** What a volume's spec may hold beside its source. */
const NO_SOURCE = new Set([
  "accessModes",
  "capacity",
  "claimRef",
  "mountOptions",
  "nodeAffinity",
  "persistentVolumeReclaimPolicy",
  "storageClassName",
  "volumeAttributesClassName",
  "volumeMode",
]);

function sourceErrors(spec: JsonObject, path: string): FieldError[] {
  const sources = Object.keys(spec).filter((field) => !NO_SOURCE.has(field));
  if (sources.length === 0) return [required(path, "must specify a volume type")];
  const more = sources.slice(1);
  const errors = more.map((field) =>
    forbidden(`${path}.${field}`, "may not specify more than 1 volume type"),
  );
  if (sources.includes("hostPath") && stringAt(objectAt(spec, "hostPath"), "path") === "") {
    errors.push(required(`${path}.hostPath.path`));
  }
  if (sources.includes("local") && spec["nodeAffinity"] === undefined) {
    errors.push(required(`${path}.nodeAffinity`, "Local volume requires node affinity"));
  }
  return errors;
}

function accessModeErrors(spec: JsonObject, path: string): FieldError[] {
  const modes = listAt(spec, "accessModes").map(String);
  const errors = modes
    .filter((mode) => !ACCESS_MODES.includes(mode))
    .map((mode) => notSupported(`${path}.accessModes`, mode, ACCESS_MODES));
  const shared = modes.some((mode) => mode !== "ReadWriteOncePod" && ACCESS_MODES.includes(mode));
  if (modes.includes("ReadWriteOncePod") && shared) {
    errors.push(forbidden(`${path}.accessModes`, "may not use ReadWriteOncePod with other access modes"));
  }
  return errors;
}

function classNameErrors(spec: JsonObject, path: string): FieldError[] {
  const name = stringAt(spec, "storageClassName");
  if (name === "") return [];
  return dns1123SubdomainErrors(name).map((detail) => invalid(`${path}.storageClassName`, name, detail));
}

function volumeModeErrors(spec: JsonObject, path: string): FieldError[] {
  const mode = spec["volumeMode"];
  if (mode === undefined || VOLUME_MODES.includes(String(mode))) return [];
  return [notSupported(`${path}.volumeMode`, mode, VOLUME_MODES)];
}

const positiveErrors = (amount: unknown, path: string): FieldError[] =>
  compareQuantities(String(amount), "0") > 0 ? [] : [invalid(path, amount, "must be greater than zero")];

/** Parameters of one class together: how many, and how many bytes. */
const MAX_PARAMETERS = 512;
const MAX_PARAMETER_BYTES = 256 * 1024;

export function storageClassErrors(storage: JsonObject): FieldError[] {
  const provisioner = stringAt(storage, "provisioner");
  const parameters = Object.entries(objectAt(storage, "parameters") ?? {});
  const errors =
    provisioner === ""
      ? [required("provisioner")]
      : qualifiedNameErrors(provisioner.toLowerCase()).map((detail) =>
          invalid("provisioner", provisioner.toLowerCase(), detail),
        );
  if (parameters.length > MAX_PARAMETERS) errors.push(tooLong("parameters", MAX_PARAMETERS));
  const bytes = parameters.reduce(
    (sum, [key, value]) => sum + byteLength(key) + byteLength(String(value)),
    0,
  );
  if (bytes > MAX_PARAMETER_BYTES) errors.push(tooLong("parameters", MAX_PARAMETER_BYTES));
  for (const [field, values] of [
    ["reclaimPolicy", ["Delete", "Retain"]],
    ["volumeBindingMode", ["Immediate", "WaitForFirstConsumer"]],
  ] as const) {
    const value = stringAt(storage, field);
    if (value !== "" && !values.some((known) => known === value)) {
      errors.push(notSupported(field, value, values));
    }
  }
  return errors;
}

export function storageClassUpdateErrors(storage: JsonObject, before: JsonObject): FieldError[] {
  const errors = ["parameters", "provisioner", "reclaimPolicy"]
    .filter((field) => !jsonEqual(storage[field], before[field]))
    .map((field) => forbidden(field, `updates to ${field} are forbidden.`));
  return [...errors, ...immutableErrors(storage, before, ["volumeBindingMode"])];
}
