import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  decodeTyped,
  goMap,
  isObject,
  type JsonObject,
  jsonEqual,
  type KubeObject,
  type Patch,
  sortedJson,
} from "@tracegate/kube";
import type { PatchedBy } from "./context.ts";
import { asJson } from "./object-rules.ts";
import { badRequest } from "./refusals.ts";
import type { ServedKind } from "./served-kinds.ts";

/** The object with a patch applied: a copy. Server-side apply is another matter (it owns fields). */
export function patched(served: ServedKind, current: KubeObject, patch: Patch): KubeObject {
  const result = apply(served, current, patch);
  const { kind, apiVersion } = current;
  // Without metadata it has no name, which is found wrong next; the rest is checked as any written object.
  const whole = isObject(result)
    ? { kind, apiVersion, metadata: {}, ...result }
    : { kind, apiVersion, metadata: {} };
  return whole as unknown as KubeObject;
}

function apply(served: ServedKind, current: KubeObject, patch: Patch): unknown {
  switch (patch.type) {
    case "json":
      return applyJsonPatch(current, patch.operations);
    case "merge":
      return applyMergePatch(current, patch.body);
    case "strategic":
      if (served.custom !== undefined || served.type === undefined)
        throw badRequest("not a type to merge strategically");
      return applyStrategicMergePatch({ ...current }, patch.body, served.type);
    case "apply":
      throw badRequest("server-side apply cannot be applied to this object");
  }
}

/** How refusals speak of an object that a patch has made. */
export function patchedBy(served: ServedKind, patch: Patch, complaints: readonly string[]): PatchedBy {
  if (patch.type === "strategic") {
    const shown = goMap(patch.body);
    return { complaints, converting: true, shown: () => shown };
  }
  return {
    complaints,
    converting: false,
    shown: (result, current) => patchedText(asJson(result), asJson(current), whole(served, asJson(current))),
  };
}

/**
 * The JSON that a patch leaves: what it did not touch stands as it was written, the maps on the way to what it touched are in
 * order of their keys.
 */
function patchedText(result: unknown, current: unknown, written: unknown): string {
  if (!isObject(result)) return JSON.stringify(result) ?? "null";
  const members = Object.keys(result)
    .sort()
    .map((key) => {
      const before = isObject(current) ? current[key] : undefined;
      const own = isObject(written) ? written[key] : undefined;
      const text = jsonEqual(result[key], before)
        ? JSON.stringify(own ?? null)
        : patchedText(result[key], before, own);
      return `${JSON.stringify(key)}:${text}`;
    });
  return `{${members.join(",")}}`;
}

/** The object with its members in the order in which it is written. */
function whole(served: ServedKind, object: JsonObject): unknown {
  if (served.custom !== undefined || served.type === undefined) return JSON.parse(sortedJson(object));
  return decodeTyped(served.type, object).object;
}

/** The types of patch that a kind takes. */
export function patchTypes(served: ServedKind): string[] {
  return [
    "application/json-patch+json",
    "application/merge-patch+json",
    ...(served.custom === undefined ? ["application/strategic-merge-patch+json"] : []),
    "application/apply-patch+yaml",
  ];
}
