export type { Appender, AppendResult, SeriesRef } from "./appender.ts";
export type { Clock } from "./clock.ts";
export { wallClock } from "./clock.ts";
export type { ClusterNetwork } from "./cluster-network.ts";
export { compareLabels, Labels, METRIC_NAME } from "./labels.ts";
export type { Problem } from "./problem.ts";
export { ProblemError, renderProblem } from "./problem.ts";
export type { Matcher, Queryable, SeriesView, TimeRange } from "./queryable.ts";
export { isStale, setStale } from "./samples.ts";
