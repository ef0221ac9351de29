import { parseTime } from "@tracegate/kube";
import {
  addAbort,
  allReplicaSets,
  availableOf,
  canarySteps,
  currentStep,
  isAborted,
  normal,
  type Pass,
  revisionOf,
  sizeOf,
  time,
  warning,
} from "./pass.ts";
import {
  desiredReplicasAnnotation,
  hashLabel,
  type RolloutCondition,
  type RolloutStatus,
  scaleDownDeadlineAnnotation,
} from "./types.ts";

type Conditions = readonly RolloutCondition[];

export const condition = (conditions: Conditions | undefined, type: string): RolloutCondition | undefined =>
  conditions?.find((item) => item.type === type);

/** Sets a condition. With status and reason unchanged nothing happens, message and times included. */
export function withCondition(
  conditions: Conditions,
  type: string,
  status: RolloutCondition["status"],
  reason: string,
  message: string,
  now: string,
): Conditions {
  const old = condition(conditions, type);
  if (old !== undefined && old.status === status && old.reason === reason) return conditions;
  const lastTransitionTime = old?.status === status ? old.lastTransitionTime : now;
  return [
    ...conditions.filter((item) => item.type !== type),
    { type, status, lastUpdateTime: now, lastTransitionTime, reason, message },
  ];
}

const isPaused = ({ before, rollout }: Pass): boolean =>
  (before.pauseConditions?.length ?? 0) > 0 || rollout.spec.paused === true;

/**
 * Brings Paused and Progressing in step with the pauses that are stored; a retry shows here first. What is returned is
 * what is stored where nothing changes.
 */
export function pausedConditions(pass: Pass): Conditions | undefined {
  const { before } = pass;
  if (before.conditions === undefined) return undefined;
  let conditions: Conditions = before.conditions;
  const progressing = condition(conditions, "Progressing");
  const paused = isPaused(pass);
  const abortShown = progressing?.reason === "RolloutAborted";
  const now = time(pass);
  if (paused !== (progressing?.reason === "RolloutPaused") && !abortShown && !isCompleted(before)) {
    const [reason, message] = paused
      ? ["RolloutPaused", "Rollout is paused"]
      : ["RolloutResumed", "Rollout is resumed"];
    conditions = withCondition(conditions, "Progressing", "Unknown", reason, message, now);
  }
  if (before.abort !== true && abortShown)
    conditions = withCondition(
      conditions,
      "Progressing",
      "Unknown",
      "RolloutRetry",
      "Retrying Rollout after abort",
      now,
    );
  if (paused !== (condition(conditions, "Paused")?.status === "True") && !abortShown)
    conditions = withCondition(
      conditions,
      "Paused",
      paused ? "True" : "False",
      "RolloutPaused",
      "Rollout is paused",
      now,
    );
  return conditions;
}

/** The conditions that follow from a new status (its other fields are final, but for pauses). */
export function statusConditions(pass: Pass, status: RolloutStatus): Conditions {
  const { before, rollout } = pass;
  const now = time(pass);
  let conditions: Conditions = status.conditions ?? [];
  const set = (type: string, value: RolloutCondition["status"], reason: string, message: string): boolean => {
    const next = withCondition(conditions, type, value, reason, message, now);
    const changed = next !== conditions;
    conditions = next;
    return changed;
  };
  const paused = isPaused(pass);
  const healthy = isHealthy(pass, status);
  let becameUnhealthy = false;
  if (!paused && healthy) set("Healthy", "True", "RolloutHealthy", "Rollout is healthy");
  else if (condition(before.conditions, "Healthy") !== undefined)
    becameUnhealthy = set("Healthy", "False", "RolloutHealthy", "Rollout is not healthy");

  if (isAborted(pass)) {
    const why = pass.pause.abortMessage === undefined ? "" : `: ${pass.pause.abortMessage}`;
    const text = `Rollout aborted update to revision ${revisionOf(rollout)}${why}`;
    if (set("Progressing", "False", "RolloutAborted", text)) warning(pass, "RolloutAborted", text);
  } else conditions = withProgress(pass, status, conditions, { healthy, becameUnhealthy });
  if (isAvailable(pass, status))
    set("Available", "True", "AvailableReason", "Rollout has minimum availability");
  else set("Available", "False", "AvailableReason", "Rollout does not have minimum availability");
  conditions = withReplicaFailure(pass, conditions);
  const completed = isCompleted(status);
  if (set("Completed", completed ? "True" : "False", "RolloutCompleted", "RolloutCompleted") && !completed)
    normal(
      pass,
      "RolloutNotCompleted",
      `Rollout not completed, started update to revision ${revisionOf(rollout)} (${status.currentPodHash ?? ""})`,
    );
  return conditions;
}

const isCompleted = ({ stableRS, currentPodHash }: RolloutStatus): boolean =>
  stableRS !== undefined && stableRS !== "" && stableRS === currentPodHash;

/** How far an update that was not given up has come; one that takes too long may be given up here. */
function withProgress(
  pass: Pass,
  status: RolloutStatus,
  conditions: Conditions,
  { healthy, becameUnhealthy }: { readonly healthy: boolean; readonly becameUnhealthy: boolean },
): Conditions {
  const { rollout } = pass;
  const now = time(pass);
  const rs = pass.newRS?.metadata.name;
  const subject = rs === undefined ? `Rollout "${rollout.metadata.name}"` : `ReplicaSet "${rs}"`;
  const set = (value: RolloutCondition["status"], reason: string, message: string): Conditions =>
    withCondition(conditions, "Progressing", value, reason, message, now);
  if (healthy) {
    // Switched, but paused until it is proven: upstream writes one reason after the other without end. The pause stays.
    const waits = condition(conditions, "Progressing")?.reason === "RolloutPaused" && isPaused(pass);
    return waits
      ? conditions
      : set("True", "NewReplicaSetAvailable", `${subject} has successfully progressed.`);
  }
  if (madeProgress(pass, status) || becameUnhealthy) {
    const old = condition(conditions, "Progressing");
    const lost = becameUnhealthy && isCompleted(status);
    // Unlike other conditions this one shows each progress: the deadline counts from its last update.
    return [
      ...conditions.filter(({ type }) => type !== "Progressing"),
      {
        type: "Progressing",
        status: "True",
        lastUpdateTime: now,
        lastTransitionTime: old?.status === "True" ? old.lastTransitionTime : now,
        reason: lost ? "ReplicaSetNotAvailable" : "ReplicaSetUpdated",
        message: lost ? "Rollout does not have minimum availability" : `${subject} is progressing.`,
      },
    ];
  }
  if (!timedOut(pass, conditions)) return conditions;
  const text = `${subject} has timed out progressing.`;
  if (rollout.spec.progressDeadlineAbort === true) {
    addAbort(pass, text);
    warning(pass, "RolloutAborted", text);
  }
  return set("False", "ProgressDeadlineExceeded", text);
}

/** What a ReplicaSet tells of pods that cannot be made, the new one's before the others'. */
function withReplicaFailure(pass: Pass, conditions: Conditions): Conditions {
  const failure = [pass.newRS, ...allReplicaSets(pass)]
    .flatMap((rs) => rs?.status?.conditions ?? [])
    .find(({ type }) => type === "ReplicaFailure");
  if (failure === undefined) return conditions.filter(({ type }) => type !== "ReplicaFailure");
  const { status, reason = "", message = "", lastTransitionTime = time(pass) } = failure;
  return withCondition(conditions, "ReplicaFailure", status, reason, message, lastTransitionTime);
}

function isHealthy({ rollout, replicas, before }: Pass, status: RolloutStatus): boolean {
  const { canary, blueGreen } = rollout.spec.strategy ?? {};
  // A generation counts as observed once a pass before this one has written so.
  const observed = before.observedGeneration === String(rollout.metadata.generation ?? 0);
  if (!observed || (status.updatedReplicas ?? 0) !== replicas || (status.availableReplicas ?? 0) !== replicas)
    return false;
  if (blueGreen !== undefined) {
    const { activeSelector, previewSelector } = status.blueGreen ?? {};
    if ((blueGreen.previewService ?? "") !== "" && previewSelector !== status.currentPodHash) return false;
    return activeSelector === status.currentPodHash;
  }
  const steps = canary?.steps ?? [];
  const finished =
    steps.length === 0 || status.currentStepIndex === undefined || status.currentStepIndex === steps.length;
  return finished && isCompleted(status) && (status.replicas ?? 0) === replicas;
}

function madeProgress({ before, rollout }: Pass, status: RolloutStatus): boolean {
  const old = (of: RolloutStatus): number => (of.replicas ?? 0) - (of.updatedReplicas ?? 0);
  const { canary, blueGreen } = rollout.spec.strategy ?? {};
  const switched =
    (status.blueGreen?.activeSelector ?? "") !== (before.blueGreen?.activeSelector ?? "") ||
    (status.blueGreen?.previewSelector ?? "") !== (before.blueGreen?.previewSelector ?? "");
  const [from, to] = [before.currentStepIndex, status.currentStepIndex];
  const stepped =
    (status.stableRS ?? "") !== (before.stableRS ?? "") ||
    (from !== undefined && to !== undefined && from !== to) ||
    status.currentStepHash !== before.currentStepHash;
  return (
    (status.updatedReplicas ?? 0) !== (before.updatedReplicas ?? 0) ||
    old(status) < old(before) ||
    (status.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (status.availableReplicas ?? 0) > (before.availableReplicas ?? 0) ||
    (blueGreen !== undefined && switched) ||
    (canary !== undefined && stepped)
  );
}

function timedOut(pass: Pass, conditions: Conditions): boolean {
  const { rollout, now } = pass;
  const progressing = condition(conditions, "Progressing");
  if (progressing === undefined) return false;
  if (progressing.reason === "ProgressDeadlineExceeded") return true;
  if (progressing.reason === "RolloutAborted" || progressing.reason === "RolloutPaused") return false;
  const { step } = currentStep(pass);
  if (step?.pause !== undefined || step?.analysis !== undefined || step?.experiment !== undefined)
    return false;
  if (condition(pass.before.conditions, "Paused")?.status === "True") return false;
  if (pass.otherRSs.some((rs) => rs.metadata.annotations?.[scaleDownDeadlineAnnotation] !== undefined))
    return false;
  const deadline =
    (parseTime(progressing.lastUpdateTime) ?? now) + (rollout.spec.progressDeadlineSeconds ?? 600) * 1000;
  if (deadline < now) return true;
  // As upstream, it is looked at a second late, unless it is about to pass.
  pass.deadlineLookMs = deadline - now + (deadline - now < 1000 ? 1 : 1000);
  return false;
}

function isAvailable(pass: Pass, status: RolloutStatus): boolean {
  if (pass.rollout.spec.strategy?.blueGreen === undefined)
    return (status.availableReplicas ?? 0) >= pass.replicas;
  const active = allReplicaSets(pass).find(
    (rs) => rs.metadata.labels?.[hashLabel] === status.blueGreen?.activeSelector,
  );
  return active !== undefined && isSaturated(pass, active);
}

/** A ReplicaSet has the full size and all of it is available. */
export const isSaturated = ({ replicas }: Pass, rs: Pass["newRS"]): boolean =>
  rs !== undefined &&
  sizeOf(rs) === replicas &&
  rs.metadata.annotations?.[desiredReplicasAnnotation] === String(replicas) &&
  availableOf(rs) === replicas;

export const allStepsDone = (pass: Pass): boolean => {
  const count = canarySteps(pass.rollout).length;
  return count === 0 || currentStep(pass).index === count;
};
