import { type Deployment, type ReplicaSet, scaledValue } from "@tracegate/kube";

// The replica arithmetic of a Deployment, as kube-controller-manager's deployment util.

export const desiredReplicas = ({ spec }: Deployment): number => spec.replicas ?? 1;
export const sizeOf = ({ spec }: ReplicaSet): number => spec.replicas ?? 1;
export const isRollingUpdate = ({ spec }: Deployment): boolean => spec.strategy?.type !== "Recreate";
export const totalSize = (replicaSets: readonly ReplicaSet[]): number => sum(replicaSets, sizeOf);
export const totalAvailable = (replicaSets: readonly ReplicaSet[]): number =>
  sum(replicaSets, ({ status }) => status?.availableReplicas ?? 0);
export const active = (replicaSets: readonly ReplicaSet[]): readonly ReplicaSet[] =>
  replicaSets.filter((replicaSet) => sizeOf(replicaSet) > 0);

export function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

/** How many pods there may be beside the desired ones, and how many of these may be missing. */
export function limits(deployment: Deployment): { readonly surge: number; readonly unavailable: number } {
  if (!isRollingUpdate(deployment)) return { surge: 0, unavailable: 0 };
  const { maxSurge = "25%", maxUnavailable = "25%" } = deployment.spec.strategy?.rollingUpdate ?? {};
  const desired = desiredReplicas(deployment);
  const surge = scaledValue(maxSurge, desired, true);
  let unavailable = scaledValue(maxUnavailable, desired, false);
  // Percentages of few replicas can both come to nothing, and the rollout could not move.
  if (surge === 0 && unavailable === 0) unavailable = 1;
  return { surge, unavailable: Math.min(unavailable, desired) };
}

/** The size of the newest ReplicaSet that the surge allows for. */
export function newReplicaSetSize(
  deployment: Deployment,
  newest: ReplicaSet,
  all: readonly ReplicaSet[],
): number {
  const desired = desiredReplicas(deployment);
  if (!isRollingUpdate(deployment)) return desired;
  const room = desired + limits(deployment).surge - totalSize(all);
  const size = sizeOf(newest);
  return room <= 0 ? size : size + Math.min(room, desired - size);
}

/** A size to be given to a ReplicaSet. */
export interface Resize {
  readonly replicaSet: ReplicaSet;
  readonly size: number;
}

/**
 * Takes old ReplicaSets down, oldest first: what is unavailable anyway, then available pods while enough are left. Never
 * below `desired − maxUnavailable` available pods.
 */
export function scaleDownOld(
  deployment: Deployment,
  newest: ReplicaSet,
  old: readonly ReplicaSet[],
): readonly Resize[] {
  const minAvailable = desiredReplicas(deployment) - limits(deployment).unavailable;
  const newestUnavailable = sizeOf(newest) - availableOf(newest);
  const removable = totalSize([...old, newest]) - minAvailable - newestUnavailable;
  if (removable <= 0 || totalSize(old) === 0) return [];
  const sizes = new Map(old.map((replicaSet) => [replicaSet, sizeOf(replicaSet)]));
  const oldestFirst = [...old].sort(byCreation);
  const take = (budget: number, most: (replicaSet: ReplicaSet, size: number) => number) => {
    let left = budget;
    for (const replicaSet of oldestFirst) {
      const size = sizes.get(replicaSet) ?? 0;
      const count = Math.min(left, Math.max(0, most(replicaSet, size)));
      if (count <= 0) continue;
      sizes.set(replicaSet, size - count);
      left -= count;
    }
  };
  take(removable, (replicaSet, size) => size - availableOf(replicaSet));
  take(sum([...old, newest], availableOf) - minAvailable, (_, size) => size);
  return oldestFirst.flatMap((replicaSet) => {
    const size = sizes.get(replicaSet) ?? 0;
    return size === sizeOf(replicaSet) ? [] : [{ replicaSet, size }];
  });
}

/** A status may lag behind a scale-down: pods that are about to go do not count (upstream counts them). */
const availableOf = (replicaSet: ReplicaSet): number =>
  Math.min(replicaSet.status?.availableReplicas ?? 0, sizeOf(replicaSet));

/** Oldest first; of the same second, by name. */
export function byCreation(a: ReplicaSet, b: ReplicaSet): number {
  const [x, y] = [a.metadata.creationTimestamp ?? "", b.metadata.creationTimestamp ?? ""];
  if (x !== y) return x < y ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
