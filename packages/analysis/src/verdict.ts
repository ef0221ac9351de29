import { type JudgedMetric, type Limits, overallVerdict, type Verdict } from "@tracegate/judge";
import { limitsOf } from "./metric-limits.ts";
import type { AnalysisRun } from "./types.ts";

/** A run's metrics as the judge sees them; metrics that were never measured are Pending. */
export function judgedMetrics({
  spec,
  status,
}: AnalysisRun): readonly { readonly metric: JudgedMetric; readonly limits: Limits }[] {
  return spec.metrics.map((metric) => {
    const result = status?.metricResults?.find(({ name }) => name === metric.name);
    // What a Job's end means needs no condition.
    const hasConditions =
      (metric.successCondition ?? "") !== "" ||
      (metric.failureCondition ?? "") !== "" ||
      metric.provider.job !== undefined;
    return {
      metric: {
        name: metric.name,
        phase: result?.phase ?? "Pending",
        ...(result?.dryRun === true ? { dryRun: true } : {}),
        counters: result ?? {},
        measurements: result?.measurements ?? [],
        hasConditions,
      },
      limits: limitsOf(metric),
    };
  });
}

/** What a run says about the release: pass, fail, or cannot tell, and why. */
export const runVerdict = (run: AnalysisRun): Verdict => overallVerdict(judgedMetrics(run));
