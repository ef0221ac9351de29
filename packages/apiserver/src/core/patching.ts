import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  isObject,
  type KubeObject,
  type Patch,
  StatusError,
} from "@tracegate/kube";
import { badRequest } from "./refusals.ts";
import type { ServedKind } from "./served-kinds.ts";

/** The object with a patch applied: a copy. Server-side apply is another matter (it owns fields). */
export function patched(served: ServedKind, current: KubeObject, patch: Patch): KubeObject {
  const result = apply(served, current, patch);
  if (!isObject(result) || !isObject(result["metadata"]))
    throw badRequest("the patch does not leave an object");
  // It has metadata, and kind and apiVersion are set here: the rest is checked as any written object.
  return { ...result, kind: current.kind, apiVersion: current.apiVersion } as unknown as KubeObject;
}

function apply(served: ServedKind, current: KubeObject, patch: Patch): unknown {
  switch (patch.type) {
    case "json":
      return applyJsonPatch(current, patch.operations);
    case "merge":
      return applyMergePatch(current, patch.body);
    case "strategic":
      if (served.custom !== undefined || served.type === undefined) throw unsupportedPatch(false);
      return applyStrategicMergePatch({ ...current }, patch.body, served.type);
    case "apply":
      throw badRequest("server-side apply cannot be applied to this object");
  }
}

/** 415: the patch type is unknown, or one that the kind does not take. */
export function unsupportedPatch(strategic: boolean): StatusError {
  const types = [
    "application/json-patch+json",
    "application/merge-patch+json",
    ...(strategic ? ["application/strategic-merge-patch+json"] : []),
    "application/apply-patch+yaml",
  ];
  return new StatusError({
    message: `the body of the request was in an unknown format - accepted media types include: ${types.join(", ")}`,
    reason: "UnsupportedMediaType",
    code: 415,
  });
}
