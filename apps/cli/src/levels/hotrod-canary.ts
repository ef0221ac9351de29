import { counter, type SyntheticSeries } from "@tracegate/rehearsal";
import { canaryHash } from "./gates.ts";

/** How a HotROD canary that never was behaves. */
export interface CanaryTraffic {
  readonly requestsPerSecond: number;
  /** Share of the requests that fail, 0 to 1. */
  readonly failing: number;
  /** How long each request takes; it lands in the bucket around it. */
  readonly milliseconds: number;
}

/** spanmetrics' buckets when its configuration names none, in milliseconds. */
const bounds = [2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10_000, 15_000];

/** What HotROD's own metrics and the collector's span metrics would say of such a canary. */
export function hotrodSeries({ requestsPerSecond, failing, milliseconds }: CanaryTraffic): SyntheticSeries[] {
  const rates = [
    ["false", "STATUS_CODE_UNSET", requestsPerSecond * (1 - failing)],
    ["true", "STATUS_CODE_ERROR", requestsPerSecond * failing],
  ] as const;
  const pod = `hotrod-${canaryHash}-1`;
  return rates.flatMap(([error, status, perSecond]) => {
    const own = { namespace: "hotrod", pod, rollouts_pod_template_hash: canaryHash, app: "hotrod" };
    const spans = {
      hotrod_namespace: "hotrod",
      hotrod_pod_name: pod,
      hotrod_pod_hash: canaryHash,
      service_name: "frontend",
      span_kind: "SPAN_KIND_SERVER",
      span_name: "/dispatch",
      status_code: status,
    };
    const duration = "traces_span_metrics_duration_milliseconds";
    return [
      counter("hotrod_requests_total", { ...own, endpoint: "/dispatch", error }, perSecond),
      counter("traces_span_metrics_calls_total", spans, perSecond),
      counter(`${duration}_count`, spans, perSecond),
      counter(`${duration}_sum`, spans, perSecond * milliseconds),
      ...[...bounds, Number.POSITIVE_INFINITY].map((bound) => {
        const le = bound === Number.POSITIVE_INFINITY ? "+Inf" : String(bound);
        return counter(`${duration}_bucket`, { ...spans, le }, milliseconds <= bound ? perSecond : 0);
      }),
    ];
  });
}
