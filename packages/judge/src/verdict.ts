import { type Counters, type Limits, limitPassed, type Phase } from "./assessment.ts";

/**
 * What a gate answers: go on, go back, or it cannot tell, and then what is missing. Derived from a metric's recorded
 * result alone, so the same record always gives the same answer.
 */
export interface Verdict {
  readonly outcome: "pass" | "fail" | "cannot tell";
  readonly reasons: readonly string[];
}

export interface JudgedMeasurement {
  readonly phase: Phase;
  readonly message?: string;
  /** As the provider printed it: `[0.12]`, `[]`, `[NaN]`. */
  readonly value?: string;
}

export interface JudgedMetric {
  readonly name: string;
  readonly phase: Phase;
  readonly dryRun?: boolean;
  readonly counters: Counters;
  readonly measurements: readonly JudgedMeasurement[];
  /** Whether the metric says what good or bad is; without, Argo lets everything pass. */
  readonly hasConditions: boolean;
}

const noData = (value: string | undefined): boolean =>
  value !== undefined && /^\[?(?:NaN(?:,NaN)*)?\]?$/.test(value);

/** The verdict of one metric. */
export function metricVerdict(metric: JudgedMetric, limits: Limits): Verdict {
  const { name, phase, measurements } = metric;
  const last = measurements.at(-1);
  const empty = measurements.length > 0 && measurements.every(({ value }) => noData(value));
  switch (phase) {
    case "Failed":
      return empty
        ? {
            outcome: "cannot tell",
            reasons: [`${name}: every answer was empty or NaN (${last?.value ?? "no value"})`],
          }
        : {
            outcome: "fail",
            reasons: [
              `${name}: ${limitPassed(metric.counters, limits)?.reason ?? "failed"}, last value ${last?.value ?? "unknown"}`,
            ],
          };
    case "Error":
      return {
        outcome: "cannot tell",
        reasons: [`${name}: could not be measured: ${last?.message ?? "no message"}`],
      };
    case "Inconclusive":
      return {
        outcome: "cannot tell",
        reasons: [`${name}: neither good nor bad (${last?.value ?? last?.message ?? "no value"})`],
      };
    case "Successful":
      if (measurements.length === 0)
        return { outcome: "cannot tell", reasons: [`${name}: ended before the first measurement`] };
      if (!metric.hasConditions)
        return { outcome: "cannot tell", reasons: [`${name}: has no condition, so nothing was judged`] };
      if (empty) return { outcome: "cannot tell", reasons: [`${name}: every answer was empty or NaN`] };
      return { outcome: "pass", reasons: [] };
    default:
      return { outcome: "cannot tell", reasons: [`${name}: still ${phase.toLowerCase()}`] };
  }
}

/** The verdict over several gates: one failure fails, else one doubt leaves it open. Dry runs have no say. */
export function overallVerdict(
  metrics: readonly { readonly metric: JudgedMetric; readonly limits: Limits }[],
): Verdict {
  const judged = metrics
    .filter(({ metric }) => metric.dryRun !== true)
    .map(({ metric, limits }) => metricVerdict(metric, limits));
  const of = (outcome: Verdict["outcome"]): readonly string[] =>
    judged.filter((verdict) => verdict.outcome === outcome).flatMap(({ reasons }) => reasons);
  if (judged.some(({ outcome }) => outcome === "fail")) return { outcome: "fail", reasons: of("fail") };
  if (judged.length === 0) return { outcome: "cannot tell", reasons: ["no metric was judged"] };
  if (judged.some(({ outcome }) => outcome === "cannot tell"))
    return { outcome: "cannot tell", reasons: of("cannot tell") };
  return { outcome: "pass", reasons: [] };
}
