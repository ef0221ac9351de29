import type { Deployment, ReplicaSet } from "@tracegate/kube";
import { DESIRED_REPLICAS, MAX_REPLICAS } from "./annotations.ts";
import {
  active,
  byCreation,
  desiredReplicas,
  isRollingUpdate,
  limits,
  type Resize,
  sizeOf,
  totalSize,
} from "./sizes.ts";

/** Whether the Deployment was scaled since its ReplicaSets were last sized. */
export function isScalingEvent(deployment: Deployment, all: readonly ReplicaSet[]): boolean {
  return active(all).some(({ metadata }) => {
    const desired = metadata.annotations?.[DESIRED_REPLICAS];
    return desired !== undefined && Number(desired) !== desiredReplicas(deployment);
  });
}

/**
 * The sizes after scaling without rolling out: one active ReplicaSet takes all; several share the difference in proportion
 * to their sizes, so that a rollout under way keeps its balance.
 */
export function scale(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): readonly Resize[] {
  const desired = desiredReplicas(deployment);
  const only = activeOrLatest(newest, old);
  if (only !== undefined) return sizeOf(only) === desired ? [] : [{ replicaSet: only, size: desired }];
  if (newest !== undefined && isSaturated(deployment, newest)) {
    return active(old).map((replicaSet) => ({ replicaSet, size: 0 }));
  }
  if (!isRollingUpdate(deployment)) return [];
  return proportionally(deployment, active(newest === undefined ? old : [...old, newest]));
}

/** The one ReplicaSet that can be scaled as a whole, if there is no more than one with pods. */
function activeOrLatest(newest: ReplicaSet | undefined, old: readonly ReplicaSet[]): ReplicaSet | undefined {
  const withPods = active(newest === undefined ? old : [...old, newest]);
  if (withPods.length > 1) return undefined;
  return withPods[0] ?? newest ?? [...old].sort(byCreation).at(-1);
}

function isSaturated(deployment: Deployment, newest: ReplicaSet): boolean {
  const desired = desiredReplicas(deployment);
  return (
    newest.metadata.annotations?.[DESIRED_REPLICAS] === String(desired) &&
    sizeOf(newest) === desired &&
    (newest.status?.availableReplicas ?? 0) === desired
  );
}

function proportionally(deployment: Deployment, replicaSets: readonly ReplicaSet[]): readonly Resize[] {
  const desired = desiredReplicas(deployment);
  const allowed = desired > 0 ? desired + limits(deployment).surge : 0;
  const toAdd = allowed - totalSize(replicaSets);
  const newerFirst = (a: ReplicaSet, b: ReplicaSet) => byCreation(b, a);
  const bySize = [...replicaSets].sort(
    (a, b) => sizeOf(b) - sizeOf(a) || (toAdd > 0 ? newerFirst(a, b) : byCreation(a, b)),
  );
  let added = 0;
  const resizes = bySize.map((replicaSet) => {
    const share = toAdd === added ? 0 : fraction(deployment, replicaSet);
    const part = toAdd > 0 ? Math.min(share, toAdd - added) : Math.max(share, toAdd - added);
    added += toAdd === 0 ? 0 : part;
    return { replicaSet, size: sizeOf(replicaSet) + (toAdd === 0 ? 0 : part) };
  });
  // Rounding leaves something over: the largest takes it.
  return resizes.map(({ replicaSet, size }, i) => ({
    replicaSet,
    size: i === 0 ? Math.max(0, size + toAdd - added) : size,
  }));
}

/** By how much a ReplicaSet would grow if it kept its part of the whole. */
function fraction(deployment: Deployment, replicaSet: ReplicaSet): number {
  const size = sizeOf(replicaSet);
  const desired = desiredReplicas(deployment);
  if (desired === 0) return -size;
  const before = Number(replicaSet.metadata.annotations?.[MAX_REPLICAS] ?? 0) || deployment.status?.replicas;
  if (before === undefined || before === 0) return 0;
  return Math.round((size * (desired + limits(deployment).surge)) / before) - size;
}
