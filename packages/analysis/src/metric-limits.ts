import { goDurationNs, type Limits } from "@tracegate/judge";
import type { Metric } from "./types.ts";

/** A number that may be written as text (templated counts and limits are). */
export const intOf = (value: number | string | undefined): number | undefined => {
  if (value === undefined) return undefined;
  const number = Number(value);
  return Number.isInteger(number) ? number : 0;
};

/** Milliseconds of a Go duration. */
export function durationMs(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const ns = goDurationNs(text);
  return ns === undefined ? undefined : ns / 1e6;
}

/** Measurements that make a metric complete: none written means one, or without end where there is an interval. */
export function effectiveCount({ count, interval }: Metric): number | undefined {
  const written = intOf(count) ?? 0;
  if (written > 0) return written;
  return interval === undefined || interval === "" ? 1 : undefined;
}

/** The limits of a metric with Argo Rollouts' defaults. */
export function limitsOf(metric: Metric): Limits {
  const count = effectiveCount(metric);
  return {
    ...(count === undefined ? {} : { count }),
    failureLimit: intOf(metric.failureLimit) ?? 0,
    inconclusiveLimit: intOf(metric.inconclusiveLimit) ?? 0,
    consecutiveErrorLimit: intOf(metric.consecutiveErrorLimit) ?? 4,
    consecutiveSuccessLimit: intOf(metric.consecutiveSuccessLimit) ?? 0,
  };
}

/** Why metrics cannot be measured, in Argo Rollouts' words; undefined where they can. */
export function metricsProblem(metrics: readonly Metric[]): string | undefined {
  if (metrics.length === 0) return "no metrics specified";
  const seen = new Set<string>();
  for (const [i, metric] of metrics.entries()) {
    if (seen.has(metric.name)) return `metrics[${i}]: duplicate name '${metric.name}'`;
    seen.add(metric.name);
    const problem = metricProblem(metric);
    if (problem !== undefined) return `metrics[${i}]: ${problem}`;
  }
  return undefined;
}

/** Why one metric cannot be measured. */
export function metricProblem(metric: Metric): string | undefined {
  const count = intOf(metric.count) ?? 0;
  const limits = limitsOf(metric);
  const { failureLimit, consecutiveSuccessLimit, inconclusiveLimit, consecutiveErrorLimit } = limits;
  if (consecutiveSuccessLimit < 0) return "consecutiveSuccessLimit must be >= 0";
  if (failureLimit < -1) return "failureLimit must be >= 0, or -1 to be disabled";
  if (failureLimit === -1 && consecutiveSuccessLimit === 0)
    return "failureLimit and consecutiveSuccessLimit cannot both be disabled";
  if (inconclusiveLimit < 0) return "inconclusiveLimit must be >= 0";
  if (consecutiveErrorLimit < 0) return "consecutiveErrorLimit must be >= 0";
  if (count > 0) {
    if (failureLimit >= 0 && count < failureLimit + consecutiveSuccessLimit)
      return `count (${count}) must be >= failureLimit + consecutiveSuccessLimit (${failureLimit} + ${consecutiveSuccessLimit}) if both >= 0`;
    if (count < consecutiveSuccessLimit) return "count must be >= consecutiveSuccessLimit";
    if (count < inconclusiveLimit) return "count must be >= inconclusiveLimit";
  }
  if (count > 1 && (metric.interval === undefined || metric.interval === ""))
    return "interval must be specified when count > 1";
  for (const [label, text] of [
    ["interval", metric.interval],
    ["startDelay", metric.initialDelay],
  ] as const)
    if (text !== undefined && text !== "" && durationMs(text) === undefined)
      return `invalid ${label} string: time: invalid duration ${JSON.stringify(text)}`;
  const providers = Object.values(metric.provider).filter(
    (config) => config !== undefined && config !== null,
  ).length;
  if (providers === 0) return "no provider specified";
  if (providers > 1) return "multiple providers specified";
  return undefined;
}
