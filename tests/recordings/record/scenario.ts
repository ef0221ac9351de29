/** What is to be recorded: a scenario without what happened. Files under `rollouts/` of this folder hold lists of these. */
export interface ScenarioInput {
  readonly name: string;
  readonly about: string;
  /** How far into a second it begins; by chance where that is not said. */
  readonly startedAtMs?: number;
  readonly input: {
    readonly objects: readonly Record<string, unknown>[];
    readonly prometheus?: readonly { readonly match: string; readonly values: readonly unknown[] }[];
    readonly actions?: readonly ActionInput[];
  };
}

export interface ActionInput {
  /** Milliseconds after the start, for an action that waits for no state. */
  readonly t?: number;
  /** Milliseconds after the action before. */
  readonly after?: number;
  /** The state that is waited for: see `stateReached`. */
  readonly waited?: string;
  readonly do: string | { readonly patch: Record<string, unknown> };
}

interface RolloutLike {
  readonly metadata: { readonly generation?: number };
  readonly status?: {
    readonly phase?: string;
    readonly observedGeneration?: string;
    readonly currentStepIndex?: number;
  };
}

const phases: Readonly<Record<string, string>> = {
  healthy: "Healthy",
  done: "Healthy",
  paused: "Paused",
  degraded: "Degraded",
  progressing: "Progressing",
};

/** Whether a Rollout is in the state that an action waits for; undefined where the word names no state. */
export function stateReached(waited: string, { metadata, status }: RolloutLike): boolean | undefined {
  const phase = phases[waited];
  if (phase !== undefined)
    return status?.phase === phase && status.observedGeneration === String(metadata.generation);
  const step = /^(?:condition|step (\d+))$/.exec(waited);
  if (step === null) return undefined;
  return (status?.currentStepIndex ?? 0) === Number(step[1] ?? 1);
}

/** The recorder acted this long after it saw the state it waited for. */
export const reactionMs = 250;
/** What is seen this long after the last action is recorded too; then the final view is taken. */
export const settlingMs = 2000;
/** A state that does not come is waited for this long. */
export const longestWaitMs = 45_000;
/** What `waited` says then. */
export const timedOut = "TIMED OUT";
