import {
  assessMetric,
  isCompleted,
  isWorse,
  type Limits,
  limitPassed,
  type MeasurementPhase,
  type Phase,
  tally,
} from "@tracegate/judge";
import { formatTime } from "@tracegate/kube";
import { limitsOf } from "./metric-limits.ts";
import { retentionOf } from "./metric-rules.ts";
import type {
  AnalysisRun,
  AnalysisRunStatus,
  Measurement,
  Metric,
  MetricResult,
  RunSummary,
} from "./types.ts";

/** One metric that is to be looked at now. */
export interface Task {
  readonly metric: Metric;
  readonly action: "run" | "resume" | "terminate";
  /** The measurement under way, for resume and terminate. */
  readonly measurement?: Measurement;
  readonly attempt: number;
}

export interface RunEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

/** What follows for a run: its next status, what to announce, and when to look again (milliseconds since the epoch). */
export interface RunOutcome {
  readonly status: AnalysisRunStatus;
  readonly events: readonly RunEvent[];
  readonly wakeAt?: number;
}

/** Told to stop, or a metric that counts has already failed: no new measurements, and the rest is wound down. */
export function isTerminating(run: AnalysisRun): boolean {
  if (run.spec.terminate === true) return true;
  return (run.status?.metricResults ?? []).some(
    ({ phase, dryRun }) =>
      dryRun !== true && (phase === "Failed" || phase === "Error" || phase === "Inconclusive"),
  );
}

/** The result of a metric that was not measured yet. */
export const newResult = (name: string, dryRun: boolean): MetricResult => ({
  name,
  phase: "Running",
  ...(dryRun ? { dryRun: true } : {}),
});

/** A result with one more measurement, or with its last one taken further. */
export function recorded(
  result: MetricResult,
  task: Task,
  measurement: Measurement,
  metadata: Record<string, string> | undefined,
  now: number,
): MetricResult {
  const done = isCompleted(measurement.phase);
  const finished: Measurement = {
    ...measurement,
    ...(task.action === "terminate" &&
    (measurement.phase === "Successful" || measurement.phase === "Inconclusive")
      ? { message: "Metric Terminated" }
      : {}),
    ...(done && measurement.finishedAt === undefined ? { finishedAt: formatTime(now) } : {}),
  };
  const earlier = result.measurements ?? [];
  const { consecutiveError, consecutiveSuccess, ...rest } = result;
  const counters = done
    ? tally({ ...result }, measurement.phase as MeasurementPhase) // completed phases are exactly these
    : {
        ...(consecutiveError === undefined ? {} : { consecutiveError }),
        ...(consecutiveSuccess === undefined ? {} : { consecutiveSuccess }),
      };
  return {
    ...rest,
    ...counters,
    measurements: [...(task.action === "run" ? earlier : earlier.slice(0, -1)), finished],
    ...(result.metadata === undefined && metadata !== undefined ? { metadata } : {}),
  };
}

const phaseOf = (result: MetricResult, limits: Limits, terminating: boolean): Phase => {
  const last = result.measurements?.at(-1);
  return assessMetric(
    {
      phase: result.phase,
      counters: result,
      measured: last !== undefined,
      inFlight: last !== undefined && last.finishedAt === undefined,
    },
    limits,
    terminating,
  );
};

/** The status that follows from a run's results; `run.status` holds them. */
export function assessRun(
  run: AnalysisRun,
  metrics: readonly Metric[],
  dry: ReadonlySet<string>,
  now: number,
): RunOutcome {
  const before = run.status ?? { phase: "" as const };
  const terminating = isTerminating(run);
  const results = new Map((before.metricResults ?? []).map((result) => [result.name, result]));
  const assessed = metrics.flatMap((metric) => {
    const result = results.get(metric.name);
    return result === undefined ? [] : [assessResult(metric, result, dry.has(metric.name), terminating)];
  });
  for (const { result } of assessed) results.set(result.name, result);
  const trimmed = [...results.values()].map((result) => trim(result, retentionOf(run.spec, result.name)));

  const completed = assessed.filter(({ result }) => isCompleted(result.phase));
  const worst = worstOf(completed, run.spec.terminate === true ? "Run Terminated" : "");
  const isOver = terminating || (completed.length === metrics.length && metrics.length > 0);
  const phase: Phase = isOver ? (worst.phase ?? "Successful") : "Running";
  const changed = phase !== before.phase;
  const message = (changed ? (phase === "Running" ? "" : worst.message) : before.message) ?? "";
  const { message: _old, ...rest } = before;
  const status: AnalysisRunStatus = {
    ...rest,
    phase,
    ...(message === "" ? {} : { message }),
    ...(trimmed.length === 0 ? {} : { metricResults: trimmed }),
    startedAt: before.startedAt ?? formatTime(now),
    ...(isCompleted(phase) ? { completedAt: before.completedAt ?? formatTime(now) } : {}),
    runSummary: { count: metrics.length - dry.size, ...countPhases(completed, false) },
    dryRunSummary: { ...(dry.size === 0 ? {} : { count: dry.size }), ...countPhases(completed, true) },
  };
  const events = assessed.flatMap(({ event }) => event ?? []);
  if (changed && isCompleted(phase)) events.push(completion(phase));
  return { status, events };
}

/** A metric's result with its phase of now. */
interface AssessedResult {
  readonly result: MetricResult;
  readonly dry: boolean;
  /** Why it ended badly, as its run tells it; "" where no limit was passed. */
  readonly reason: string;
  readonly event: RunEvent | undefined;
}

function assessResult(
  metric: Metric,
  result: MetricResult,
  dry: boolean,
  terminating: boolean,
): AssessedResult {
  const limits = limitsOf(metric);
  const phase = phaseOf(result, limits, terminating);
  const told = phase === result.phase ? result.message : result.measurements?.at(-1)?.message;
  const limit = isCompleted(phase) ? limitPassed(result, limits)?.reason : undefined;
  const shown = dry && limit !== undefined ? `Metric assessed ${phase} due to ${limit}` : told;
  const { message: _old, ...rest } = result;
  const error = told === undefined || told === "" ? "" : `: "Error Message: ${told}"`;
  return {
    result: { ...rest, phase, ...(shown === undefined || shown === "" ? {} : { message: shown }) },
    dry,
    reason: limit === undefined ? "" : `Metric "${metric.name}" assessed ${phase} due to ${limit}${error}`,
    event:
      phase !== result.phase && isCompleted(phase)
        ? {
            type: eventType(phase),
            reason: `Metric${phase}`,
            message: `Metric '${metric.name}' Completed. Result: ${phase}`,
          }
        : undefined,
  };
}

/** The worst phase; the first metric to reach it gives the words. What was only tried out counts as successful. */
function worstOf(
  completed: readonly AssessedResult[],
  otherwise: string,
): { readonly phase: Phase | undefined; readonly message: string } {
  let worst: { phase: Phase | undefined; message: string } = { phase: undefined, message: otherwise };
  for (const { result, dry, reason } of completed) {
    const phase = dry ? "Successful" : result.phase;
    if (worst.phase === undefined || isWorse(phase, worst.phase))
      worst = { phase, message: dry || reason === "" ? worst.message : reason };
  }
  return worst;
}

const trim = (result: MetricResult, limit: number): MetricResult =>
  (result.measurements?.length ?? 0) > limit
    ? { ...result, measurements: result.measurements?.slice(-limit) ?? [] }
    : result;

/** How many metrics ended how; phases that none ended in are left out. */
function countPhases(completed: readonly AssessedResult[], dry: boolean): RunSummary {
  const count = (phase: Phase): number =>
    completed.filter((one) => one.dry === dry && one.result.phase === phase).length;
  const counts = {
    successful: count("Successful"),
    failed: count("Failed"),
    inconclusive: count("Inconclusive"),
    error: count("Error"),
  };
  return Object.fromEntries(Object.entries(counts).filter(([, number]) => number > 0));
}

const eventType = (phase: Phase): "Normal" | "Warning" =>
  phase === "Failed" || phase === "Error" ? "Warning" : "Normal";
/** Said when a run ends. */
export const completion = (phase: Phase): RunEvent => ({
  type: eventType(phase),
  reason: `AnalysisRun${phase}`,
  message: `Analysis Completed. Result: ${phase}`,
});
