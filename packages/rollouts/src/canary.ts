import { formatLabelSelector } from "@tracegate/kube";
import { mirrorOf, reconcileAnalysisRuns } from "./analysis-runs.ts";
import { allStepsDone } from "./conditions.ts";
import { reconcileEphemeralMetadata } from "./ephemeral-metadata.ts";
import {
  allReplicaSets,
  availableOf,
  canarySteps,
  currentStep,
  hashOf,
  isAborted,
  normal,
  type Pass,
  sizeOf,
  sum,
} from "./pass.ts";
import { isPauseStepDone, pauseAtStep } from "./pausing.ts";
import { stepsHash } from "./pod-template-hash.ts";
import { cleanHistory } from "./replica-sets.ts";
import { restartPods } from "./restart.ts";
import { isRollbackWithinWindow } from "./rollback.ts";
import { atDesiredCounts, isFullyAvailable, reconcileCanaryReplicaSets } from "./scaling.ts";
import { reconcileCanaryServices } from "./services.ts";
import { baseStatus, isPodSpecChanged, promote, reset } from "./status.ts";
import { stepText } from "./step-text.ts";
import type { RolloutStatus } from "./types.ts";

/** One pass over a canary. `undefined`: the status stays as it is (pods were evicted, or the pass failed). */
export function planCanary(pass: Pass): RolloutStatus | undefined {
  if (isTemplateOrStepsChanged(pass)) return canaryStatus(pass);
  if (restartPods(pass)) return undefined;
  reconcileEphemeralMetadata(pass);
  cleanHistory(pass);
  reconcileCanaryServices(pass);
  reconcileAnalysisRuns(pass);
  // A pause that an analysis asked for is written before anything else moves.
  if (pass.pause.add.size > 0) return canaryStatus(pass);
  if (pass.failure !== undefined) return undefined;
  if (!reconcileCanaryReplicaSets(pass)) pauseAtStep(pass);
  return canaryStatus(pass);
}

const isTemplateOrStepsChanged = (pass: Pass): boolean =>
  pass.before.currentStepHash !== stepsHash(pass.rollout.spec.strategy?.canary?.steps) ||
  isPodSpecChanged(pass);

/** The status at the end of a pass: a step further, promoted, aborted, or the counts alone. */
export function canaryStatus(pass: Pass): RolloutStatus {
  const { rollout, before } = pass;
  const all = allReplicaSets(pass);
  const status: RolloutStatus = {
    ...baseStatus(pass),
    availableReplicas: sum(all, availableOf),
    HPAReplicas: sum(all, (rs) => rs.status?.replicas ?? 0),
    selector: formatLabelSelector(rollout.spec.selector),
    currentStepHash: stepsHash(rollout.spec.strategy?.canary?.steps),
    ...(before.stableRS === undefined ? {} : { stableRS: before.stableRS }),
  };
  return isTemplateOrStepsChanged(pass) ? startedStatus(pass, status) : movedStatus(pass, status);
}

/** Other steps or another template: from the first step, or past all of them where nothing needs to be proven. */
function startedStatus(pass: Pass, status: RolloutStatus): RolloutStatus {
  const fresh = reset(pass, status);
  const count = canarySteps(pass.rollout).length;
  if (count === 0) return fresh;
  const skipped = reasonToSkipSteps(pass);
  if (skipped !== undefined) normal(pass, "SkipSteps", skipped);
  return { ...fresh, currentStepIndex: skipped === undefined ? 0 : count };
}

function movedStatus(pass: Pass, status: RolloutStatus): RolloutStatus {
  const { before } = pass;
  const count = canarySteps(pass.rollout).length;
  const at = (index: number | undefined): RolloutStatus =>
    withRuns(pass, index === undefined || count === 0 ? status : { ...status, currentStepIndex: index });
  const isFullPromotion = before.promoteFull === true || isRollbackWithinWindow(pass);
  if (isFullPromotion) {
    pass.pause.clear = true;
    pass.pause.removeAbort = true;
  }
  const reason = promotionReason(pass);
  if (reason !== undefined) return promote(pass, at(count), reason);
  if (isAborted(pass)) return at(before.stableRS === status.currentPodHash ? count : 0);
  if (isFullPromotion) return at(count);
  const { step, index } = currentStep(pass);
  if (step === undefined || index === undefined || !isStepDone(pass)) return at(index);
  normal(pass, "RolloutStepCompleted", `Rollout step ${index + 1}/${count} completed (${stepText(step)})`);
  pass.pause.remove.add("CanaryPauseStep");
  delete pass.runs.step;
  return at(index + 1);
}

/** Why a changed template need not go through the steps. */
function reasonToSkipSteps(pass: Pass): string | undefined {
  const { stableRS = "" } = pass.before;
  if (stableRS !== "" && stableRS === hashOf(pass.newRS)) return "Rollback to stable ReplicaSets";
  return isRollbackWithinWindow(pass) && sizeOf(pass.newRS) > 0
    ? "Rollback to active ReplicaSets within RollbackWindow"
    : undefined;
}

function withRuns(pass: Pass, status: RolloutStatus): RolloutStatus {
  const step = mirrorOf(pass.runs.step);
  const background = mirrorOf(pass.runs.background);
  return {
    ...status,
    canary: {
      ...(step === undefined ? {} : { currentStepAnalysisRunStatus: step }),
      ...(background === undefined ? {} : { currentBackgroundAnalysisRunStatus: background }),
    },
  };
}

function promotionReason(pass: Pass): string | undefined {
  const { before } = pass;
  if (pass.stableRS === undefined) return "Initial deploy";
  if (isAborted(pass)) return undefined;
  if (pass.newRS === undefined || !isFullyAvailable(pass, pass.newRS)) return undefined;
  if (before.promoteFull === true) return "Full promotion requested";
  if (isRollbackWithinWindow(pass)) return "Rollback within window";
  return allStepsDone(pass) ? `Completed all ${canarySteps(pass.rollout).length} canary steps` : undefined;
}

function isStepDone(pass: Pass): boolean {
  const { step } = currentStep(pass);
  if (step === undefined || pass.rollout.spec.paused === true) return false;
  if (step.pause !== undefined) return isPauseStepDone(pass);
  if (step.setCanaryScale !== undefined || step.setWeight !== undefined) return atDesiredCounts(pass);
  if (step.analysis !== undefined) return pass.runs.step?.status?.phase === "Successful";
  // Without templates (others are refused) an experiment has nothing to run.
  if (step.experiment !== undefined) return true;
  return false;
}
