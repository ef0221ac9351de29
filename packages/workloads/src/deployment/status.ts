import { type Condition, type Deployment, formatTime, parseTime, type ReplicaSet } from "@tracegate/kube";
import { desiredReplicas, limits, sum, totalAvailable, totalSize } from "./sizes.ts";

export type DeploymentStatus = NonNullable<Deployment["status"]>;

/** What upstream uses for "no deadline". */
const NEVER_SECONDS = 2 ** 31 - 1;

export function progressDeadlineMs({ spec }: Deployment): number | undefined {
  const seconds = spec.progressDeadlineSeconds;
  return seconds === undefined || seconds === NEVER_SECONDS ? undefined : seconds * 1000;
}

export const progressing = ({ status }: Deployment): Condition | undefined =>
  status?.conditions?.find(({ type }) => type === "Progressing");

/** A condition without its times. */
export type Finding = Pick<Condition, "type" | "status" | "reason" | "message">;

/**
 * The conditions with one set. The same status and reason: nothing changes, not even the message. The same status: it
 * keeps its transition time. A condition that is set goes to the end.
 */
export function withCondition(
  conditions: readonly Condition[],
  finding: Finding,
  now: number,
): readonly Condition[] {
  const current = conditions.find(({ type }) => type === finding.type);
  if (current?.status === finding.status && current.reason === finding.reason) return conditions;
  return renewed(conditions, finding, now);
}

/** As `withCondition`, but the update time moves in any case. */
export function renewed(
  conditions: readonly Condition[],
  finding: Finding,
  now: number,
): readonly Condition[] {
  const current = conditions.find(({ type }) => type === finding.type);
  const time = formatTime(now);
  const { type, status, ...why } = finding;
  const lastTransitionTime = current?.status === status ? (current.lastTransitionTime ?? time) : time;
  return [...without(conditions, type), { type, status, lastUpdateTime: time, lastTransitionTime, ...why }];
}

const without = (conditions: readonly Condition[], type: string) =>
  conditions.filter((condition) => condition.type !== type);

/** Numbers and availability as the ReplicaSets show them; counters that are zero are left out. */
export function observedStatus(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  now: number,
): DeploymentStatus {
  const available = totalAvailable(all);
  const counters = {
    replicas: sum(all, ({ status }) => status?.replicas ?? 0),
    updatedReplicas: newest?.status?.replicas ?? 0,
    readyReplicas: sum(all, ({ status }) => status?.readyReplicas ?? 0),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, totalSize(all) - available),
  };
  const enough = available >= desiredReplicas(deployment) - limits(deployment).unavailable;
  const availability: Finding = enough
    ? {
        type: "Available",
        status: "True",
        reason: "MinimumReplicasAvailable",
        message: "Deployment has minimum availability.",
      }
    : {
        type: "Available",
        status: "False",
        reason: "MinimumReplicasUnavailable",
        message: "Deployment does not have minimum availability.",
      };
  const { generation } = deployment.metadata;
  const { collisionCount, conditions = [] } = deployment.status ?? {};
  return {
    ...(generation !== undefined && { observedGeneration: generation }),
    ...Object.fromEntries(Object.entries(counters).filter(([, count]) => count > 0)),
    conditions: [...withCondition(conditions, availability, now)],
    ...(collisionCount !== undefined && { collisionCount }),
  };
}

/** The status of a rollout: with how it progresses, and why pods cannot be made. */
export function rolloutStatus(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  now: number,
): DeploymentStatus {
  const status = observedStatus(deployment, newest, all, now);
  let conditions: readonly Condition[] = status.conditions ?? [];
  const current = progressing(deployment);
  if (progressDeadlineMs(deployment) === undefined) conditions = without(conditions, "Progressing");
  else if (!(current?.reason === "NewReplicaSetAvailable" && isAllUpdated(status))) {
    conditions = withProgress(deployment, newest, status, conditions, now);
  }
  const failure = [...(newest === undefined ? [] : [newest]), ...all]
    .flatMap((replicaSet) => replicaSet.status?.conditions ?? [])
    .find(({ type, status: holds }) => type === "ReplicaFailure" && holds === "True");
  conditions = failure === undefined ? without(conditions, failureType) : withFailure(conditions, failure);
  return { ...status, conditions: [...conditions] };
}

const failureType = "ReplicaFailure";

function withFailure(conditions: readonly Condition[], failure: Condition): readonly Condition[] {
  const current = conditions.find(({ type }) => type === failureType);
  if (current?.status === failure.status && current.reason === failure.reason) return conditions;
  const { lastTransitionTime } = failure;
  const times = lastTransitionTime === undefined ? {} : { lastUpdateTime: lastTransitionTime };
  return [...without(conditions, failureType), { ...failure, ...times }];
}

function withProgress(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  status: DeploymentStatus,
  conditions: readonly Condition[],
  now: number,
): readonly Condition[] {
  const subject =
    newest === undefined
      ? `Deployment "${deployment.metadata.name}"`
      : `ReplicaSet "${newest.metadata.name}"`;
  const finding = (holds: "True" | "False", reason: string, what: string): Finding => ({
    type: "Progressing",
    status: holds,
    reason,
    message: `${subject} ${what}`,
  });
  if (isComplete(deployment, status)) {
    const done = finding("True", "NewReplicaSetAvailable", "has successfully progressed.");
    return withCondition(conditions, done, now);
  }
  if (hasProgressed(deployment.status ?? {}, status)) {
    return renewed(conditions, finding("True", "ReplicaSetUpdated", "is progressing."), now);
  }
  if (isTimedOut(deployment, now)) {
    const late = finding("False", "ProgressDeadlineExceeded", "has timed out progressing.");
    return withCondition(conditions, late, now);
  }
  return conditions;
}

const isAllUpdated = ({ replicas = 0, updatedReplicas = 0 }: DeploymentStatus) =>
  replicas === updatedReplicas;

export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const desired = desiredReplicas(deployment);
  return (
    (status.updatedReplicas ?? 0) === desired &&
    (status.replicas ?? 0) === desired &&
    (status.availableReplicas ?? 0) === desired &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

/** More updated, fewer old, more ready or more available pods than before. */
function hasProgressed(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const old = ({ replicas = 0, updatedReplicas = 0 }: DeploymentStatus) => replicas - updatedReplicas;
  const more = (counter: "updatedReplicas" | "readyReplicas" | "availableReplicas") =>
    (after[counter] ?? 0) > (before[counter] ?? 0);
  return (
    more("updatedReplicas") || old(after) < old(before) || more("readyReplicas") || more("availableReplicas")
  );
}

function isTimedOut(deployment: Deployment, now: number): boolean {
  const condition = progressing(deployment);
  if (condition === undefined || condition.reason === "NewReplicaSetAvailable") return false;
  if (condition.reason === "ProgressDeadlineExceeded") return true;
  const deadline = deadlineAt(deployment, condition);
  return deadline !== undefined && deadline < now;
}

function deadlineAt(deployment: Deployment, { lastUpdateTime }: Condition): number | undefined {
  const since = parseTime(lastUpdateTime ?? "");
  const limit = progressDeadlineMs(deployment);
  return since === undefined || limit === undefined ? undefined : since + limit;
}

/** When to look whether the deadline has passed; a second late, for API times are whole seconds. */
export function nextDeadlineCheckMs(
  deployment: Deployment,
  status: DeploymentStatus,
  now: number,
): number | undefined {
  const condition = status.conditions?.find(({ type }) => type === "Progressing");
  if (condition === undefined || condition.reason === "ProgressDeadlineExceeded") return undefined;
  if (isComplete(deployment, status)) return undefined;
  const deadline = deadlineAt(deployment, condition);
  return deadline === undefined ? undefined : Math.max(0, deadline - now) + 1000;
}
