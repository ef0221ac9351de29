import { formatTime, type ReplicaSet } from "@tracegate/kube";
import { revisionOf } from "./pass.ts";
import { sameTemplate } from "./pod-template-hash.ts";
import { hashLabel, type Rollout, type RolloutStatus } from "./types.ts";

/**
 * What a person's command on a Rollout writes: merge patches of the object and of its `status` subresource, and the
 * line that the kubectl plugin prints.
 */
export interface CommandPatches {
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
  readonly output: string;
}

export const abortRollout = ({ metadata }: Rollout): CommandPatches => ({
  status: { abort: true },
  output: `rollout '${metadata.name}' aborted`,
});

export const retryRollout = ({ metadata }: Rollout): CommandPatches => ({
  status: { abort: false },
  output: `rollout '${metadata.name}' retried`,
});

export const pauseRollout = ({ metadata }: Rollout): CommandPatches => ({
  spec: { paused: true },
  output: `rollout '${metadata.name}' paused`,
});

/** Restarts the pods now, or `inMs` from now (`inText` is that duration as the person wrote it). */
export const restartRollout = (
  { metadata }: Rollout,
  now: number,
  inMs = 0,
  inText = "0s",
): CommandPatches => ({
  spec: { restartAt: formatTime(now + inMs) },
  output: `rollout '${metadata.name}' restarts in ${inText}`,
});

/** Ends what is waited for: a pause, an inconclusive analysis, else the running step; `full` skips all that is left. */
export function promoteRollout({ metadata, spec, status = {} }: Rollout, full = false): CommandPatches {
  const unpaused = spec.paused === true ? { spec: { paused: false } } : {};
  if (full) {
    const behind = status.currentPodHash !== status.stableRS;
    return {
      ...unpaused,
      ...(behind ? { status: { promoteFull: true } } : {}),
      output: `rollout '${metadata.name}' fully promoted`,
    };
  }
  const patch = promotion(spec, status);
  return {
    ...unpaused,
    ...(patch === undefined ? {} : { status: patch }),
    output: `rollout '${metadata.name}' promoted`,
  };
}

function promotion(spec: Rollout["spec"], status: RolloutStatus): Record<string, unknown> | undefined {
  const count = spec.strategy?.canary?.steps?.length ?? 0;
  const next = Math.min((status.currentStepIndex ?? 0) + 1, count);
  const inconclusive = status.canary?.currentStepAnalysisRunStatus?.status === "Inconclusive";
  if ((status.pauseConditions?.length ?? 0) > 0)
    return inconclusive && status.controllerPause === true && count > 0
      ? { pauseConditions: null, controllerPause: false, currentStepIndex: next }
      : { pauseConditions: null };
  if (spec.strategy?.canary === undefined || count === 0) return undefined;
  return { pauseConditions: null, currentStepIndex: next };
}

/** Puts the template of an earlier revision back (0: the one before the current). Throws where there is none. */
export function undoRollout(rollout: Rollout, sets: readonly ReplicaSet[], toRevision = 0): CommandPatches {
  const { name } = rollout.metadata;
  const byRevision = sets.toSorted((a, b) => revisionOf(b) - revisionOf(a));
  const target = toRevision > 0 ? byRevision.find((rs) => revisionOf(rs) === toRevision) : byRevision[1];
  if (target === undefined)
    throw new Error(
      toRevision > 0
        ? `unable to find specified revision ${toRevision} in history`
        : `no revision found for rollout "${name}"`,
    );
  const { [hashLabel]: _, ...labels } = target.spec.template.metadata?.labels ?? {};
  const template = { ...target.spec.template, metadata: { ...target.spec.template.metadata, labels } };
  if (rollout.spec.template !== undefined && sameTemplate(template, rollout.spec.template, hashLabel))
    return { output: `skipped rollback (current template already matches revision ${revisionOf(target)})` };
  return { spec: { template }, output: `rollout '${name}' undo` };
}
