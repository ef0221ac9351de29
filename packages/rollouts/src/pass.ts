import type { AnalysisRun } from "@tracegate/analysis";
import type { ReplicaSet, Service } from "@tracegate/kube";
import { formatTime } from "@tracegate/kube";
import type { RolloutAction, RolloutEvent, RolloutSnapshot } from "./snapshot.ts";
import {
  type CanaryStep,
  desiredReplicasAnnotation,
  hashLabel,
  type PauseCondition,
  type PauseReason,
  type Rollout,
  type RolloutStatus,
  revisionAnnotation,
  scaleDownDeadlineAnnotation,
} from "./types.ts";

/**
 * The working state of one pass over a Rollout: what was read, what has been decided so far. Later decisions of the pass
 * see earlier ones (a scaled ReplicaSet has its new size), as if the actions had been carried out.
 */
export interface Pass {
  readonly snapshot: RolloutSnapshot;
  readonly rollout: Rollout;
  /** As stored before the pass. */
  readonly before: RolloutStatus;
  readonly now: number;
  readonly replicas: number;
  newRS: ReplicaSet | undefined;
  stableRS: ReplicaSet | undefined;
  otherRSs: ReplicaSet[];
  services: Map<string, Service>;
  readonly actions: RolloutAction[];
  readonly events: RolloutEvent[];
  requeueAfterMs: number | undefined;
  /** When to look whether progress took too long, in milliseconds from now; counts only when the pass changes nothing. */
  deadlineLookMs: number | undefined;
  readonly pause: PauseWork;
  /** The template goes back to a version that needs no new proof: steps, pauses and analyses are passed over. */
  readonly fastRollback: boolean;
  runs: CurrentRuns;
  otherRuns: AnalysisRun[];
  /** Why the pass cannot go on. What was decided before is carried out, and the pass is tried again. */
  failure: string | undefined;
  /** Set by a restart that is done, or by a reset. */
  restartedAt: string | undefined;
}

export interface CurrentRuns {
  step?: AnalysisRun;
  background?: AnalysisRun;
  prePromotion?: AnalysisRun;
  postPromotion?: AnalysisRun;
}

/** What this pass does to pauses and aborts; put into the status at its end. */
export interface PauseWork {
  readonly add: Set<PauseReason>;
  readonly remove: Set<PauseReason>;
  clear: boolean;
  abortMessage: string | undefined;
  addAbort: boolean;
  removeAbort: boolean;
}

export const allReplicaSets = (pass: Pass): ReplicaSet[] => {
  const all = [...pass.otherRSs];
  for (const rs of [pass.stableRS, pass.newRS])
    if (rs !== undefined && !all.some(({ metadata }) => metadata.name === rs.metadata.name)) all.push(rs);
  return all;
};

export const hashOf = (rs: ReplicaSet | undefined): string => rs?.metadata.labels?.[hashLabel] ?? "";
export const sizeOf = (rs: ReplicaSet | undefined): number =>
  rs === undefined ? 0 : (rs.spec.replicas ?? 1);
export const availableOf = (rs: ReplicaSet | undefined): number => rs?.status?.availableReplicas ?? 0;
export const revisionOf = ({ metadata }: { metadata: { annotations?: Record<string, string> } }): number =>
  Number(metadata.annotations?.[revisionAnnotation] ?? 0);
export const sum = (sets: readonly ReplicaSet[], of: (rs: ReplicaSet) => number): number =>
  sets.reduce((total, rs) => total + of(rs), 0);

/** Replaces a ReplicaSet in the working state. */
export function remember(pass: Pass, rs: ReplicaSet): void {
  const is = (other: ReplicaSet | undefined): boolean => other?.metadata.name === rs.metadata.name;
  if (is(pass.newRS)) pass.newRS = rs;
  if (is(pass.stableRS)) pass.stableRS = rs;
  pass.otherRSs = pass.otherRSs.map((other) => (is(other) ? rs : other));
}

/** Changes a ReplicaSet's annotations and size; nothing when it is so already. `null` removes an annotation. */
export function changeReplicaSet(
  pass: Pass,
  rs: ReplicaSet,
  change: {
    readonly replicas?: number;
    readonly annotations?: Readonly<Record<string, string | null>>;
    readonly minReadySeconds?: number;
  },
): ReplicaSet {
  const annotations = Object.fromEntries(
    Object.entries(change.annotations ?? {}).filter(
      ([key, value]) => (rs.metadata.annotations?.[key] ?? null) !== value,
    ),
  );
  const resized = change.replicas !== undefined && change.replicas !== sizeOf(rs);
  const readiness =
    change.minReadySeconds !== undefined && change.minReadySeconds !== (rs.spec.minReadySeconds ?? 0);
  if (!resized && !readiness && Object.keys(annotations).length === 0) return rs;
  const spec = {
    ...(resized ? { replicas: change.replicas } : {}),
    ...(readiness ? { minReadySeconds: change.minReadySeconds } : {}),
  };
  const { resourceVersion } = rs.metadata;
  patchReplicaSet(
    pass,
    rs.metadata.name,
    {
      ...(Object.keys(annotations).length > 0 ? { metadata: { annotations } } : {}),
      ...(Object.keys(spec).length > 0 ? { spec } : {}),
    },
    resourceVersion,
  );
  const kept = Object.fromEntries(
    Object.entries({ ...rs.metadata.annotations, ...annotations }).filter(
      (entry): entry is [string, string] => entry[1] !== null,
    ),
  );
  const changed: ReplicaSet = {
    ...rs,
    metadata: { ...rs.metadata, annotations: kept },
    spec: {
      ...rs.spec,
      ...(resized ? { replicas: change.replicas } : {}),
      ...(readiness ? { minReadySeconds: change.minReadySeconds } : {}),
    } as ReplicaSet["spec"], // only set where defined
  };
  remember(pass, changed);
  return changed;
}

/** Several changes of one ReplicaSet in a pass become one patch, checked against the version that was read. */
function patchReplicaSet(
  pass: Pass,
  name: string,
  body: Record<string, unknown>,
  resourceVersion: string | undefined,
): void {
  pass.actions.push({
    do: "patchReplicaSet",
    name,
    body,
    ...(resourceVersion === undefined ||
    pass.actions.some((action) => action.do === "patchReplicaSet" && action.name === name)
      ? {}
      : { resourceVersion }),
  });
}

/** Scales a ReplicaSet; true when its size changed. */
export function scale(pass: Pass, rs: ReplicaSet, replicas: number): boolean {
  const from = sizeOf(rs);
  const desired = String(pass.replicas);
  if (from === replicas && rs.metadata.annotations?.[desiredReplicasAnnotation] === desired) return false;
  const drained = replicas === 0 && !keepsOnAbort(pass);
  changeReplicaSet(pass, rs, {
    replicas,
    annotations: {
      [desiredReplicasAnnotation]: desired,
      ...(drained ? { [scaleDownDeadlineAnnotation]: null } : {}),
    },
  });
  if (from === replicas) return false;
  normal(
    pass,
    "ScalingReplicaSet",
    `Scaled ${replicas > from ? "up" : "down"} ReplicaSet ${rs.metadata.name} (revision ${revisionOf(rs)}) from ${from} to ${replicas}`,
  );
  return true;
}

export function normal(pass: Pass, reason: string, message: string): void {
  pass.events.push({ type: "Normal", reason, message });
}
export function warning(pass: Pass, reason: string, message: string): void {
  pass.events.push({ type: "Warning", reason, message });
}

/** Asks to be called again in `ms` at the latest. */
export function wakeIn(pass: Pass, ms: number): void {
  pass.requeueAfterMs = Math.min(pass.requeueAfterMs ?? Number.POSITIVE_INFINITY, Math.max(0, ms));
}

export const time = (pass: Pass): string => formatTime(pass.now);
export const isAborted = ({ pause, before }: Pass): boolean =>
  !pause.removeAbort && (before.abort === true || pause.addAbort);

export function addAbort(pass: Pass, message: string): void {
  pass.pause.addAbort = true;
  pass.pause.abortMessage = message;
}

export const pauseCondition = ({ before }: Pass, reason: PauseReason): PauseCondition | undefined =>
  before.pauseConditions?.find((condition) => condition.reason === reason);

/** Whether scaling and switching wait for a person. */
export const isHalted = (pass: Pass): boolean =>
  pass.rollout.spec.paused === true || pauseCondition(pass, "InconclusiveAnalysisRun") !== undefined;

export const canarySteps = ({ spec }: Rollout): readonly CanaryStep[] => spec.strategy?.canary?.steps ?? [];

/** The step that the Rollout stands at; none when all are done or there are none. */
export function currentStep({ rollout, before }: Pick<Pass, "rollout" | "before">): {
  readonly step?: CanaryStep;
  readonly index?: number;
} {
  const steps = canarySteps(rollout);
  if (steps.length === 0) return {};
  const index = before.currentStepIndex ?? 0;
  const step = steps[index];
  return step === undefined ? { index } : { step, index };
}

/** After an abort the new ReplicaSet may be kept for a while: seconds, "forever", or not at all (undefined). */
export function abortDelay(rollout: Rollout): number | "forever" | undefined {
  const { blueGreen, canary } = rollout.spec.strategy ?? {};
  if (blueGreen !== undefined)
    return blueGreen.abortScaleDownDelaySeconds === 0
      ? "forever"
      : (blueGreen.abortScaleDownDelaySeconds ?? 30);
  if (canary?.trafficRouting === undefined) return undefined;
  return canary.abortScaleDownDelaySeconds === 0 ? "forever" : (canary.abortScaleDownDelaySeconds ?? 30);
}

export const keepsOnAbort = (pass: Pass): boolean =>
  isAborted(pass) && pass.stableRS !== undefined && typeof abortDelay(pass.rollout) === "number";
