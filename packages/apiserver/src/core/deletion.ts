import {
  type FieldError,
  formatTime,
  invalid,
  type KubeObject,
  notSupported,
  parseTime,
} from "@tracegate/kube";
import { conflict, invalidOptions } from "./refusals.ts";
import type { ServedKind } from "./served-kinds.ts";

export interface DeleteRequest {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: string;
  readonly orphanDependents?: boolean;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
}

/** What a DELETE does: take the object away, or mark it and wait for finalizers, grace or content. */
export type DeletionPlan =
  | { readonly action: "remove"; readonly object: KubeObject }
  | { readonly action: "mark"; readonly object: KubeObject }
  | { readonly action: "nothing"; readonly object: KubeObject };

const FOREGROUND = "foregroundDeletion";
const ORPHAN = "orphan";
/** Keeps a definition that is being deleted until no object of its kind is left. */
export const DEFINITION_CLEANUP = "customresourcecleanup.apiextensions.k8s.io";
const POLICIES = ["Foreground", "Background", "Orphan"];

export function checkDeleteRequest({ propagationPolicy, orphanDependents }: DeleteRequest): void {
  if (propagationPolicy === undefined || propagationPolicy === "") return;
  const errors: FieldError[] = [];
  if (orphanDependents !== undefined) {
    const detail = "orphanDependents and deletionPropagation cannot be both set";
    errors.push(invalid("propagationPolicy", propagationPolicy, detail));
  }
  if (!POLICIES.includes(propagationPolicy)) {
    errors.push(notSupported("propagationPolicy", propagationPolicy, [...POLICIES, "nil"]));
  }
  if (errors.length > 0) throw invalidOptions("DeleteOptions", ...errors);
}

export function checkPreconditions(served: ServedKind, object: KubeObject, request: DeleteRequest): void {
  const { uid, resourceVersion } = request.preconditions ?? {};
  const { metadata } = object;
  // As recorded, these name the kind rather than the resource.
  const named = { group: served.group, plural: served.kind };
  if (uid !== undefined && uid !== metadata.uid) {
    const why =
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). ` +
      "The object might have been deleted and then recreated";
    throw conflict(named, metadata.name, why);
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    const why =
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record ` +
      `(${metadata.resourceVersion}). The object might have been modified`;
    throw conflict(named, metadata.name, why);
  }
}

/** Plans the deletion of an object (`rest.BeforeDelete` and the generic registry of upstream). */
export function planDeletion(
  served: ServedKind,
  object: KubeObject,
  request: DeleteRequest,
  now: number,
): DeletionPlan {
  const finalizers = finalizersFor(served, object, request);
  const grace = graceSeconds(served, object, request);
  const { metadata } = object;
  if (metadata.deletionTimestamp !== undefined) {
    const current = metadata.deletionGracePeriodSeconds ?? 0;
    const remaining = (parseTime(metadata.deletionTimestamp) ?? now) - now;
    // A later delete may bring the end forward, never put it off.
    if (
      grace >= current &&
      !(grace === 0 && finalizers.length === 0 && !hasContent(object) && isPod(served))
    ) {
      const changed = withFinalizers(object, finalizers);
      return { action: changed === object ? "nothing" : "mark", object: changed };
    }
    const at = grace === 0 ? now : Math.min(now + grace * 1000, now + Math.max(0, remaining));
    const marked = withFinalizers(mark(object, at, grace), finalizers);
    return isFree(marked, finalizers)
      ? { action: "remove", object: marked }
      : { action: "mark", object: marked };
  }
  // Only pods are told that they go when they go at once; of everything else the last state stays as it was.
  if (!isPod(served) && finalizers.length === 0 && !hasContent(object)) return { action: "remove", object };
  const marked = withFinalizers(mark(object, now + grace * 1000, grace), finalizers);
  if (isDefinition(served)) return { action: "mark", object: leaving(object, marked, now) };
  if (hasContent(object)) return { action: "mark", object: terminating(object, marked, now) };
  return isFree(marked, finalizers)
    ? { action: "remove", object: marked }
    : { action: "mark", object: marked };
}

/** Whether an object that is being deleted has nothing left to wait for. */
export function isDone(object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  if (deletionTimestamp === undefined || hasContent(object)) return false;
  return (deletionGracePeriodSeconds ?? 0) === 0 && (finalizers ?? []).length === 0;
}

const isFree = (object: KubeObject, finalizers: readonly string[]): boolean =>
  finalizers.length === 0 && (object.metadata.deletionGracePeriodSeconds ?? 0) === 0 && !hasContent(object);

/** Namespaces stay until their controller has emptied them and struck out `spec.finalizers`. */
function hasContent(object: KubeObject): boolean {
  if (object.kind !== "Namespace" || object.apiVersion !== "v1" || !("spec" in object)) return false;
  const finalizers = (object.spec as { finalizers?: unknown[] } | undefined)?.finalizers;
  return finalizers !== undefined && finalizers.length > 0;
}

function terminating(object: KubeObject, marked: KubeObject, now: number): KubeObject {
  const { deletionGracePeriodSeconds: _, ...metadata } = marked.metadata;
  const status = "status" in object && typeof object.status === "object" ? object.status : {};
  const phase = { status: { ...status, phase: "Terminating" } };
  return { ...marked, metadata: { ...metadata, deletionTimestamp: formatTime(now) }, ...phase };
}

const isDefinition = (served: ServedKind): boolean => served.kind === "CustomResourceDefinition";

/** A definition goes with the objects of its kind, and says so. */
function leaving(object: KubeObject, marked: KubeObject, now: number): KubeObject {
  const { deletionGracePeriodSeconds: _, generation: __, ...metadata } = marked.metadata;
  const { generation } = object.metadata;
  const { conditions, ...status } =
    (object as { status?: { conditions?: { type: string }[] | null } }).status ?? {};
  const terminating = {
    type: "Terminating",
    status: "True",
    lastTransitionTime: formatTime(now),
    reason: "InstanceDeletionPending",
    message: "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
  };
  const others = (conditions ?? []).filter(({ type }) => type !== "Terminating");
  return {
    ...marked,
    metadata: { ...metadata, ...(generation === undefined ? {} : { generation }) },
    status: { ...status, conditions: [...others, terminating] },
  } as KubeObject;
}

function mark(object: KubeObject, at: number, grace: number): KubeObject {
  const { generation } = object.metadata;
  const first = object.metadata.deletionTimestamp === undefined;
  return {
    ...object,
    metadata: {
      ...object.metadata,
      deletionTimestamp: formatTime(at),
      deletionGracePeriodSeconds: grace,
      ...(generation === undefined || !first ? {} : { generation: generation + 1 }),
    },
  };
}

function withFinalizers(object: KubeObject, finalizers: readonly string[]): KubeObject {
  const current = object.metadata.finalizers ?? [];
  if (current.length === finalizers.length && current.every((name, i) => name === finalizers[i]))
    return object;
  const { finalizers: _, ...metadata } = object.metadata;
  return {
    ...object,
    metadata: { ...metadata, ...(finalizers.length === 0 ? {} : { finalizers: [...finalizers] }) },
  };
}

/** The finalizers that carry out the propagation policy stand for it on the object. */
function finalizersFor(served: ServedKind, object: KubeObject, request: DeleteRequest): string[] {
  const current = object.metadata.finalizers ?? [];
  const policy = propagation(served, current, request);
  const others = current.filter((name) => name !== FOREGROUND && name !== ORPHAN);
  // Upstream's registry adds this one as the deletion begins.
  if (isDefinition(served) && !others.includes(DEFINITION_CLEANUP)) {
    others.push(DEFINITION_CLEANUP);
  }
  if (policy === "Orphan") return [...others, ORPHAN];
  if (policy === "Foreground") return [...others, FOREGROUND];
  return others;
}

function propagation(served: ServedKind, finalizers: readonly string[], request: DeleteRequest): string {
  if (request.orphanDependents !== undefined) return request.orphanDependents ? "Orphan" : "Background";
  if (request.propagationPolicy !== undefined && request.propagationPolicy !== "")
    return request.propagationPolicy;
  if (finalizers.includes(ORPHAN)) return "Orphan";
  if (finalizers.includes(FOREGROUND)) return "Foreground";
  return orphansByDefault(served) ? "Orphan" : "Background";
}

const orphansByDefault = ({ group, kind }: ServedKind): boolean =>
  (group === "batch" && kind === "Job") || (group === "" && kind === "ReplicationController");

const isPod = (served: ServedKind): boolean => served.kind === "Pod" && served.group === "";

/** Seconds of grace: pods on a node that have not ended get theirs, everything else goes at once. */
function graceSeconds(served: ServedKind, object: KubeObject, { gracePeriodSeconds }: DeleteRequest): number {
  if (!isPod(served)) return 0;
  const { spec, status } = object as {
    spec?: { nodeName?: string; terminationGracePeriodSeconds?: number };
    status?: { phase?: string };
  };
  if ((spec?.nodeName ?? "") === "" || status?.phase === "Succeeded" || status?.phase === "Failed") return 0;
  const wanted = gracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? 30;
  return wanted < 0 ? 1 : wanted;
}
