import { type FieldError, type KubeObject, required } from "@tracegate/kube";
import type { ServedKind } from "./served-kinds.ts";

/** The place where a kind's own rules come in: form, defaults, validity. */

/** The object in its kind's form: a copy that shares nothing with what was sent. */
export function normalise(_served: ServedKind, object: KubeObject): KubeObject {
  return structuredClone(object);
}

export function withDefaults(_served: ServedKind, object: KubeObject): KubeObject {
  return object;
}

export function creationErrors(_served: ServedKind, object: KubeObject): FieldError[] {
  if (object.metadata.name !== "") return [];
  return [required("metadata.name", "name or generateName is required")];
}

export function updateErrors(_served: ServedKind, _object: KubeObject, _before: KubeObject): FieldError[] {
  return [];
}
