import { formatTime } from "@tracegate/kube";
import { splitRuns } from "./analysis-runs.ts";
import { planBlueGreen } from "./blue-green.ts";
import { planCanary } from "./canary.ts";
import { pausedConditions, statusConditions, withCondition } from "./conditions.ts";
import { allReplicaSets, availableOf, hashOf, normal, type Pass, sizeOf, sum, time, wakeIn } from "./pass.ts";
import { pauseStatus } from "./pausing.ts";
import { rolloutPhase } from "./phase.ts";
import { createReplicaSet, findNewReplicaSet, syncRevision } from "./replica-sets.ts";
import { isFastRollback } from "./rollback.ts";
import { reconcileBlueGreenReplicaSets, reconcileCanaryReplicaSets, resizeBesideNew } from "./scaling.ts";
import { releaseServices } from "./services.ts";
import type { RolloutEvent, RolloutPlan, RolloutSnapshot } from "./snapshot.ts";
import { statusDifference } from "./status-difference.ts";
import { desiredReplicasAnnotation, type Rollout, type RolloutStatus } from "./types.ts";
import { invalidSpec } from "./validate.ts";

/** How long an invalid Rollout is left alone before it is looked at again (what it refers to may have come). */
const invalidRetryMs = 1000;

/** Decides one pass over a Rollout. Pure: the same snapshot at the same time gives the same plan. */
export function planRollout(snapshot: RolloutSnapshot, now: number): RolloutPlan {
  const pass = startPass(snapshot, now);
  const { before, rollout } = pass;
  const refusal = invalidSpec(snapshot);
  if (refusal !== undefined) {
    wakeIn(pass, invalidRetryMs);
    const conditions = withRefusal(before.conditions ?? [], refusal, time(pass));
    return finish(pass, observed(pass, { ...before, conditions: [...conditions] }));
  }
  releaseServices(pass);
  if (pass.newRS === undefined) return startVersion(pass);
  if (rollout.spec.replicas === undefined) {
    pass.actions.push({ do: "patchRollout", body: { spec: { replicas: 1 } } });
    return finish(pass, before);
  }
  const shown = withPausesShown(pass);
  // The rest of the pass knows the conditions as they were, unless the Rollout is read anew: when its revision is written.
  const isReadAnew = syncRevision(pass);
  const plan = progress(shown !== undefined && isReadAnew ? { ...pass, before: shown } : pass);
  return shown === undefined ? plan : { ...plan, statusFirst: shown };
}

/** The status with Paused and Progressing in step with the pauses that are stored; undefined where they are so already. */
function withPausesShown(pass: Pass): RolloutStatus | undefined {
  const { before } = pass;
  const conditions = pausedConditions(pass);
  if (conditions === undefined || conditions === before.conditions) return undefined;
  return withoutZeros(observed(pass, { ...before, conditions: [...conditions] }));
}

function progress(pass: Pass): RolloutPlan {
  const { before, rollout } = pass;
  if (isScalingEvent(pass)) return scaleOnly(pass);
  const isBlueGreen = rollout.spec.strategy?.blueGreen !== undefined;
  const status = isBlueGreen ? planBlueGreen(pass) : planCanary(pass);
  return status === undefined ? finish(pass, before) : conclude(pass, status);
}

/** The working state at the start of a pass; what follows from it as a whole is added last. */
function startPass(snapshot: RolloutSnapshot, now: number): Pass {
  const pass = readPass(snapshot, now);
  return { ...pass, fastRollback: isFastRollback(pass) };
}

function readPass(snapshot: RolloutSnapshot, now: number): Pass {
  const rollout = structuredClone(snapshot.rollout);
  const before = rollout.status ?? {};
  const newRS = findNewReplicaSet(rollout, snapshot.replicaSets);
  const stableRS =
    before.stableRS === undefined || before.stableRS === ""
      ? undefined
      : snapshot.replicaSets.find((rs) => hashOf(rs) === before.stableRS);
  const runs = splitRuns(snapshot.analysisRuns, before);
  return {
    snapshot,
    rollout,
    before,
    now,
    replicas: rollout.spec.replicas ?? 1,
    newRS,
    stableRS,
    otherRSs: snapshot.replicaSets.filter((rs) => rs !== newRS && rs !== stableRS),
    services: new Map(snapshot.services),
    actions: [],
    events: [],
    requeueAfterMs: undefined,
    deadlineLookMs: undefined,
    // An abort left over on a version that is already stable has no meaning any more. (A failed run that is still current
    // asks for another, which is shown once.)
    pause: {
      add: new Set(),
      remove: new Set(),
      clear: false,
      abortMessage: undefined,
      addAbort: false,
      removeAbort: before.abort === true && isFullyPromoted(before),
    },
    fastRollback: false,
    runs: runs.current,
    otherRuns: runs.other,
    failure: undefined,
    restartedAt: undefined,
  };
}

const isFullyPromoted = ({ stableRS, currentPodHash }: RolloutStatus): boolean =>
  stableRS !== undefined && stableRS !== "" && stableRS === currentPodHash;

/** The condition says why; its text follows the newest reason. */
function withRefusal(
  conditions: readonly NonNullable<RolloutStatus["conditions"]>[number][],
  message: string,
  now: string,
) {
  const old = conditions.find(({ type }) => type === "InvalidSpec");
  if (old?.message === message) return conditions;
  return withCondition(
    conditions.filter(({ type }) => type !== "InvalidSpec"),
    "InvalidSpec",
    "True",
    "InvalidSpec",
    message,
    now,
  );
}

/** A version without a ReplicaSet gets one, empty, and this pass ends. */
function startVersion(pass: Pass): RolloutPlan {
  const { before, rollout } = pass;
  const { canary, blueGreen } = rollout.spec.strategy ?? {};
  const first = before.stableRS === undefined || before.stableRS === "";
  const metadata = first
    ? (canary?.stableMetadata ?? blueGreen?.activeMetadata)
    : (canary?.canaryMetadata ?? blueGreen?.previewMetadata);
  const created = createReplicaSet(pass, metadata);
  if (created === undefined)
    return finish(pass, { ...before, collisionCount: (before.collisionCount ?? 0) + 1 });
  const conditions = withCondition(
    before.conditions ?? [],
    "Progressing",
    "True",
    "NewReplicaSetCreated",
    `Created new replica set "${created.metadata.name}"`,
    time(pass),
  );
  const started = { ...before, conditions: [...conditions] };
  if (!isScalingEvent(pass)) return finish(pass, started);
  const going: Pass = { ...pass, before: started, newRS: created };
  return resizeBesideNew(going) ? resized(going) : finish(going, started);
}

/** What a Rollout shows while the API refuses the ReplicaSet of its new version. */
export function createFailure(
  rollout: Rollout,
  replicaSet: string,
  why: string,
  now: number,
): { readonly status: RolloutStatus; readonly event: RolloutEvent } {
  const message = `Failed to create new replica set "${replicaSet}": ${why}`;
  const reason = "ReplicaSetCreateError";
  const old = rollout.status ?? {};
  const conditions = withCondition(
    old.conditions ?? [],
    "Progressing",
    "False",
    reason,
    message,
    formatTime(now),
  );
  const status = observedBy(rollout, { ...old, conditions: [...conditions] });
  return { status, event: { type: "Warning", reason, message } };
}

/** The wanted size changed: only sizes follow in this pass. */
const isScalingEvent = (pass: Pass): boolean =>
  [pass.newRS, pass.stableRS].some((rs) => {
    const desired = rs?.metadata.annotations?.[desiredReplicasAnnotation];
    return sizeOf(rs) > 0 && desired !== undefined && desired !== String(pass.replicas);
  });

function scaleOnly(pass: Pass): RolloutPlan {
  if (pass.rollout.spec.strategy?.blueGreen === undefined) reconcileCanaryReplicaSets(pass);
  else reconcileBlueGreenReplicaSets(pass);
  return resized(pass);
}

/** Of the status only what is available is counted anew; while a person holds the Rollout up, it stays at this. */
function resized(pass: Pass): RolloutPlan {
  const { before, rollout } = pass;
  const all = allReplicaSets(pass);
  const active = all.find((rs) => hashOf(rs) === before.blueGreen?.activeSelector);
  const isBlueGreen = rollout.spec.strategy?.blueGreen !== undefined;
  const counted = isBlueGreen && active !== undefined ? [active] : all;
  const counts = {
    HPAReplicas: sum(counted, (rs) => rs.status?.replicas ?? 0),
    availableReplicas: sum(counted, availableOf),
  };
  const { pauseConditions: _, controllerPause: __, abort: ___, abortedAt: ____, ...rest } = before;
  const paused = pauseStatus(pass);
  announcePause(pass, paused);
  return finish(pass, observed(pass, { ...rest, ...counts, ...paused }));
}

/** Conditions, pauses and phase on top of a pass's status. */
function conclude(pass: Pass, status: RolloutStatus): RolloutPlan {
  const conditions = [
    ...statusConditions(pass, {
      ...status,
      observedGeneration: String(pass.rollout.metadata.generation ?? 0),
    }),
  ];
  const paused = pauseStatus(pass);
  announcePause(pass, paused);
  const next = observed(pass, { ...status, ...paused, conditions });
  // A status that is written calls for another pass, which looks at the deadline.
  if (pass.deadlineLookMs !== undefined && isUnchanged(pass.before, next)) wakeIn(pass, pass.deadlineLookMs);
  return finish(pass, next);
}

const isUnchanged = (before: RolloutStatus, after: RolloutStatus): boolean =>
  Object.keys(statusDifference(withoutZeros(before), withoutZeros(after))).length === 0;

function announcePause(pass: Pass, { pauseConditions = [], abort }: RolloutStatus): void {
  const was = (pass.before.pauseConditions?.length ?? 0) > 0;
  const is = pauseConditions.length > 0;
  if (is && !was) normal(pass, "RolloutPaused", `Rollout is paused (${pauseConditions[0]?.reason ?? ""})`);
  if (was && !is && abort !== true) normal(pass, "RolloutResumed", "Rollout is resumed");
}

const observed = ({ rollout }: Pass, status: RolloutStatus): RolloutStatus => observedBy(rollout, status);

/** A status that tells of the spec as it is now. */
function observedBy({ spec, metadata }: Rollout, status: RolloutStatus): RolloutStatus {
  const { phase, message } = rolloutPhase(spec, status);
  const { message: _, ...rest } = status;
  const observedGeneration = String(metadata.generation ?? 0);
  return { ...rest, observedGeneration, phase, ...(message === "" ? {} : { message }) };
}

function finish(pass: Pass, status: RolloutStatus): RolloutPlan {
  return {
    status: withoutZeros(status),
    actions: pass.actions,
    events: pass.events,
    ...(pass.requeueAfterMs === undefined ? {} : { requeueAfterMs: pass.requeueAfterMs }),
    ...(pass.failure === undefined ? {} : { failure: pass.failure }),
  };
}

/** Zero counts, false flags and empty texts are not written, as Go's encoding has it. */
function withoutZeros(status: RolloutStatus): RolloutStatus {
  const kept = Object.entries(status).filter(
    ([key, value]) =>
      key === "currentStepIndex" ||
      !(
        value === undefined ||
        value === 0 ||
        value === false ||
        value === "" ||
        (Array.isArray(value) && value.length === 0)
      ),
  );
  return Object.fromEntries(kept);
}
