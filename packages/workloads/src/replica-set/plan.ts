import { type Condition, formatTime, matchesLabelSelector, type Pod, type ReplicaSet } from "@tracegate/kube";
import { deletionOrder } from "../pods/deletion-order.ts";
import { isActive, isAvailable, isReady, nextAvailabilityMs } from "../pods/pod-state.ts";

export interface ReplicaSetSnapshot {
  readonly replicaSet: ReplicaSet;
  /** Its own pods, those that ended or are ending included. */
  readonly pods: readonly Pod[];
  /** Pods of replica sets with the same owner: surplus pods go first where most of these share a node. */
  readonly relatedPods: readonly Pod[];
}

export interface ReplicaSetPlan {
  readonly create: number;
  readonly delete: readonly Pod[];
  /** When a pod becomes available by the mere passing of time. */
  readonly nextAvailabilityMs: number | undefined;
}

/** Which pods are missing and which are too many. */
export function planReplicaSet(
  { replicaSet, pods, relatedPods }: ReplicaSetSnapshot,
  now: number,
): ReplicaSetPlan {
  const active = pods.filter(isActive);
  const surplus = active.length - (replicaSet.spec.replicas ?? 1);
  const ending = replicaSet.metadata.deletionTimestamp !== undefined;
  const perNode = new Map<string, number>();
  for (const { spec } of relatedPods.filter(isActive)) {
    perNode.set(spec.nodeName ?? "", (perNode.get(spec.nodeName ?? "") ?? 0) + 1);
  }
  const neighbours = ({ spec }: Pod) => perNode.get(spec.nodeName ?? "") ?? 0;
  return {
    create: ending ? 0 : Math.max(0, -surplus),
    delete: ending || surplus <= 0 ? [] : deletionOrder(active, neighbours, now).slice(0, surplus),
    nextAvailabilityMs: nextAvailabilityMs(active, replicaSet.spec.minReadySeconds ?? 0, now),
  };
}

/** Why pods could not be made or deleted, where that is so. */
export interface ReplicaFailure {
  readonly reason: "FailedCreate" | "FailedDelete";
  readonly message: string;
}

/** The status that the pods show; counters that are zero are left out, but for `replicas`. */
export function replicaSetStatus(
  { replicaSet, pods }: ReplicaSetSnapshot,
  now: number,
  failure?: ReplicaFailure,
): NonNullable<ReplicaSet["status"]> {
  const active = pods.filter(isActive);
  const templateLabels = { matchLabels: replicaSet.spec.template.metadata?.labels ?? {} };
  const minReady = replicaSet.spec.minReadySeconds ?? 0;
  const count = (keep: (pod: Pod) => boolean) => active.filter(keep).length;
  const fullyLabeledReplicas = count(({ metadata }) => matchesLabelSelector(templateLabels, metadata.labels));
  const readyReplicas = count(isReady);
  const availableReplicas = count((pod) => isAvailable(pod, minReady, now));
  const conditions = withFailure(replicaSet.status?.conditions ?? [], failure, now);
  const { generation } = replicaSet.metadata;
  return {
    replicas: active.length,
    ...(fullyLabeledReplicas > 0 && { fullyLabeledReplicas }),
    ...(readyReplicas > 0 && { readyReplicas }),
    ...(availableReplicas > 0 && { availableReplicas }),
    ...(generation !== undefined && { observedGeneration: generation }),
    ...(conditions.length > 0 && { conditions }),
  };
}

function withFailure(
  conditions: readonly Condition[],
  failure: ReplicaFailure | undefined,
  now: number,
): Condition[] {
  const known = conditions.find(({ type }) => type === "ReplicaFailure");
  const others = conditions.filter(({ type }) => type !== "ReplicaFailure");
  if (failure === undefined) return others;
  if (known?.reason === failure.reason && known.status === "True") return [...others, known];
  const lastTransitionTime = formatTime(now);
  return [...others, { type: "ReplicaFailure", status: "True", ...failure, lastTransitionTime }];
}
