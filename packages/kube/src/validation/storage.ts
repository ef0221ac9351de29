import { isObject, type JsonObject, jsonEqual, listAt, objectAt, stringAt } from "../json.ts";
import { byteLength } from "../values/go-text.ts";
import { compareQuantities, parseQuantity, quantityCeil } from "../values/quantity.ts";
import {
  duplicate,
  type FieldError,
  forbidden,
  invalid,
  notSupported,
  required,
  tooLong,
} from "./field-error.ts";
import { hostPathErrors } from "./host-path.ts";
import { immutableErrors } from "./immutable.ts";
import { dns1123SubdomainErrors, qualifiedNameErrors } from "./names.ts";
import { nodeSelectorTermErrors } from "./pod-scheduling.ts";
import { selectorErrors } from "./selectors.ts";
import { having, type SourceRule, STORAGE_SYSTEMS } from "./volume-sources.ts";

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
    ...["dataSource", "dataSourceRef"].flatMap((field) => {
      const source = objectAt(spec, field);
      return source === undefined ? [] : dataSourceErrors(source, `${path}.${field}`);
    }),
    ...sameSourceErrors(spec, path),
    ...classNameErrors(spec, path, "volumeAttributesClassName"),
  ];
}

/** What a claim's first content is taken from. */
function dataSourceErrors(source: JsonObject, path: string): FieldError[] {
  const [group, kind] = [stringAt(source, "apiGroup"), stringAt(source, "kind")];
  const errors = ["name", "kind"]
    .filter((field) => stringAt(source, field) === "")
    .map((field) => required(`${path}.${field}`));
  if (group === "") {
    if (kind !== "PersistentVolumeClaim") {
      const detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
      errors.push(invalid(path, kind, detail));
    }
    return errors;
  }
  return [
    ...errors,
    ...dns1123SubdomainErrors(group).map((detail) => invalid(`${path}.apiGroup`, group, detail)),
  ];
}

function sameSourceErrors(spec: JsonObject, path: string): FieldError[] {
  const [source, reference] = [objectAt(spec, "dataSource"), objectAt(spec, "dataSourceRef")];
  if (source === undefined || reference === undefined) return [];
  const same = ["apiGroup", "kind", "name"].every(
    (field) => stringAt(source, field) === stringAt(reference, field),
  );
  // The field's internal value, as upstream has it here, is an empty object.
  return same ? [] : [invalid(path, {}, "must match dataSourceRef")];
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
  const { volumeName, volumeAttributesClassName, resources, storageClassName, ...others } = spec;
  // A class may still be given to a claim that has none.
  const rest = old["storageClassName"] === undefined ? others : { ...others, storageClassName };
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

export function persistentVolumeErrors(volume: JsonObject): FieldError[] {
  const path = "spec";
  const spec = objectAt(volume, path) ?? {};
  const capacity = objectAt(spec, "capacity") ?? {};
  const policy = stringAt(spec, "persistentVolumeReclaimPolicy");
  const policies = ["Delete", "Recycle", "Retain"];
  const errors = mountOptionErrors(volume, spec);
  if (listAt(spec, "accessModes").length === 0) errors.push(required(`${path}.accessModes`));
  errors.push(...accessModeErrors(spec, path));
  if (Object.keys(capacity).length === 0) errors.push(required(`${path}.capacity`));
  if (capacity["storage"] === undefined || Object.keys(capacity).length > 1) {
    const shown = Object.keys(capacity).length === 0 ? null : capacity;
    errors.push(notSupported(`${path}.capacity`, shown, ["storage"]));
  }
  for (const [name, amount] of Object.entries(capacity)) {
    const at = `${path}.capacity[${name}]`;
    if (parseQuantity(String(amount)).nanos < 0n) {
      errors.push(invalid(at, quantityCeil(String(amount)), "must be a valid resource quantity"));
    }
    errors.push(...positiveErrors(amount, at));
  }
  if (policy !== "" && !policies.includes(policy)) {
    errors.push(notSupported(`${path}.persistentVolumeReclaimPolicy`, policy, policies));
  }
  errors.push(...sourceErrors(spec, path));
  errors.push(...classNameErrors(spec, path), ...volumeModeErrors(spec, path));
  if (spec["volumeAttributesClassName"] === undefined) return errors;
  errors.push(...classNameErrors(spec, path, "volumeAttributesClassName"));
  if (spec["csi"] !== undefined) return errors;
  return [...errors, required(`${path}.csi`, "has to be specified when using volumeAttributesClassName")];
}

const MOUNT_OPTIONS = "volume.beta.kubernetes.io/mount-options";
/** Volumes that are mounted with options. */
const WITH_OPTIONS = [
  "azureFile",
  "cephfs",
  "cinder",
  "csi",
  "gcePersistentDisk",
  "glusterfs",
  "iscsi",
  "nfs",
  "quobyte",
  "rbd",
  "storageos",
  "vsphereVolume",
  "awsElasticBlockStore",
  "azureDisk",
];

function mountOptionErrors(volume: JsonObject, spec: JsonObject): FieldError[] {
  const annotations = objectAt(objectAt(volume, "metadata"), "annotations") ?? {};
  if (!Object.hasOwn(annotations, MOUNT_OPTIONS)) return [];
  if (WITH_OPTIONS.some((source) => spec[source] !== undefined)) return [];
  return [
    forbidden(`metadata.annotations.${MOUNT_OPTIONS}`, "may not specify mount options for this volume type"),
  ];
}

function sourceErrors(spec: JsonObject, path: string): FieldError[] {
  const sources = SOURCE_ORDER.filter((field) => spec[field] !== undefined);
  const errors: FieldError[] = [];
  const affinity = objectAt(spec, "nodeAffinity");
  if (affinity !== undefined) errors.push(...nodeAffinityErrors(affinity, `${path}.nodeAffinity`));
  const [first, ...more] = sources.filter((field) => field !== "flexVolume");
  if (first !== undefined)
    errors.push(...(SOURCE_RULES[first]?.(objectAt(spec, first) ?? {}, `${path}.${first}`) ?? []));
  errors.push(
    ...more.map((field) => {
      // The case of the field is upstream's.
      const shown = field === "cephfs" ? "cephFS" : field;
      return forbidden(`${path}.${shown}`, "may not specify more than 1 volume type");
    }),
  );
  // Upstream does not count this one.
  const flex = objectAt(spec, "flexVolume");
  if (flex !== undefined) errors.push(...having("driver")(flex, `${path}.flexVolume`));
  if (sources.length === 0) errors.push(required(path, "must specify a volume type"));
  if (first === "local" && affinity === undefined) {
    errors.push(required(`${path}.nodeAffinity`, "Local volume requires node affinity"));
  }
  const { hostPath } = spec;
  const recycles = spec["persistentVolumeReclaimPolicy"] === "Recycle";
  if (recycles && isObject(hostPath) && stringAt(hostPath, "path").replace(/\/+$/, "") === "") {
    errors.push(
      forbidden(`${path}.persistentVolumeReclaimPolicy`, "may not be 'recycle' for a hostPath mount of '/'"),
    );
  }
  return errors;
}

/** The sources in the order in which upstream looks. */
const SOURCE_ORDER = [
  "hostPath",
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "glusterfs",
  "flocker",
  "nfs",
  "rbd",
  "quobyte",
  "cephfs",
  "iscsi",
  "cinder",
  "fc",
  "flexVolume",
  "azureFile",
  "vsphereVolume",
  "photonPersistentDisk",
  "portworxVolume",
  "azureDisk",
  "scaleIO",
  "local",
  "storageos",
  "csi",
];

const SOURCE_RULES: Readonly<Record<string, SourceRule>> = {
  ...STORAGE_SYSTEMS,
  hostPath: hostPathErrors,
  nfs: (source, path) => [
    ...having("server", "path")(source, path),
    ...(stringAt(source, "path").startsWith("/")
      ? []
      : [invalid(`${path}.path`, stringAt(source, "path"), "must be an absolute path")]),
  ],
  local: having("path"),
  csi: (source, path) => {
    const driver = stringAt(source, "driver");
    const wrong = dns1123SubdomainErrors(driver.toLowerCase());
    return [
      ...having("driver")(source, path),
      ...wrong.map((detail) => invalid(`${path}.driver`, driver, detail)),
      ...having("volumeHandle")(source, path),
    ];
  },
};

function nodeAffinityErrors(affinity: JsonObject, path: string): FieldError[] {
  const wanted = objectAt(affinity, "required");
  return wanted === undefined
    ? [required(`${path}.required`, "must specify required node constraints")]
    : nodeSelectorTermErrors(wanted, `${path}.required`);
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

function classNameErrors(spec: JsonObject, path: string, field = "storageClassName"): FieldError[] {
  const name = stringAt(spec, field);
  if (name === "") return [];
  return dns1123SubdomainErrors(name).map((detail) => invalid(`${path}.${field}`, name, detail));
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
  for (const [key] of parameters) {
    if (key === "") errors.push(invalid("parameters", key, "field can not be empty."));
  }
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
  return [
    ...errors,
    ...topologyErrors(listAt(storage, "allowedTopologies").filter(isObject), "allowedTopologies"),
  ];
}

/** Where volumes of a class may be. */
function topologyErrors(terms: readonly JsonObject[], path: string): FieldError[] {
  const seen: JsonObject[] = [];
  return terms.flatMap((term, i) => {
    const at = `${path}[${i}].matchLabelExpressions`;
    const values: JsonObject = {};
    const errors = listAt(term, "matchLabelExpressions")
      .filter(isObject)
      .flatMap((expression, j) => {
        const [key, own] = [stringAt(expression, "key"), listAt(expression, "values").map(String)];
        const here = `${at}[${j}]`;
        const wrong = own.length === 0 ? [required(`${here}.values`)] : [];
        own.forEach((value, k) => {
          if (own.indexOf(value) < k) wrong.push(duplicate(`${here}.values[${k}]`, value));
        });
        wrong.push(...qualifiedNameErrors(key).map((detail) => invalid(`${here}.key`, key, detail)));
        if (key in values) wrong.push(duplicate(`${here}.key`, key));
        values[key] = [...own].sort();
        return wrong;
      });
    if (Object.keys(values).length === 0 || seen.some((other) => jsonEqual(other, values))) {
      errors.push(duplicate(at, ""));
    }
    seen.push(values);
    return errors;
  });
}

export function storageClassUpdateErrors(storage: JsonObject, before: JsonObject): FieldError[] {
  const errors = ["parameters", "provisioner", "reclaimPolicy"]
    .filter((field) => !jsonEqual(storage[field], before[field]))
    .map((field) => forbidden(field, `updates to ${field} are forbidden.`));
  return [...errors, ...immutableErrors(storage, before, ["volumeBindingMode"])];
}
