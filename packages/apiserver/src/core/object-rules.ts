/** Where a kind's own rules come in: form, defaults, validity. */
import {
  customErrors,
  DecodeError,
  decodeTyped,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  type FieldError,
  isObject,
  type JsonObject,
  type KubeObject,
  metadataErrors,
  metadataUpdateErrors,
  pathSegmentErrors,
  prepareForCreate,
  pruneCustom,
  withBuiltInDefaults,
  withCustomDefaults,
} from "@tracegate/kube";
import { badRequest } from "./refusals.ts";
import { type ServedKind, schemaOf } from "./served-kinds.ts";

/** An object in its kind's form, and what it held that the kind does not declare. */
export interface Normalised {
  readonly object: KubeObject;
  /** Paths. */
  readonly unknown: readonly string[];
}

/** The object in its kind's form: a copy that shares nothing with what was sent. Throws 400 for what has another form. */
export function normalise(served: ServedKind, object: KubeObject): Normalised {
  if (served.custom !== undefined) {
    const pruned = pruneCustom(schemaOf(served.custom.version), asJson(object));
    return { object: asObject(pruned.object), unknown: pruned.unknown };
  }
  if (served.type === undefined) return { object: structuredClone(object), unknown: [] };
  try {
    const typed = decodeTyped(served.type, asJson(object));
    return { object: asObject(typed.object), unknown: typed.unknown };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const what = `${served.kind} in version "${served.version}" cannot be handled as a ${served.kind}`;
    throw badRequest(`${what}: ${error.message}`);
  }
}

export function withDefaults(served: ServedKind, object: KubeObject): KubeObject {
  if (served.custom !== undefined) {
    return asObject(withCustomDefaults(schemaOf(served.custom.version), asJson(object)));
  }
  return served.type === undefined ? object : asObject(withBuiltInDefaults(served.type, asJson(object)));
}

/** What a new object begins with; it has its name and uid. */
export function atBirth(served: ServedKind, object: KubeObject): KubeObject {
  return served.custom === undefined ? asObject(prepareForCreate(asJson(object))) : object;
}

/** What is wrong with an object; with `before`, the stored one, it is an update. */
export function objectErrors(served: ServedKind, object: KubeObject, before?: KubeObject): FieldError[] {
  const old = before === undefined ? undefined : asJson(before);
  if (served.custom !== undefined) {
    const { version } = served.custom;
    return customErrors({ version, namespaced: served.namespaced }, asJson(object), old);
  }
  return builtInObjectErrors(served, asJson(object), old);
}

function builtInObjectErrors(
  served: ServedKind,
  object: JsonObject,
  before: JsonObject | undefined,
): FieldError[] {
  const nameErrors =
    served.group === "rbac.authorization.k8s.io"
      ? pathSegmentErrors
      : served.kind === "Namespace"
        ? dns1123LabelErrors
        : dns1123SubdomainErrors;
  const errors = metadataErrors(object, { namespaced: served.namespaced, nameErrors });
  return before === undefined ? errors : [...errors, ...metadataUpdateErrors(object, before)];
}

/** Objects are JSON; only the static types differ. */
export const asJson = (object: KubeObject): JsonObject => object as unknown as JsonObject;

/** JSON that has been found to be an object of some kind. */
export function asObject(value: unknown): KubeObject {
  if (!isObject(value) || !isObject(value["metadata"]))
    throw badRequest("the body is not a Kubernetes object");
  return value as unknown as KubeObject;
}
