import { isObject, type JsonObject, jsonEqual, listAt, objectAt, stringAt } from "../json.ts";
import { byteLength } from "../values/go-text.ts";
import { type FieldError, forbidden, invalid, required, tooLong } from "./field-error.ts";
import { dns1123LabelErrors, labelValueErrors, pathSegmentErrors, qualifiedNameErrors } from "./names.ts";

/** All annotations together may take this many bytes. */
const MAX_ANNOTATIONS = 262_144;

export interface MetadataRules {
  readonly namespaced: boolean;
  /** The grammar of the kind's names. */
  readonly nameErrors: (name: string) => string[];
  /** Custom kinds take any qualified name as a finalizer; built-in ones only standard names and those with a domain. */
  readonly anyFinalizer?: boolean;
}

/** What is wrong with the metadata of any object. */
export function metadataErrors(
  object: JsonObject,
  { namespaced, nameErrors, anyFinalizer = false }: MetadataRules,
): FieldError[] {
  const metadata = objectAt(object, "metadata") ?? {};
  const errors: FieldError[] = [];
  const prefix = stringAt(metadata, "generateName");
  if (prefix !== "") {
    const masked = maskTrailingDash(prefix);
    errors.push(...nameErrors(masked).map((detail) => invalid("metadata.generateName", prefix, detail)));
  }
  const name = stringAt(metadata, "name");
  if (name === "") errors.push(required("metadata.name", "name or generateName is required"));
  else errors.push(...nameErrors(name).map((detail) => invalid("metadata.name", name, detail)));
  errors.push(...namespaceErrors(stringAt(metadata, "namespace"), namespaced));
  errors.push(...markErrors(metadata));
  const finalizers = listAt(metadata, "finalizers").map(String);
  errors.push(...finalizerErrors(finalizers, "metadata.finalizers"));
  if (!anyFinalizer) errors.push(...unqualifiedFinalizerErrors(finalizers, "metadata.finalizers"));
  return errors;
}

/**
 * What is wrong with the metadata of an object of which it is known that its name is good, apart from the rules of its
 * kind. Upstream looks at every update this way before the kind's own validation looks again.
 */
export function commonMetadataErrors(object: JsonObject, namespaced: boolean): FieldError[] {
  return metadataErrors(object, { namespaced, nameErrors: pathSegmentErrors, anyFinalizer: true });
}

/** What an update may not do to metadata; `anyFinalizer` as in `MetadataRules`. */
export function metadataUpdateErrors(
  object: JsonObject,
  before: JsonObject,
  anyFinalizer = true,
): FieldError[] {
  const [now, old] = [objectAt(object, "metadata") ?? {}, objectAt(before, "metadata") ?? {}];
  const errors: FieldError[] = [];
  const finalizers = listAt(now, "finalizers").map(String);
  if (old["deletionTimestamp"] !== undefined) {
    const known = listAt(old, "finalizers");
    const added = finalizers.filter((name) => !known.includes(name));
    if (added.length > 0) {
      const shown = added.map((name) => JSON.stringify(name)).join(", ");
      const detail = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${shown}}`;
      errors.push(forbidden("metadata.finalizers", detail));
    }
  }
  for (const field of IMMUTABLE) {
    if (!jsonEqual(now[field], old[field])) {
      errors.push(invalid(`metadata.${field}`, now[field] ?? null, "field is immutable"));
    }
  }
  errors.push(...markErrors(now));
  if (!anyFinalizer) errors.push(...unqualifiedFinalizerErrors(finalizers, "metadata.finalizers"));
  return errors;
}

const IMMUTABLE = [
  "name",
  "namespace",
  "uid",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
];

/** What is put on objects of any kind: labels, annotations, owners, and who owns which fields. */
function markErrors(metadata: JsonObject): FieldError[] {
  return [
    ...labelsErrors(objectAt(metadata, "labels"), "metadata.labels"),
    ...annotationErrors(objectAt(metadata, "annotations"), "metadata.annotations"),
    ...ownerErrors(listAt(metadata, "ownerReferences")),
    ...managedFieldsErrors(listAt(metadata, "managedFields")),
  ];
}

/** A prefix may end in a dash, which is what the random part is put after. */
const maskTrailingDash = (prefix: string): string =>
  prefix.length > 1 && prefix.endsWith("-") ? `${prefix.slice(0, -2)}a` : prefix;

/** Labels: keys and values, each after its grammar. */
export function labelsErrors(labels: JsonObject | undefined, path: string): FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...qualifiedNameErrors(key).map((detail) => invalid(path, key, detail)),
    ...labelValueErrors(String(value)).map((detail) => invalid(path, value, detail)),
  ]);
}

export function annotationErrors(annotations: JsonObject | undefined, path: string): FieldError[] {
  const entries = Object.entries(annotations ?? {});
  const errors = entries.flatMap(([key]) =>
    // Annotations' keys are compared in lower case.
    qualifiedNameErrors(key.toLowerCase()).map((detail) => invalid(path, key, detail)),
  );
  const total = entries.reduce((sum, [key, value]) => sum + byteLength(key) + byteLength(String(value)), 0);
  return total > MAX_ANNOTATIONS ? [...errors, tooLong(path, MAX_ANNOTATIONS)] : errors;
}

const STANDARD_FINALIZERS = new Set(["kubernetes", "orphan", "foregroundDeletion"]);

function finalizerErrors(names: readonly string[], path: string): FieldError[] {
  const errors = names.flatMap((name) =>
    qualifiedNameErrors(name).map((detail) => invalid(path, name, detail)),
  );
  if (names.includes("orphan") && names.includes("foregroundDeletion")) {
    errors.push(invalid(path, names, "finalizer orphan and foregroundDeletion cannot be both set"));
  }
  return errors;
}

function unqualifiedFinalizerErrors(names: readonly string[], path: string): FieldError[] {
  const detail = "name is neither a standard finalizer name nor is it fully qualified";
  return names.flatMap((name, i) =>
    name.includes("/") || STANDARD_FINALIZERS.has(name) ? [] : [invalid(`${path}[${i}]`, name, detail)],
  );
}

function managedFieldsErrors(entries: readonly unknown[]): FieldError[] {
  return entries.filter(isObject).flatMap((entry, i) => {
    const path = `metadata.managedFields[${i}]`;
    const [operation, type] = [stringAt(entry, "operation"), stringAt(entry, "fieldsType")];
    return [
      ...(operation === "Apply" || operation === "Update"
        ? []
        : [invalid(`${path}.operation`, operation, "must be `Apply` or `Update`")]),
      ...(type === "" || type === "FieldsV1"
        ? []
        : [invalid(`${path}.fieldsType`, type, "must be `FieldsV1`")]),
    ];
  });
}

function ownerErrors(owners: readonly unknown[]): FieldError[] {
  const path = "metadata.ownerReferences";
  const errors: FieldError[] = [];
  let first: string | undefined;
  for (const owner of owners.filter(isObject)) {
    const [apiVersion, kind] = [stringAt(owner, "apiVersion"), stringAt(owner, "kind")];
    const version = versionOf(apiVersion);
    if (version === "") errors.push(invalid(`${path}.apiVersion`, apiVersion, "version must not be empty"));
    for (const field of ["kind", "name", "uid"]) {
      if (stringAt(owner, field) === "") errors.push(invalid(`${path}.${field}`, "", "must not be empty"));
    }
    if (kind === "Event" && apiVersion === "v1") {
      errors.push(invalid(path, owner, `/${apiVersion}, Kind=${kind} is disallowed from being an owner`));
    }
    if (owner["controller"] !== true) continue;
    const who = `${kind}/${stringAt(owner, "name")}`;
    if (first === undefined) {
      first = who;
      continue;
    }
    const detail =
      "Only one reference can have Controller set to true. " +
      `Found "true" in references for ${first} and ${who}`;
    errors.push(invalid(path, owners, detail));
  }
  return errors;
}

/** `v1` of `apps/v1`; "" for what is no version. */
function versionOf(apiVersion: string): string {
  const parts = apiVersion.split("/");
  return parts.length > 2 ? "" : (parts.at(-1) ?? "");
}

function namespaceErrors(namespace: string, namespaced: boolean): FieldError[] {
  if (!namespaced) {
    return namespace === "" ? [] : [forbidden("metadata.namespace", "not allowed on this type")];
  }
  if (namespace === "") return [required("metadata.namespace")];
  return dns1123LabelErrors(namespace).map((detail) => invalid("metadata.namespace", namespace, detail));
}
