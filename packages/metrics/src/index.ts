export { answerQueryRequest } from "./envelope.ts";
export type { PodForState } from "./kube-state-metrics.ts";
export type { Metrics, MetricsOptions } from "./metrics.ts";
export { createMetrics } from "./metrics.ts";
export type { QuerySettings } from "./queries.ts";
