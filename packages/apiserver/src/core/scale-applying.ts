import {
  builtInType,
  formatTime,
  isObject,
  type JsonObject,
  type KubeObject,
  type ManagedFieldsEntry,
  serverSideApply,
} from "@tracegate/kube";
import type { ApiContext, ObjectRef, WriteRequest } from "./context.ts";
import { asJson, asObject } from "./object-rules.ts";
import { type Scale, scaleOf, wantedPath, withScale } from "./scale.ts";
import { apiVersionOfResource, type ServedKind } from "./served-kinds.ts";
import { changeObject } from "./updating.ts";

const SCALE_VERSION = "autoscaling/v1";
const IN_SCALE = ["spec", "replicas"];

/**
 * Server-side apply of a Scale. Who owns the replicas of the object owns them in its Scale, and what the apply makes of that
 * goes back to the object (`ScaleHandler` of upstream).
 */
export function applyScale(
  ctx: ApiContext,
  served: ServedKind,
  ref: ObjectRef,
  configuration: KubeObject,
  request: WriteRequest & { force?: boolean },
): Scale {
  const type = builtInType(SCALE_VERSION, "Scale");
  if (type === undefined) throw new Error("the tables lack Scale");
  const path = wantedPath(served);
  let owners: ManagedFieldsEntry[] = [];
  const change = (current: KubeObject): KubeObject => {
    const before = current.metadata.managedFields ?? [];
    const live = asJson(scaleOf(served, current));
    const metadata = { ...current.metadata, managedFields: ownersOfScale(before, path) };
    const { object } = serverSideApply(type, { ...live, metadata: { ...metadata } }, asJson(configuration), {
      manager: request.fieldManager ?? "",
      apiVersion: SCALE_VERSION,
      subresource: "scale",
      time: formatTime(ctx.clock.now()),
      force: request.force ?? false,
    });
    const applied = asObject(object);
    owners = ownersOfParent(before, applied.metadata.managedFields ?? [], path, apiVersionOfResource(served));
    const { uid: _, resourceVersion: __, ...named } = applied.metadata;
    return withScale(served, current, { ...applied, metadata: named });
  };
  const own = (next: KubeObject): KubeObject => {
    return { ...next, metadata: { ...next.metadata, managedFields: owners } };
  };
  return scaleOf(served, changeObject(ctx, served, ref, "scale", change, own, request));
}

/** The entries that own the replicas, as of the Scale. */
function ownersOfScale(
  entries: readonly ManagedFieldsEntry[],
  path: readonly string[],
): ManagedFieldsEntry[] {
  return entries
    .filter(({ fieldsV1 }) => owns(fieldsV1, path))
    .map((entry) => ({ ...entry, apiVersion: SCALE_VERSION, fieldsV1: owning(IN_SCALE) }));
}

function ownersOfParent(
  before: readonly ManagedFieldsEntry[],
  ofScale: readonly ManagedFieldsEntry[],
  path: readonly string[],
  apiVersion: string,
): ManagedFieldsEntry[] {
  const left = ofScale.filter(({ fieldsV1 }) => owns(fieldsV1, IN_SCALE));
  const kept = before.flatMap((entry) => {
    if (!owns(entry.fieldsV1, path)) return [entry];
    const at = left.findIndex((other) => isSameOwner(entry, other));
    if (at >= 0) {
      left.splice(at, 1);
      return [entry];
    }
    const fieldsV1 = without(entry.fieldsV1, path);
    return fieldsV1 === undefined ? [] : [{ ...entry, fieldsV1 }];
  });
  // When the replicas were taken is lost, as upstream.
  const taken = left.map(({ time: _, ...entry }) => ({ ...entry, apiVersion, fieldsV1: owning(path) }));
  const rank = ({ operation }: ManagedFieldsEntry) => (operation === "Apply" ? 0 : 1);
  return [...taken, ...kept].sort((a, b) => rank(a) - rank(b));
}

const isSameOwner = (a: ManagedFieldsEntry, b: ManagedFieldsEntry): boolean =>
  a.manager === b.manager && a.operation === b.operation && (a.subresource ?? "") === (b.subresource ?? "");

function owns(fields: unknown, [first, ...rest]: readonly string[]): boolean {
  if (first === undefined) return true;
  return isObject(fields) && `f:${first}` in fields && owns(fields[`f:${first}`], rest);
}

const owning = (path: readonly string[]): JsonObject =>
  path.reduceRight<JsonObject>((below, name) => ({ [`f:${name}`]: below }), {});

/** The set without a path; undefined when nothing is left. */
function without(fields: unknown, [first, ...rest]: readonly string[]): JsonObject | undefined {
  if (first === undefined || !isObject(fields)) return undefined;
  const { [`f:${first}`]: member, ...others } = fields;
  const below = without(member, rest);
  const left = below === undefined ? others : { ...others, [`f:${first}`]: below };
  return Object.keys(left).length === 0 ? undefined : left;
}
