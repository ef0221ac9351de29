import { isObject, type JsonObject, jsonEqual, listAt, objectAt, stringAt } from "../json.ts";
import { byteLength } from "../values/go-text.ts";
import { type FieldError, forbidden, invalid, required, tooLong } from "./field-error.ts";
import { dns1123LabelErrors, labelValueErrors, qualifiedNameErrors } from "./names.ts";

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
    // A trailing dash is what the random part is put after.
    const trimmed = prefix.endsWith("-") ? `${prefix.slice(0, -1)}a` : prefix;
    errors.push(...nameErrors(trimmed).map((detail) => invalid("metadata.generateName", prefix, detail)));
  }
  const name = stringAt(metadata, "name");
  if (name === "") errors.push(required("metadata.name", "name or generateName is required"));
  else errors.push(...nameErrors(name).map((detail) => invalid("metadata.name", name, detail)));
  errors.push(...namespaceErrors(stringAt(metadata, "namespace"), namespaced));
  errors.push(...labelsErrors(objectAt(metadata, "labels"), "metadata.labels"));
  errors.push(...annotationErrors(objectAt(metadata, "annotations"), "metadata.annotations"));
  errors.push(...ownerErrors(listAt(metadata, "ownerReferences")));
  errors.push(...finalizerErrors(listAt(metadata, "finalizers"), "metadata.finalizers", anyFinalizer));
  return errors;
}

/** What an update may not do to metadata. */
export function metadataUpdateErrors(object: JsonObject, before: JsonObject): FieldError[] {
  const [now, old] = [objectAt(object, "metadata") ?? {}, objectAt(before, "metadata") ?? {}];
  const errors: FieldError[] = [];
  if (old["deletionTimestamp"] !== undefined) {
    const known = listAt(old, "finalizers");
    const added = listAt(now, "finalizers").filter((name) => !known.includes(name));
    if (added.length > 0) {
      const shown = added.map((name) => JSON.stringify(name)).join(", ");
      const detail = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${shown}}`;
      errors.push(forbidden("metadata.finalizers", detail));
    }
  }
  for (const field of ["name", "namespace", "uid", "creationTimestamp"]) {
    if (now[field] !== undefined && !jsonEqual(now[field], old[field])) {
      errors.push(invalid(`metadata.${field}`, now[field], "field is immutable"));
    }
  }
  return errors;
}

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

function finalizerErrors(finalizers: readonly unknown[], path: string, any: boolean): FieldError[] {
  const names = finalizers.map(String);
  const errors = names.flatMap((name) => {
    const wrong = qualifiedNameErrors(name).map((detail) => invalid(path, name, detail));
    if (wrong.length > 0) return wrong;
    if (any || name.includes("/") || STANDARD_FINALIZERS.has(name)) return [];
    return [invalid(path, name, "name is neither a standard finalizer name nor is it fully qualified")];
  });
  if (names.includes("orphan") && names.includes("foregroundDeletion")) {
    errors.push(invalid(path, names, "finalizer orphan and foregroundDeletion cannot be both set"));
  }
  return errors;
}

function ownerErrors(owners: readonly unknown[]): FieldError[] {
  const path = "metadata.ownerReferences";
  const errors: FieldError[] = [];
  const controllers: JsonObject[] = [];
  for (const owner of owners.filter(isObject)) {
    const [apiVersion, kind] = [stringAt(owner, "apiVersion"), stringAt(owner, "kind")];
    if (apiVersion.split("/").at(-1) === "") {
      errors.push(invalid(`${path}.apiVersion`, apiVersion, "version must not be empty"));
    }
    for (const field of ["kind", "name", "uid"]) {
      if (stringAt(owner, field) === "")
        errors.push(invalid(`${path}.${field}`, "", `${field} must not be empty`));
    }
    if (kind === "Event" && apiVersion === "v1") {
      errors.push(invalid(path, owner, `${apiVersion}, Kind=${kind} is disallowed from being an owner`));
    }
    if (owner["controller"] === true) controllers.push(owner);
  }
  const [first, second] = controllers;
  if (first !== undefined && second !== undefined) {
    const who = (owner: JsonObject) => `${stringAt(owner, "kind")}/${stringAt(owner, "name")}`;
    const detail =
      "Only one reference can have Controller set to true. " +
      `Found "true" in references for ${who(first)} and ${who(second)}`;
    errors.push(invalid(path, owners, detail));
  }
  return errors;
}

function namespaceErrors(namespace: string, namespaced: boolean): FieldError[] {
  if (!namespaced) {
    return namespace === "" ? [] : [forbidden("metadata.namespace", "not allowed on this type")];
  }
  if (namespace === "") return [required("metadata.namespace")];
  return dns1123LabelErrors(namespace).map((detail) => invalid("metadata.namespace", namespace, detail));
}
