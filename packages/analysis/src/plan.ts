import { isCompleted } from "@tracegate/judge";
import { parseTime } from "@tracegate/kube";
import {
  assessRun,
  completion,
  isTerminating,
  newResult,
  type RunOutcome,
  recorded,
  type Task,
} from "./assess.ts";
import { durationMs, intOf, limitsOf, metricsProblem } from "./metric-limits.ts";
import { dryRunNames, rulesProblem } from "./metric-rules.ts";
import { substituteArgs } from "./templates.ts";
import type { AnalysisRun, AnalysisRunSpec, AnalysisRunStatus, Measurement, Metric } from "./types.ts";

/** The measurements due now, or the outcome when the run cannot go on or has nothing left to do. */
export type RunPlan =
  | { readonly tasks: readonly Task[]; readonly metrics: readonly Metric[] }
  | { readonly outcome: RunOutcome };

const retryAfterErrorMs = 10_000;

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
    if (last.finishedAt === undefined) return [nextLook(last, now)];
    const { count } = limitsOf(metric);
    return count !== undefined && (result?.count ?? 0) >= count ? [] : [nextDue(metric, last)];
  });
  return times.length === 0 ? undefined : Math.max(now, Math.min(...times));
}

/**
 * When to look again at a measurement. Where it names no time to come: a Job's end wakes the run by itself, what holds up
 * its pods does not. Ever less often: after one second in 1.4, after a minute in 11.
 */
function nextLook({ startedAt = "", resumeAt = "" }: Measurement, now: number): number {
  const named = parseTime(resumeAt) ?? now;
  if (named > now) return named;
  const elapsedS = Math.max(0, now - (parseTime(startedAt) ?? now)) / 1000;
  return now + Math.max(1, Math.sqrt(2 * elapsedS)) * 1000;
}

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
