import { limitsOf, type Metric, type MetricResult } from "@tracegate/analysis";
import type { JudgedMetric, Limits } from "@tracegate/judge";

/** A metric and its result in the judge's terms. */
export function judged(
  metric: Metric,
  result: MetricResult | undefined,
): { metric: JudgedMetric; limits: Limits } {
  return {
    metric: {
      name: metric.name,
      phase: result?.phase ?? "Pending",
      dryRun: result?.dryRun === true,
      counters: result ?? {},
      measurements: result?.measurements ?? [],
      hasConditions: metric.successCondition !== undefined || metric.failureCondition !== undefined,
    },
    limits: limitsOf(metric),
  };
}
