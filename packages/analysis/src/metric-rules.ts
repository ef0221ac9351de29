import { RE2JS } from "re2js";
import type { AnalysisRunSpec, Metric } from "./types.ts";

const retainedMeasurements = 10;

/** Rules name metrics by a regular expression that may match anywhere in the name. */
const matchesRule = (rule: string, name: string): boolean => {
  try {
    return RE2JS.compile(rule).matcher(name).find();
  } catch {
    return false; // as upstream: a rule that is no regular expression matches nothing
  }
};

/** Rules must match something: one that does not is a typing error. */
export function rulesProblem(spec: AnalysisRunSpec, metrics: readonly Metric[]): string | undefined {
  for (const [field, rules] of [
    ["dryRun", spec.dryRun ?? []],
    ["measurementRetention", spec.measurementRetention ?? []],
  ] as const)
    for (const [i, { metricName }] of rules.entries())
      if (!metrics.some(({ name }) => matchesRule(metricName, name)))
        return `${field}[${i}]: Rule didn't match any metric name(s)`;
  return undefined;
}

/** Metrics that are measured without consequence. */
export const dryRunNames = (spec: AnalysisRunSpec, metrics: readonly Metric[]): ReadonlySet<string> =>
  new Set(
    metrics
      .map(({ name }) => name)
      .filter((name) => spec.dryRun?.some(({ metricName }) => matchesRule(metricName, name))),
  );

/** How many measurements of a metric are kept. */
export const retentionOf = (spec: AnalysisRunSpec, name: string): number =>
  spec.measurementRetention?.find(({ metricName, limit }) => limit > 0 && matchesRule(metricName, name))
    ?.limit ?? retainedMeasurements;
