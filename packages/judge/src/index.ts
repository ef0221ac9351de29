export type { Counters, LimitPassed, Limits, MetricState, Phase } from "./assessment.ts";
export { assessMetric, isCompleted, isWorse, limitPassed, tally } from "./assessment.ts";
export type { ConditionOutcome, Conditions, MeasurementPhase } from "./condition.ts";
export { evaluateCondition, evaluateTime, judgeMeasurement } from "./condition.ts";
export { goDurationNs } from "./expr/builtins.ts";
export type { Value } from "./expr/values.ts";
export { Duration, floatText, fromJson, Time } from "./expr/values.ts";
export type { JudgedMeasurement, JudgedMetric, Verdict } from "./verdict.ts";
export { metricVerdict, overallVerdict } from "./verdict.ts";
