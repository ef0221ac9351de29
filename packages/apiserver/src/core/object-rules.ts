/** Where a kind's own rules come in: form, defaults, validity. */
import {
  DecodeError,
  decodeTyped,
  type FieldError,
  isObject,
  type JsonObject,
  type KubeObject,
  prepareForCreate,
  required,
  withBuiltInDefaults,
} from "@tracegate/kube";
import { badRequest } from "./refusals.ts";
import type { ServedKind } from "./served-kinds.ts";

/** An object in its kind's form, and what it held that the kind does not declare. */
export interface Normalised {
  readonly object: KubeObject;
  /** Paths. */
  readonly unknown: readonly string[];
}

/** The object in its kind's form: a copy that shares nothing with what was sent. Throws 400 for what has another form. */
export function normalise(served: ServedKind, object: KubeObject): Normalised {
  if (served.custom !== undefined || served.type === undefined) {
    return { object: structuredClone(object), unknown: [] };
  }
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
  if (served.custom !== undefined || served.type === undefined) return object;
  return asObject(withBuiltInDefaults(served.type, asJson(object)));
}

/** What a new object begins with; it has its name and uid. */
export function atBirth(served: ServedKind, object: KubeObject): KubeObject {
  return served.custom === undefined ? asObject(prepareForCreate(asJson(object))) : object;
}

export function creationErrors(_served: ServedKind, object: KubeObject): FieldError[] {
  if (object.metadata.name !== "") return [];
  return [required("metadata.name", "name or generateName is required")];
}

export function updateErrors(_served: ServedKind, _object: KubeObject, _before: KubeObject): FieldError[] {
  return [];
}

/** Objects are JSON; only the static types differ. */
export const asJson = (object: KubeObject): JsonObject => object as unknown as JsonObject;

/** JSON that has been found to be an object of some kind. */
export function asObject(value: unknown): KubeObject {
  if (!isObject(value) || !isObject(value["metadata"]))
    throw badRequest("the body is not a Kubernetes object");
  return value as unknown as KubeObject;
}
