import type { Rollout } from "./types.ts";

/** A merge patch that a person's command makes on a Rollout. */
export interface SteeringPatch {
  readonly body: Readonly<Record<string, unknown>>;
  readonly subresource?: "status";
}

const onStatus = (status: Readonly<Record<string, unknown>>): SteeringPatch => ({
  body: { status },
  subresource: "status",
});

/** Back to the stable version. */
export const abortPatches = (): readonly SteeringPatch[] => [onStatus({ abort: true })];

/** An aborted release starts again from its first step. */
export const retryPatches = (): readonly SteeringPatch[] => [onStatus({ abort: false })];

/**
 * `promote`: takes a pause away, or steps over the current step where there is none to take away (whatever it is: a
 * weight, an analysis). `full` skips all that is left. The rules are those of the kubectl plugin.
 */
export function promotePatches(
  { spec, status }: Rollout,
  { full = false }: { full?: boolean } = {},
): readonly SteeringPatch[] {
  const patches: SteeringPatch[] = spec.paused === true ? [{ body: { spec: { paused: false } } }] : [];
  if (full) {
    if (status?.currentPodHash !== status?.stableRS) patches.push(onStatus({ promoteFull: true }));
    return patches;
  }
  const steps = spec.strategy?.canary?.steps ?? [];
  const index = status?.currentStepIndex ?? 0;
  const next = index < steps.length ? { currentStepIndex: index + 1 } : {};
  const inconclusive =
    status?.controllerPause === true &&
    status.canary?.currentStepAnalysisRunStatus?.status === "Inconclusive" &&
    (status.pauseConditions?.length ?? 0) > 0;
  if (inconclusive) patches.push(onStatus({ pauseConditions: null, controllerPause: false, ...next }));
  else if ((status?.pauseConditions?.length ?? 0) > 0) patches.push(onStatus({ pauseConditions: null }));
  else if (spec.strategy?.canary !== undefined) patches.push(onStatus({ pauseConditions: null, ...next }));
  return patches;
}
