import type { Deployment, Pod, ReplicaSet } from "@tracegate/kube";
import { REVISION, replicaAnnotations } from "./annotations.ts";
import { caughtUp, newReplicaSet, revisionsOf, surplusHistory } from "./revisions.ts";
import { isScalingEvent, scale } from "./scaling.ts";
import {
  active,
  desiredReplicas,
  isRollingUpdate,
  limits,
  newReplicaSetSize,
  type Resize,
  scaleDownOld,
  sizeOf,
} from "./sizes.ts";
import {
  type DeploymentStatus,
  type Finding,
  isComplete,
  nextDeadlineCheckMs,
  observedStatus,
  progressDeadlineMs,
  progressing,
  rolloutStatus,
  withCondition,
} from "./status.ts";

export interface DeploymentSnapshot {
  readonly deployment: Deployment;
  /** Its own ReplicaSets. */
  readonly replicaSets: readonly ReplicaSet[];
  /** Pods of these ReplicaSets; needed for `Recreate` only. */
  readonly pods: readonly Pod[];
}

export type Action =
  | { readonly type: "create"; readonly replicaSet: ReplicaSet }
  | { readonly type: "update"; readonly replicaSet: ReplicaSet }
  /** `replicaSet` has its new size; `from` is the former one. */
  | { readonly type: "scale"; readonly replicaSet: ReplicaSet; readonly from: number }
  | { readonly type: "delete"; readonly replicaSet: ReplicaSet };

/** One step. What is left to do is done in the reconciles that the step's own changes call for. */
export interface DeploymentPlan {
  readonly actions: readonly Action[];
  /** Written after the actions. */
  readonly status: DeploymentStatus;
  /** What `deployment.kubernetes.io/revision` shall say. */
  readonly revision?: string;
  readonly requeueAfterMs?: number;
}

/** What follows for a Deployment from the state of its ReplicaSets (kube-controller-manager's `syncDeployment`). */
export function planDeployment(snapshot: DeploymentSnapshot, now: number): DeploymentPlan {
  const { deployment, replicaSets } = snapshot;
  if (deployment.metadata.deletionTimestamp !== undefined) return { actions: [], ...looked(snapshot, now) };
  const pause = pauseCondition(deployment);
  if (pause !== undefined) return { actions: [], status: noted(deployment, pause, now) };
  const { newest, old, revision } = revisionsOf(deployment, replicaSets);
  if (newest !== undefined) {
    const behind = caughtUp(deployment, newest, revision);
    if (behind !== undefined) {
      return { actions: [{ type: "update", replicaSet: behind }], status: deployment.status ?? {} };
    }
    const found = foundStep(deployment, newest, now);
    if (found !== undefined) return found;
  }
  if (deployment.spec.paused === true || isScalingEvent(deployment, replicaSets)) {
    const paused = deployment.spec.paused === true;
    const actions = [
      ...resized(deployment, scale(deployment, newest, old)),
      ...(paused ? deletions(deployment, old) : []),
    ];
    return { actions, ...looked(snapshot, now) };
  }
  return isRollingUpdate(deployment) ? rollingUpdate(snapshot, now) : recreate(snapshot, now);
}

function rollingUpdate(snapshot: DeploymentSnapshot, now: number): DeploymentPlan {
  const { deployment, replicaSets } = snapshot;
  const { newest, old, revision } = revisionsOf(deployment, replicaSets);
  if (newest === undefined) return creation(deployment, old, revision, now);
  const desired = desiredReplicas(deployment);
  const size = sizeOf(newest) > desired ? desired : newReplicaSetSize(deployment, newest, replicaSets);
  if (size !== sizeOf(newest))
    return step(snapshot, resized(deployment, [{ replicaSet: newest, size }]), now);
  const down = scaleDownOld(deployment, newest, active(old));
  if (down.length > 0) return step(snapshot, resized(deployment, down), now);
  return step(snapshot, cleanedUp(deployment, old), now);
}

/** All old pods go, to the last terminating one, before the first new one comes. */
function recreate(snapshot: DeploymentSnapshot, now: number): DeploymentPlan {
  const { deployment, replicaSets, pods } = snapshot;
  const { newest, old, revision } = revisionsOf(deployment, replicaSets);
  const down = active(old).map((replicaSet) => ({ replicaSet, size: 0 }));
  if (down.length > 0) return step(snapshot, resized(deployment, down), now);
  if (arePodsLeft(newest, old, pods)) return step(snapshot, [], now);
  if (newest === undefined) return creation(deployment, old, revision, now);
  const size = desiredReplicas(deployment);
  if (size !== sizeOf(newest))
    return step(snapshot, resized(deployment, [{ replicaSet: newest, size }]), now);
  return step(snapshot, cleanedUp(deployment, old), now);
}

function arePodsLeft(
  newest: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
  pods: readonly Pod[],
): boolean {
  if (old.some(({ status }) => (status?.replicas ?? 0) > 0)) return true;
  return pods.some(({ metadata, status }) => {
    const ours = metadata.ownerReferences?.some(({ uid }) => uid === newest?.metadata.uid) ?? false;
    return !ours && status?.phase !== "Succeeded" && status?.phase !== "Failed";
  });
}

function step({ deployment, replicaSets }: DeploymentSnapshot, actions: readonly Action[], now: number) {
  const { newest } = revisionsOf(deployment, replicaSets);
  const status = rolloutStatus(deployment, newest, replicaSets, now);
  const requeueAfterMs = nextDeadlineCheckMs(deployment, status, now);
  return { actions, status, ...(requeueAfterMs !== undefined && { requeueAfterMs }) };
}

/** The status without a word on progress: while the Deployment is paused, scaled or deleted. */
function looked({ deployment, replicaSets }: DeploymentSnapshot, now: number) {
  const { newest } = revisionsOf(deployment, replicaSets);
  return { status: observedStatus(deployment, newest, replicaSets, now) };
}

function creation(
  deployment: Deployment,
  old: readonly ReplicaSet[],
  revision: number,
  now: number,
): DeploymentPlan {
  const replicaSet = newReplicaSet(deployment, old, revision);
  const created: Finding = {
    type: "Progressing",
    status: "True",
    reason: "NewReplicaSetCreated",
    message: `Created new replica set "${replicaSet.metadata.name}"`,
  };
  return {
    actions: [{ type: "create", replicaSet }],
    status:
      progressDeadlineMs(deployment) === undefined
        ? (deployment.status ?? {})
        : noted(deployment, created, now),
    revision: String(revision),
  };
}

/** The newest ReplicaSet was there before the Deployment knew of it (an undone or adopted one). */
function foundStep(deployment: Deployment, newest: ReplicaSet, now: number): DeploymentPlan | undefined {
  const revision = newest.metadata.annotations?.[REVISION] ?? "1";
  const unknown = progressDeadlineMs(deployment) !== undefined && progressing(deployment) === undefined;
  if (revision === deployment.metadata.annotations?.[REVISION] && !unknown) return undefined;
  const found: Finding = {
    type: "Progressing",
    status: "True",
    reason: "FoundNewReplicaSet",
    message: `Found new replica set "${newest.metadata.name}"`,
  };
  const status = unknown ? noted(deployment, found, now) : (deployment.status ?? {});
  return { actions: [], status, revision };
}

/** Pausing and resuming show as conditions, so that no deadline runs over them; not over one that has passed. */
function pauseCondition(deployment: Deployment): Finding | undefined {
  if (progressDeadlineMs(deployment) === undefined) return undefined;
  const reason = progressing(deployment)?.reason;
  if (reason === "ProgressDeadlineExceeded") return undefined;
  const told = reason === "DeploymentPaused";
  const paused = deployment.spec.paused === true;
  if (paused === told) return undefined;
  return {
    type: "Progressing",
    status: "Unknown",
    reason: paused ? "DeploymentPaused" : "DeploymentResumed",
    message: paused ? "Deployment is paused" : "Deployment is resumed",
  };
}

function noted({ status = {} }: Deployment, finding: Finding, now: number): DeploymentStatus {
  return { ...status, conditions: [...withCondition(status.conditions ?? [], finding, now)] };
}

function resized(deployment: Deployment, resizes: readonly Resize[]): readonly Action[] {
  const desired = desiredReplicas(deployment);
  const sizes = replicaAnnotations(desired, desired + limits(deployment).surge);
  return resizes.flatMap(({ replicaSet, size }): Action[] => {
    const { metadata, spec } = replicaSet;
    const stale = Object.entries(sizes).some(([key, value]) => metadata.annotations?.[key] !== value);
    if (size === sizeOf(replicaSet) && !stale) return [];
    const changed: ReplicaSet = {
      ...replicaSet,
      metadata: { ...metadata, annotations: { ...metadata.annotations, ...sizes } },
      spec: { ...spec, replicas: size },
    };
    return [{ type: "scale", replicaSet: changed, from: sizeOf(replicaSet) }];
  });
}

/** Old revisions go once the rollout is over, as the stored status tells. */
function cleanedUp(deployment: Deployment, old: readonly ReplicaSet[]): readonly Action[] {
  return isComplete(deployment, deployment.status ?? {}) ? deletions(deployment, old) : [];
}

const deletions = (deployment: Deployment, old: readonly ReplicaSet[]): readonly Action[] =>
  surplusHistory(deployment, old).map((replicaSet) => ({ type: "delete", replicaSet }));
