import type { AnalysisRun } from "@tracegate/analysis";
import { isSaturated } from "./conditions.ts";
import { createRun, isDone, type RunRole, roles } from "./new-analysis-run.ts";
import {
  addAbort,
  allReplicaSets,
  type CurrentRuns,
  currentStep,
  hashOf,
  isAborted,
  normal,
  type Pass,
  pauseCondition,
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
  ["step", canary?.currentStepAnalysisRunStatus],
  ["background", canary?.currentBackgroundAnalysisRunStatus],
  ["prePromotion", blueGreen?.prePromotionAnalysisRunStatus],
  ["postPromotion", blueGreen?.postPromotionAnalysisRunStatus],
];

/** Starts, follows and ends AnalysisRuns; their outcome pauses or aborts the update. */
export function reconcileAnalysisRuns(pass: Pass): void {
  const { before } = pass;
  if (
    isAborted(pass) ||
    before.promoteFull === true ||
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
    keep("background", backgroundRun(pass));
  } else {
    keep("prePromotion", prePromotionRun(pass));
    keep("postPromotion", postPromotionRun(pass));
  }
  pass.runs = runs;
  const current = new Set(Object.values(runs).map(({ metadata }) => metadata.name));
  const others = pass.otherRuns.filter(({ metadata }) => !current.has(metadata.name));
  terminate(pass, others);
  announceChanges(pass, runs);
  prune(pass, others);
}

function stepRun(pass: Pass): AnalysisRun | undefined {
  const { step, index } = currentStep(pass);
  const current = pass.runs.step;
  if (
    step?.analysis === undefined ||
    index === undefined ||
    ((pass.before.pauseConditions?.length ?? 0) > 0 && current === undefined)
  ) {
    terminate(pass, current === undefined ? [] : [current]);
    return undefined;
  }
  return follow(pass, "step", current, step.analysis, String(index), { "step-index": String(index) });
}

function backgroundRun(pass: Pass): AnalysisRun | undefined {
  const analysis = pass.rollout.spec.strategy?.canary?.analysis;
  const current = pass.runs.background;
  if (analysis === undefined) {
    terminate(pass, current === undefined ? [] : [current]);
    return undefined;
  }
  const { stableRS, currentPodHash } = pass.before;
  const { index } = currentStep(pass);
  const early = analysis.startingStep !== undefined && (index ?? 0) < analysis.startingStep;
  if (stableRS === currentPodHash || currentPodHash === undefined || early) return undefined;
  return follow(pass, "background", current, analysis, undefined, {});
}

function prePromotionRun(pass: Pass): AnalysisRun | undefined {
  const analysis = pass.rollout.spec.strategy?.blueGreen?.prePromotionAnalysis;
  const current = pass.runs.prePromotion;
  if (analysis === undefined) {
    terminate(pass, current === undefined ? [] : [current]);
    return undefined;
  }
  const active = pass.before.blueGreen?.activeSelector;
  const hash = hashOf(pass.newRS);
  if (
    active === undefined ||
    active === "" ||
    active === hash ||
    pass.before.stableRS === hash ||
    pass.before.currentPodHash !== hash
  ) {
    terminate(pass, current === undefined ? [] : [current]);
    return current;
  }
  if (current === undefined && !isPreviewReady(pass)) return undefined;
  return follow(pass, "prePromotion", current, analysis, "pre", {});
}

function postPromotionRun(pass: Pass): AnalysisRun | undefined {
  const { blueGreen } = pass.rollout.spec.strategy ?? {};
  const analysis = blueGreen?.postPromotionAnalysis;
  const current = pass.runs.postPromotion;
  if (analysis === undefined) {
    terminate(pass, current === undefined ? [] : [current]);
    return undefined;
  }
  const hash = hashOf(pass.newRS);
  if (pass.before.stableRS === hash) {
    terminate(pass, current === undefined ? [] : [current]);
    return current;
  }
  const active = pass.services.get(blueGreen?.activeService ?? "")?.spec.selector?.[hashLabel];
  if (active !== hash || pass.before.currentPodHash !== hash || !isSaturated(pass, pass.newRS))
    return current;
  return follow(pass, "postPromotion", current, analysis, "post", {});
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
export function previewSize({ rollout, before, newRS, replicas }: Pass): number {
  const count = rollout.spec.strategy?.blueGreen?.previewReplicaCount;
  const active = before.blueGreen?.activeSelector;
  if (count === undefined || active === undefined || active === "" || active === hashOf(newRS))
    return replicas;
  return before.blueGreen?.scaleUpPreviewCheckPoint === true || before.stableRS === hashOf(newRS)
    ? replicas
    : count;
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
  const phase = current?.status?.phase;
  const message = current?.status?.message;
  if (phase === "Inconclusive") pass.pause.add.add("InconclusiveAnalysisRun");
  if (phase === "Failed" || phase === "Error")
    addAbort(
      pass,
      message === undefined || message === "" ? roles[role].failure : `${roles[role].failure}: ${message}`,
    );
  return current;
}

/** After a person resumed from an inconclusive run, or retried after an abort, it is asked anew. */
function needsNewRun(pass: Pass, current: AnalysisRun | undefined): boolean {
  if (current === undefined) return true;
  if (
    pass.before.controllerPause === true &&
    pauseCondition(pass, "BlueGreenPause") === undefined &&
    pauseCondition(pass, "CanaryPauseStep") === undefined
  )
    return (
      current.status?.phase === "Inconclusive" &&
      pauseCondition(pass, "InconclusiveAnalysisRun") === undefined
    );
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
  const newestFirst = runs.toSorted((a, b) =>
    (b.metadata.creationTimestamp ?? "").localeCompare(a.metadata.creationTimestamp ?? ""),
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
