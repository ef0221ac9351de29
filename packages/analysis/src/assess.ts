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
  const events: RunEvent[] = [];
  const summaries = { run: { count: 0 } as RunSummary, dry: {} as RunSummary };
  let worst: { phase: Phase; message: string } | undefined;
  let message = run.spec.terminate === true ? "Run Terminated" : "";
  let complete = true;
  const results = [...(before.metricResults ?? [])];
  for (const metric of metrics) {
    const isDry = dry.has(metric.name);
    const summary = isDry ? summaries.dry : summaries.run;
    summary.count = (summary.count ?? 0) + 1;
    const at = results.findIndex(({ name }) => name === metric.name);
    const result = results[at];
    if (result === undefined) {
      complete = false;
      continue;
    }
    const limits = limitsOf(metric);
    const phase = phaseOf(result, limits, terminating);
    let next: MetricResult = result;
    if (phase !== result.phase) {
      const { message: _old, ...rest } = result;
      const told = result.measurements?.at(-1)?.message;
      next = { ...rest, phase, ...(told === undefined || told === "" ? {} : { message: told }) };
      if (isCompleted(phase))
        events.push({
          type: eventType(phase),
          reason: `Metric${phase}`,
          message: `Metric '${metric.name}' Completed. Result: ${phase}`,
        });
    }
    if (!isCompleted(phase)) complete = false;
    else {
      const reason = limitPassed(next, limits)?.reason;
      count(summary, phase);
      if (isDry) {
        if (reason !== undefined) next = { ...next, message: `Metric assessed ${phase} due to ${reason}` };
        worst ??= { phase: "Successful", message: "" };
      } else if (worst === undefined || isWorse(phase, worst.phase)) {
        const told =
          next.message === undefined || next.message === "" ? "" : `: "Error Message: ${next.message}"`;
        if (reason !== undefined)
          message = `Metric "${metric.name}" assessed ${phase} due to ${reason}${told}`;
        worst = { phase, message };
      }
    }
    results[at] = next;
  }
  const trimmed = results.map((result) => trim(result, retentionOf(run.spec, result.name)));
  let phase: Phase;
  if (terminating) phase = worst?.phase ?? "Successful";
  else phase = complete && worst !== undefined ? worst.phase : "Running";
  const text = phase === "Running" ? "" : message;
  const changed = phase !== before.phase;
  if (changed && isCompleted(phase)) events.push(completion(phase));
  const { message: old, ...rest } = before;
  const shown = changed ? text : (old ?? "");
  const status: AnalysisRunStatus = {
    ...rest,
    phase,
    ...(shown === "" ? {} : { message: shown }),
    ...(trimmed.length === 0 ? {} : { metricResults: trimmed }),
    startedAt: before.startedAt ?? formatTime(now),
    ...(isCompleted(phase) ? { completedAt: before.completedAt ?? formatTime(now) } : {}),
    runSummary: summaries.run,
    dryRunSummary: summaries.dry,
  };
  return { status, events };
}

const trim = (result: MetricResult, limit: number): MetricResult =>
  (result.measurements?.length ?? 0) > limit
    ? { ...result, measurements: result.measurements?.slice(-limit) ?? [] }
    : result;

function count(summary: RunSummary, phase: Phase): void {
  if (phase === "Successful") summary.successful = (summary.successful ?? 0) + 1;
  if (phase === "Failed") summary.failed = (summary.failed ?? 0) + 1;
  if (phase === "Inconclusive") summary.inconclusive = (summary.inconclusive ?? 0) + 1;
  if (phase === "Error") summary.error = (summary.error ?? 0) + 1;
}

const eventType = (phase: Phase): "Normal" | "Warning" =>
  phase === "Failed" || phase === "Error" ? "Warning" : "Normal";
/** Said when a run ends. */
export const completion = (phase: Phase): RunEvent => ({
  type: eventType(phase),
  reason: `AnalysisRun${phase}`,
  message: `Analysis Completed. Result: ${phase}`,
});
