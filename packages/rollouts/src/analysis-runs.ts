import type { AnalysisRun } from "@tracegate/analysis";
import { isSaturated } from "./conditions.ts";
import { createRun, isDone, type RunRole, roles } from "./new-analysis-run.ts";
import {
  addAbort,
  allReplicaSets,
  availableOf,
  type CurrentRuns,
  currentStep,
  hashOf,
  isAborted,
  normal,
  type Pass,
  pauseCondition,
  sizeOf,
  warning,
} from "./pass.ts";
import { hashLabel, type RolloutAnalysis, type RolloutStatus, type RunStatusMirror } from "./types.ts";

/** The runs that the stored status calls current, and all others of the Rollout. */
export function splitRuns(
  runs: readonly AnalysisRun[],
  status: RolloutStatus,
): { readonly current: CurrentRuns; readonly other: AnalysisRun[] } {
  const current: CurrentRuns = {};
  for (const [role, mirror] of mirrors(status)) {
    const run = runs.find(({ metadata }) => metadata.name === mirror?.name);
    if (run !== undefined) current[role] = run;
  }
  return { current, other: runs.filter((run) => !Object.values(current).includes(run)) };
}

const mirrors = ({ canary, blueGreen }: RolloutStatus): [RunRole, RunStatusMirror | undefined][] => [
  ["postPromotion", blueGreen?.postPromotionAnalysisRunStatus],
  ["prePromotion", blueGreen?.prePromotionAnalysisRunStatus],
  ["step", canary?.currentStepAnalysisRunStatus],
  ["background", canary?.currentBackgroundAnalysisRunStatus],
];

/** Starts, follows and ends AnalysisRuns; their outcome pauses or aborts the update. */
export function reconcileAnalysisRuns(pass: Pass): void {
  const { before } = pass;
  if (
    isAborted(pass) ||
    before.promoteFull === true ||
    pass.fastRollback ||
    before.stableRS === undefined ||
    before.stableRS === ""
  ) {
    terminate(pass, [...Object.values(pass.runs), ...pass.otherRuns]);
    return;
  }
  const runs: CurrentRuns = {};
  const keep = (role: RunRole, run: AnalysisRun | undefined): void => {
    if (run !== undefined) runs[role] = run;
  };
  if (pass.rollout.spec.strategy?.canary !== undefined) {
    keep("step", stepRun(pass));
    if (pass.failure === undefined) keep("background", backgroundRun(pass));
  } else {
    for (const [role, runOf] of [
      ["prePromotion", prePromotionRun],
      ["postPromotion", postPromotionRun],
    ] as const) {
      if (pass.failure !== undefined) break;
      const run = runOf(pass);
      keep(role, run);
      heed(pass, role, run);
    }
  }
  if (pass.failure !== undefined) return;
  pass.runs = runs;
  const current = new Set(Object.values(runs).map(({ metadata }) => metadata.name));
  const others = pass.otherRuns.filter(({ metadata }) => !current.has(metadata.name));
  terminate(pass, others);
  prune(pass, others);
  announceChanges(pass, runs);
}

/** Ends a run that is not wanted any more. */
function drop(pass: Pass, run: AnalysisRun | undefined): undefined {
  terminate(pass, run === undefined ? [] : [run]);
  return undefined;
}

function stepRun(pass: Pass): AnalysisRun | undefined {
  const { step, index } = currentStep(pass);
  const current = pass.runs.step;
  if ((pass.before.pauseConditions?.length ?? 0) > 0 || pass.before.abort === true) return current;
  // A person may have moved on from one analysis step to the next: the next pass starts that one's run.
  const isOfEarlierStep =
    current !== undefined && current.metadata.labels?.["step-index"] !== String(index ?? "");
  const asks = (step?.analysis?.templates?.length ?? 0) > 0;
  if (!asks || step?.analysis === undefined || index === undefined || isOfEarlierStep)
    return drop(pass, current);
  return follow(pass, "step", current, step.analysis, String(index), { "step-index": String(index) });
}

function backgroundRun(pass: Pass): AnalysisRun | undefined {
  const analysis = pass.rollout.spec.strategy?.canary?.analysis;
  const current = pass.runs.background;
  if ((analysis?.templates?.length ?? 0) === 0 || analysis === undefined) return drop(pass, current);
  const { stableRS, currentPodHash } = pass.before;
  const { index } = currentStep(pass);
  const early = analysis.startingStep !== undefined && index !== undefined && index < analysis.startingStep;
  if (stableRS === currentPodHash || currentPodHash === undefined || early) return undefined;
  return followUnlessInconclusive(pass, "background", current, analysis, undefined);
}

function prePromotionRun(pass: Pass): AnalysisRun | undefined {
  const analysis = pass.rollout.spec.strategy?.blueGreen?.prePromotionAnalysis;
  const current = pass.runs.prePromotion;
  if ((analysis?.templates?.length ?? 0) === 0 || analysis === undefined) return drop(pass, current);
  if (skipsPrePromotion(pass, current)) {
    drop(pass, current);
    return current;
  }
  return followUnlessInconclusive(pass, "prePromotion", current, analysis, "pre");
}

/** The version is active or stable already, or there is no preview yet that could be asked about. */
function skipsPrePromotion(pass: Pass, current: AnalysisRun | undefined): boolean {
  const hash = hashOf(pass.newRS);
  const active = pass.before.blueGreen?.activeSelector ?? "";
  if (pass.before.stableRS === hash || active === "" || active === hash || hash === "") return true;
  if (current !== undefined) return false;
  const count = pass.rollout.spec.strategy?.blueGreen?.previewReplicaCount;
  return count === undefined
    ? !isSaturated(pass, pass.newRS)
    : sizeOf(pass.newRS) !== count || availableOf(pass.newRS) !== count;
}

function postPromotionRun(pass: Pass): AnalysisRun | undefined {
  const analysis = pass.rollout.spec.strategy?.blueGreen?.postPromotionAnalysis;
  const current = pass.runs.postPromotion;
  if ((analysis?.templates?.length ?? 0) === 0 || analysis === undefined) return drop(pass, current);
  if (skipsPostPromotion(pass, current)) {
    drop(pass, current);
    return current;
  }
  return followUnlessInconclusive(pass, "postPromotion", current, analysis, "post");
}

/** The version is stable already, or has not taken over yet. A run that began goes on when pods come and go. */
export function skipsPostPromotion(pass: Pass, current: AnalysisRun | undefined): boolean {
  const hash = hashOf(pass.newRS);
  if (pass.before.stableRS === hash || pass.before.blueGreen?.activeSelector !== hash || hash === "")
    return true;
  return current === undefined && !isSaturated(pass, pass.newRS);
}

/** While a person is asked about an inconclusive run, its Rollout waits for the answer. */
function followUnlessInconclusive(
  pass: Pass,
  role: RunRole,
  current: AnalysisRun | undefined,
  analysis: RolloutAnalysis,
  infix: string | undefined,
): AnalysisRun | undefined {
  if (pauseCondition(pass, "InconclusiveAnalysisRun") !== undefined) return current;
  return follow(pass, role, current, analysis, infix, {});
}

/** The preview has the size it is to have, all available. */
export function isPreviewReady(pass: Pass): boolean {
  const wanted = previewSize(pass);
  return (
    pass.newRS !== undefined &&
    pass.newRS.spec.replicas === wanted &&
    (pass.newRS.status?.availableReplicas ?? 0) === wanted
  );
}

/** Pods of a new version before it takes over. */
export function previewSize(pass: Pass): number {
  const { rollout, before, newRS, replicas } = pass;
  const count = rollout.spec.strategy?.blueGreen?.previewReplicaCount;
  if (count === undefined) return replicas;
  const active = allReplicaSets(pass).find((rs) => hashOf(rs) === before.blueGreen?.activeSelector);
  if (active === undefined || active.metadata.name === newRS?.metadata.name || before.promoteFull === true)
    return replicas;
  if (before.currentPodHash !== hashOf(newRS)) return count;
  const isPaused = rollout.spec.paused === true || (before.pauseConditions?.length ?? 0) > 0;
  return before.blueGreen?.scaleUpPreviewCheckPoint === true && !isPaused ? replicas : count;
}

function follow(
  pass: Pass,
  role: RunRole,
  current: AnalysisRun | undefined,
  analysis: RolloutAnalysis,
  infix: string | undefined,
  labels: Record<string, string>,
): AnalysisRun | undefined {
  if (needsNewRun(pass, current)) return createRun(pass, role, analysis, infix, labels);
  if (pass.rollout.spec.strategy?.canary !== undefined) heed(pass, role, current);
  return current;
}

/** A run that cannot tell makes the update wait for a person, one that ended badly ends it. */
function heed(pass: Pass, role: RunRole, run: AnalysisRun | undefined): void {
  const { phase, message = "" } = run?.status ?? {};
  if (phase === "Inconclusive") pass.pause.add.add("InconclusiveAnalysisRun");
  if (phase === "Failed" || phase === "Error")
    addAbort(pass, message === "" ? roles[role].failure : `${roles[role].failure}: ${message}`);
}

/** After a person resumed from an inconclusive run, or retried after an abort, it is asked anew. */
function needsNewRun(pass: Pass, current: AnalysisRun | undefined): boolean {
  if (current === undefined) return true;
  if (
    pass.before.controllerPause === true &&
    pauseCondition(pass, "BlueGreenPause") === undefined &&
    pauseCondition(pass, "CanaryPauseStep") === undefined
  )
    return current.status?.phase === "Inconclusive";
  return pass.before.abortedAt !== undefined;
}

function terminate(pass: Pass, runs: readonly AnalysisRun[]): void {
  for (const run of runs)
    if (
      !isDone(run) &&
      run.spec.terminate !== true &&
      !pass.actions.some(
        (action) => action.do === "terminateAnalysisRun" && action.name === run.metadata.name,
      )
    )
      pass.actions.push({ do: "terminateAnalysisRun", name: run.metadata.name });
}

function announceChanges(pass: Pass, runs: CurrentRuns): void {
  for (const [role, mirror] of mirrors(pass.before)) {
    const run = runs[role];
    const phase = run?.status?.phase ?? "";
    if (
      run === undefined ||
      phase === "" ||
      (mirror !== undefined && (mirror.name !== run.metadata.name || mirror.status === phase))
    )
      continue;
    const announce = phase === "Failed" || phase === "Error" ? warning : normal;
    announce(
      pass,
      `AnalysisRun${phase}`,
      `${roles[role].title} Analysis Run '${run.metadata.name}' Status New: '${phase}' Previous: '${mirror?.status ?? "NoPreviousStatus"}'`,
    );
  }
}

/** Old runs: the newest five that ended well and the newest five that did not are kept, while their ReplicaSet lives. */
function prune(pass: Pass, runs: readonly AnalysisRun[]): void {
  const { successfulRunHistoryLimit = 5, unsuccessfulRunHistoryLimit = 5 } = pass.rollout.spec.analysis ?? {};
  const hashes = new Set(
    allReplicaSets(pass)
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(hashOf),
  );
  const left = { good: successfulRunHistoryLimit, bad: unsuccessfulRunHistoryLimit };
  // Several of one second: as upstream, by their names backwards.
  const newestFirst = runs.toSorted(
    (a, b) =>
      (b.metadata.creationTimestamp ?? "").localeCompare(a.metadata.creationTimestamp ?? "") ||
      (b.metadata.name > a.metadata.name ? 1 : -1),
  );
  for (const run of newestFirst) {
    if (run.metadata.deletionTimestamp !== undefined) continue;
    const orphan = !hashes.has(run.metadata.labels?.[hashLabel] ?? "");
    const kind = run.status?.phase === "Successful" ? "good" : "bad";
    if (orphan || (isDone(run) && left[kind]-- <= 0))
      pass.actions.push({ do: "deleteAnalysisRun", name: run.metadata.name });
  }
}

/** A run as the Rollout's status shows it. */
export function mirrorOf(run: AnalysisRun | undefined): RunStatusMirror | undefined {
  if (run === undefined) return undefined;
  const { phase = "", message } = run.status ?? {};
  return {
    name: run.metadata.name,
    status: phase,
    ...(message === undefined || message === "" ? {} : { message }),
  };
}
