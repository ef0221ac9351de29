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
import { formatTime, parseTime } from "@tracegate/kube";
import { RE2JS } from "re2js";
import { durationMs, intOf, limitsOf, metricsProblem } from "./metric-limits.ts";
import { substituteArgs } from "./templates.ts";
import type {
  AnalysisRun,
  AnalysisRunSpec,
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

/** The measurements due now, or the outcome when the run cannot go on or has nothing left to do. */
export type RunPlan =
  | { readonly tasks: readonly Task[]; readonly metrics: readonly Metric[] }
  | { readonly outcome: RunOutcome };

const retryAfterErrorMs = 10_000;
const retainedMeasurements = 10;

/** Decides what to measure now. Settle with `settleAnalysisRun` when the measurements are there (at once, if none are due). */
export function planAnalysisRun(run: AnalysisRun, now: number): RunPlan {
  const status = run.status ?? { phase: "" as const };
  if (isCompleted(status.phase)) return { outcome: { status, events: [] } };
  const resolved = withoutSecrets(run.spec);
  if ("error" in resolved)
    return { outcome: failedRun(status, `Unable to resolve metric arguments: ${resolved.error}`) };
  const problem = metricsProblem(resolved.metrics) ?? rulesProblem(run.spec, resolved.metrics);
  if (problem !== undefined) return { outcome: failedRun(status, `Analysis spec invalid: ${problem}`) };
  const terminating = isTerminating(run);
  const tasks = resolved.metrics.flatMap((metric) => dueTask(run, metric, terminating, now) ?? []);
  return { tasks, metrics: resolved.metrics };
}

/** The run's status after the measurements of `tasks` came back (same order). */
export function settleAnalysisRun(
  run: AnalysisRun,
  metrics: readonly Metric[],
  taken: readonly {
    readonly task: Task;
    readonly measurement: Measurement;
    readonly metadata?: Record<string, string>;
  }[],
  now: number,
): RunOutcome {
  const before = run.status ?? { phase: "" as const };
  const dry = dryRunNames(run.spec, metrics);
  const results = new Map((before.metricResults ?? []).map((result) => [result.name, result]));
  for (const { task, measurement, metadata } of taken) {
    const { name } = task.metric;
    results.set(
      name,
      recorded(results.get(name) ?? newResult(name, dry.has(name)), task, measurement, metadata, now),
    );
  }
  const assessed = assessRun(
    { ...run, status: { ...before, metricResults: [...results.values()] } },
    metrics,
    dry,
    now,
  );
  const next = nextWake(assessed.status, metrics, isTerminating({ ...run, status: assessed.status }), now);
  return isCompleted(assessed.status.phase) || next === undefined ? assessed : { ...assessed, wakeAt: next };
}

/** A run that ends with an error before or instead of measuring. */
export function failedRun(status: AnalysisRunStatus, message: string): RunOutcome {
  return { status: { ...status, phase: "Error", message }, events: [completion("Error")] };
}

/** Metrics with arguments filled in; secrets are stood in for, since results are stored with what is resolved here. */
function withoutSecrets(
  spec: AnalysisRunSpec,
): { readonly metrics: readonly Metric[] } | { readonly error: string } {
  const args = (spec.args ?? []).map((arg) =>
    arg.valueFrom?.secretKeyRef === undefined ? arg : { name: arg.name, value: "temp-for-secret" },
  );
  const substituted = substituteArgs(spec.metrics, args);
  return "error" in substituted ? substituted : { metrics: substituted.resolved };
}

const matchesRule = (rule: string, name: string): boolean => {
  try {
    return RE2JS.compile(rule).matcher(name).find();
  } catch {
    return false; // as upstream: a rule that is no regular expression matches nothing
  }
};

function rulesProblem(spec: AnalysisRunSpec, metrics: readonly Metric[]): string | undefined {
  for (const [field, rules] of [
    ["dryRun", spec.dryRun ?? []],
    ["measurementRetention", spec.measurementRetention ?? []],
  ] as const)
    for (const [i, { metricName }] of rules.entries())
      if (!metrics.some(({ name }) => matchesRule(metricName, name)))
        return `${field}[${i}]: Rule didn't match any metric name(s)`;
  return undefined;
}

const dryRunNames = (spec: AnalysisRunSpec, metrics: readonly Metric[]): ReadonlySet<string> =>
  new Set(
    metrics
      .map(({ name }) => name)
      .filter((name) => spec.dryRun?.some(({ metricName }) => matchesRule(metricName, name))),
  );

/** How many measurements of a metric are kept. */
export const retentionOf = (spec: AnalysisRunSpec, name: string): number =>
  spec.measurementRetention?.find(({ metricName, limit }) => limit > 0 && matchesRule(metricName, name))
    ?.limit ?? retainedMeasurements;

/** Told to stop, or a metric that counts has already failed: no new measurements, and the rest is wound down. */
export function isTerminating(run: AnalysisRun): boolean {
  if (run.spec.terminate === true) return true;
  return (run.status?.metricResults ?? []).some(
    ({ phase, dryRun }) =>
      dryRun !== true && (phase === "Failed" || phase === "Error" || phase === "Inconclusive"),
  );
}

function dueTask(run: AnalysisRun, metric: Metric, terminating: boolean, now: number): Task | undefined {
  const result = run.status?.metricResults?.find(({ name }) => name === metric.name);
  if (isCompleted(result?.phase)) return undefined;
  const last = result?.measurements?.at(-1);
  const attempt = (result?.count ?? 0) + (result?.error ?? 0) + 1;
  if (last !== undefined && last.finishedAt === undefined) {
    if (terminating) return { metric, action: "terminate", measurement: last, attempt };
    if ((parseTime(last.resumeAt ?? "") ?? 0) > now) return undefined;
    return { metric, action: "resume", measurement: last, attempt };
  }
  if (terminating) return undefined;
  if (last === undefined) {
    const start = firstDue(run, metric);
    return start !== undefined && start <= now ? { metric, action: "run", attempt } : undefined;
  }
  const { count } = limitsOf(metric);
  if (count !== undefined && (result?.count ?? 0) >= count) return undefined;
  return nextDue(metric, last) <= now ? { metric, action: "run", attempt } : undefined;
}

/** When a metric may first be measured; undefined while the run's start is not yet recorded. */
function firstDue(run: AnalysisRun, metric: Metric): number | undefined {
  const delay = durationMs(metric.initialDelay);
  if (delay === undefined) return 0;
  const started = parseTime(run.status?.startedAt ?? "");
  return started === undefined ? undefined : started + delay;
}

/** After an error the gap is ten seconds, whatever the interval says. Counted from the stored, whole second. */
const nextDue = (metric: Metric, last: Measurement): number =>
  (parseTime(last.finishedAt ?? "") ?? 0) +
  (last.phase === "Error" ? retryAfterErrorMs : (durationMs(metric.interval) ?? retryAfterErrorMs));

function nextWake(
  status: AnalysisRunStatus,
  metrics: readonly Metric[],
  terminating: boolean,
  now: number,
): number | undefined {
  const times = metrics.flatMap((metric) => {
    const result = status.metricResults?.find(({ name }) => name === metric.name);
    if (isCompleted(result?.phase)) return [];
    const last = result?.measurements?.at(-1);
    if (terminating) return [now];
    if (last === undefined) {
      const delay = durationMs(metric.initialDelay) ?? 0;
      return [(parseTime(status.startedAt ?? "") ?? now) + delay];
    }
    if (last.finishedAt === undefined) return [parseTime(last.resumeAt ?? "") ?? now];
    const { count } = limitsOf(metric);
    return count !== undefined && (result?.count ?? 0) >= count ? [] : [nextDue(metric, last)];
  });
  return times.length === 0 ? undefined : Math.max(now, Math.min(...times));
}

const newResult = (name: string, dryRun: boolean): MetricResult => ({
  name,
  phase: "Running",
  ...(dryRun ? { dryRun: true } : {}),
});

function recorded(
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

function assessRun(
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
const completion = (phase: Phase): RunEvent => ({
  type: eventType(phase),
  reason: `AnalysisRun${phase}`,
  message: `Analysis Completed. Result: ${phase}`,
});

/** When a finished run may be deleted; undefined where it has no such wish. */
export function expiresAt({ spec, status }: AnalysisRun): number | undefined {
  const completed = parseTime(status?.completedAt ?? "");
  const ttl = spec.ttlStrategy;
  if (completed === undefined || ttl === undefined) return undefined;
  const own =
    status?.phase === "Successful"
      ? ttl.secondsAfterSuccess
      : status?.phase === "Failed"
        ? ttl.secondsAfterFailure
        : undefined;
  const seconds = intOf(own ?? ttl.secondsAfterCompletion);
  return seconds === undefined ? undefined : completed + seconds * 1000;
}
