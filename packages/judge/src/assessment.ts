import type { MeasurementPhase } from "./condition.ts";

/** Phases of metrics and runs. */
export type Phase = "Pending" | "Running" | MeasurementPhase;

export const isCompleted = (phase: string | undefined): boolean =>
  phase === "Successful" || phase === "Failed" || phase === "Error" || phase === "Inconclusive";

/** The tally of a metric. Absent counters are zero. */
export interface Counters {
  readonly count?: number;
  readonly successful?: number;
  readonly failed?: number;
  readonly inconclusive?: number;
  readonly error?: number;
  readonly consecutiveError?: number;
  readonly consecutiveSuccess?: number;
}

/** What a metric allows itself. */
export interface Limits {
  /** Measurements after which the metric is done; absent: unlimited. */
  readonly count?: number;
  /** -1 disables. */
  readonly failureLimit: number;
  readonly inconclusiveLimit: number;
  readonly consecutiveErrorLimit: number;
  /** 0: off. */
  readonly consecutiveSuccessLimit: number;
}

/** The tally after one more finished measurement. Errors do not count as measurements. */
export function tally(counters: Counters, phase: MeasurementPhase): Counters {
  const plus = (value: number | undefined): number => (value ?? 0) + 1;
  const { consecutiveError: _error, consecutiveSuccess: _success, ...rest } = counters;
  switch (phase) {
    case "Successful":
      return {
        ...rest,
        successful: plus(rest.successful),
        count: plus(rest.count),
        consecutiveSuccess: plus(counters.consecutiveSuccess),
      };
    case "Failed":
      return { ...rest, failed: plus(rest.failed), count: plus(rest.count) };
    case "Inconclusive":
      return { ...rest, inconclusive: plus(rest.inconclusive), count: plus(rest.count) };
    case "Error":
      return { ...rest, error: plus(rest.error), consecutiveError: plus(counters.consecutiveError) };
  }
}

/** A limit that was passed, and the words for it. */
export interface LimitPassed {
  readonly phase: "Failed" | "Inconclusive" | "Error";
  readonly reason: string;
}

/** The limit that decides: of several passed, errors over inconclusive over failures. */
export function limitPassed(counters: Counters, limits: Limits): LimitPassed | undefined {
  const { failed = 0, inconclusive = 0, consecutiveError = 0 } = counters;
  if (consecutiveError > limits.consecutiveErrorLimit)
    return {
      phase: "Error",
      reason: `consecutiveErrors (${consecutiveError}) > consecutiveErrorLimit (${limits.consecutiveErrorLimit})`,
    };
  if (inconclusive > limits.inconclusiveLimit)
    return {
      phase: "Inconclusive",
      reason: `inconclusive (${inconclusive}) > inconclusiveLimit (${limits.inconclusiveLimit})`,
    };
  if (limits.failureLimit >= 0 && failed > limits.failureLimit)
    return { phase: "Failed", reason: `failed (${failed}) > failureLimit (${limits.failureLimit})` };
  return undefined;
}

export interface MetricState {
  /** As stored; a completed one never changes. */
  readonly phase?: Phase;
  readonly counters: Counters;
  readonly measured: boolean;
  /** The last measurement has not finished (a Job runs). */
  readonly inFlight: boolean;
}

/** The phase of one metric from its tally. */
export function assessMetric(state: MetricState, limits: Limits, terminating: boolean): Phase {
  if (state.phase !== undefined && isCompleted(state.phase)) return state.phase;
  if (!state.measured) return terminating ? "Successful" : "Pending";
  if (state.inFlight) return "Running";
  const passed = limitPassed(state.counters, limits);
  if (passed !== undefined) return passed.phase;
  const { count = 0, consecutiveSuccess = 0 } = state.counters;
  const wanted = limits.consecutiveSuccessLimit;
  if (wanted > 0 && consecutiveSuccess >= wanted) return "Successful";
  if (limits.count !== undefined && count >= limits.count) {
    // The run of successes that was asked for never came.
    if (wanted > 0) return limits.failureLimit >= 0 ? "Inconclusive" : "Failed";
    return "Successful";
  }
  return terminating ? "Successful" : "Running";
}

const severity: Record<Phase, number> = {
  Successful: 0,
  Running: 1,
  Pending: 2,
  Inconclusive: 3,
  Error: 4,
  Failed: 5,
};

/** Whether `a` is worse than `b`. */
export const isWorse = (a: Phase, b: Phase): boolean => severity[a] > severity[b];
