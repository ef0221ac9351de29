import type { Json, State } from "./rollout-history.ts";

/** What one aspect of an object went through: every value that differs from the one before, and since when it held. */
export type Course = readonly { readonly t: number; readonly value: string }[];

/**
 * The courses of an object by aspect. An aspect holds what is decided together; counts of pods are in none of them, for
 * which of several pods is ready first is nobody's decision.
 */
export function courses(key: string, states: readonly State[]): ReadonlyMap<string, Course> {
  const all = new Map<string, { t: number; value: string }[]>();
  for (const { t, state } of states)
    for (const [aspect, value] of Object.entries(aspectsOf(key.split("/")[0] ?? "", state))) {
      const course = all.get(aspect) ?? [];
      const text = JSON.stringify(value) ?? "nothing";
      if (course.at(-1)?.value !== text) course.push({ t, value: text });
      all.set(aspect, course);
    }
  return all;
}

/**
 * Aspects that tell of pods. What they say while a pod gets ready depends on which of the moments before was looked at,
 * which is chance: the recorded controller's passes take from 5 to 100 ms. What held for longer than a pod takes must have
 * come on the other side, in the same order.
 */
const ofPods: ReadonlySet<string> = new Set([
  "phase and message",
  "condition Available",
  "condition Healthy",
  "condition Paused",
  "condition Progressing",
]);

/** A state that held at least this long was no transition: pods take 200 ms to get ready. */
export const settledMs = 240;

/** Whether two courses tell the same: value by value, however short they held; of pods, what settled. */
export function isSameCourse(aspect: string, one: Course, other: Course): boolean {
  if (ofPods.has(aspect)) return isWithin(settled(one), other) && isWithin(settled(other), one);
  return one.length === other.length && one.every(({ value }, i) => value === other[i]?.value);
}

const settled = (course: Course): Course =>
  course.filter(({ t }, i) => (course[i + 1]?.t ?? Number.POSITIVE_INFINITY) - t >= settledMs);

function isWithin(wanted: Course, among: Course): boolean {
  let at = 0;
  return wanted.every(({ value }) => {
    at = among.findIndex((entry, i) => i >= at && entry.value === value);
    return at >= 0;
  });
}

export const courseText = (course: Course): string => course.map(({ t, value }) => `${t} ms: ${value}`).join("\n");

function aspectsOf(kind: string, state: Json): Json {
  switch (kind) {
    case "Rollout":
      return rolloutAspects(state);
    case "ReplicaSet": {
      const { size, annotations, labels, templateLabels } = state;
      return { size, annotations, labels: { labels, templateLabels } };
    }
    case "AnalysisRun": {
      const { metrics, phase, ...rest } = state;
      const { startedAt: _, completedAt: __, ...run } = rest;
      // It may be seen before its first pass, or after.
      return { run: { ...run, phase: phase ?? "Running" }, metrics: metrics ?? {} };
    }
    default:
      return { all: state };
  }
}

interface RolloutState {
  readonly conditions?: Readonly<Record<string, string>>;
  readonly pauses?: readonly { readonly reason: string }[];
  readonly blueGreen?: Json;
  readonly canary?: Json;
  readonly phase?: string;
  readonly message?: string;
}

function rolloutAspects(state: Json): Json {
  const { conditions = {}, pauses = [], blueGreen, canary, phase, message } = state as RolloutState; // what `project` made
  const { currentStepIndex, stableRS, currentPodHash, promoteFull, controllerPause, abort, abortedAt, stepHash } = state;
  const { activeSelector, previewSelector, scaleUpPreviewCheckPoint } = blueGreen ?? {};
  const told = (type: string): string | undefined => conditions[type];
  return {
    standing: {
      ...{ currentStepIndex, stableRS, currentPodHash, stepHash, promoteFull, controllerPause, abort, abortedAt },
      pauses: pauses.map(({ reason }) => reason),
    },
    selectors: { activeSelector, previewSelector, scaleUpPreviewCheckPoint, selector: state["selector"] },
    "revision and restart": { revision: state["revision"], restartedAt: state["restartedAt"] },
    observed: state["observed"],
    "step's run": mirrored(canary?.["currentStepAnalysisRunStatus"]),
    "background run": mirrored(canary?.["currentBackgroundAnalysisRunStatus"]),
    "run before the switch": mirrored(blueGreen?.["prePromotionAnalysisRunStatus"]),
    "run after the switch": mirrored(blueGreen?.["postPromotionAnalysisRunStatus"]),
    "phase and message": { phase, message: phase === "Progressing" && tellsOfPods.has(message ?? "") ? "of pods" : message },
    "condition Available": told("Available"),
    "condition Healthy": told("Healthy"),
    "condition Paused": told("Paused"),
    "condition Progressing": told("Progressing"),
    "condition Completed": told("Completed"),
    "condition InvalidSpec": told("InvalidSpec"),
    "condition ReplicaFailure": told("ReplicaFailure"),
  };
}

/** Messages that say which pods are still waited for. */
const tellsOfPods: ReadonlySet<string> = new Set([
  "more replicas need to be updated",
  "updated replicas are still becoming available",
  "old replicas are pending termination",
  "waiting for all steps to complete",
  "active service cutover pending",
]);

/** A run as the Rollout shows it. Whether it had begun when the Rollout looked for the first time is chance. */
function mirrored(mirror: unknown): unknown {
  if (mirror === undefined) return undefined;
  const { status, ...rest } = mirror as { status?: string }; // as the status has it
  return { ...rest, status: status === "Running" ? undefined : status };
}
