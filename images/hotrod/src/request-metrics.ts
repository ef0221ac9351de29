import { type HrTime, SpanKind, SpanStatusCode } from "@opentelemetry/api";
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace";

const bucketsSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Endpoint names beyond this count as `other`, as the real HotROD bounds its cardinality. */
const maxEndpoints = 200;
const statusClasses = ["2xx", "3xx", "4xx", "5xx"] as const;

interface Endpoint {
  readonly requests: { true: number; false: number };
  readonly latency: { true: Latency; false: Latency };
  readonly statuses: number[];
}
interface Latency {
  /** Observations at most as large as the bucket's bound, not cumulative; the last is +Inf. */
  readonly buckets: number[];
  sum: number;
  count: number;
}

/**
 * HotROD's metrics are derived from its own SERVER spans: `hotrod_requests_total`, `hotrod_request_latency` and
 * `hotrod_http_requests_total` by endpoint (the span's name). All series of an endpoint exist from its first request,
 * so an error rate is 0, not absent, before the first error.
 */
export class RequestMetrics implements SpanProcessor {
  readonly #endpoints = new Map<string, Endpoint>();
  #scrapes = 0;

  /** From here on the endpoint's series exist: an increase counts only for who has seen the value before it. */
  onStart(span: ReadableSpan): void {
    if (span.kind === SpanKind.SERVER) this.#endpoint(span.name);
  }

  onEnd(span: ReadableSpan): void {
    if (span.kind !== SpanKind.SERVER) return;
    const endpoint = this.#endpoint(span.name);
    const error = span.status.code === SpanStatusCode.ERROR ? "true" : "false";
    const seconds = toSeconds(span.duration);
    endpoint.requests[error] += 1;
    const latency = endpoint.latency[error];
    const bucket = bucketsSeconds.findIndex((bound) => seconds <= bound);
    const slot = bucket < 0 ? bucketsSeconds.length : bucket;
    latency.buckets[slot] = (latency.buckets[slot] ?? 0) + 1;
    latency.sum += seconds;
    latency.count += 1;
    const status = Number(span.attributes["http.response.status_code"] ?? 0);
    const statusClass = Math.floor(status / 100) - 2;
    if (statusClass >= 0 && statusClass < 4)
      endpoint.statuses[statusClass] = (endpoint.statuses[statusClass] ?? 0) + 1;
  }

  /** The text exposition format 0.0.4. */
  render(): string {
    const lines: string[] = [];
    const endpoints = [...this.#endpoints].sort(([a], [b]) => (a < b ? -1 : 1));
    lines.push(
      "# HELP hotrod_http_requests_total http_requests",
      "# TYPE hotrod_http_requests_total counter",
    );
    for (const [name, { statuses }] of endpoints) {
      for (const [index, statusClass] of statusClasses.entries()) {
        lines.push(
          `hotrod_http_requests_total{endpoint="${name}",status_code="${statusClass}"} ${statuses[index]}`,
        );
      }
    }
    lines.push("# HELP hotrod_request_latency request_latency", "# TYPE hotrod_request_latency histogram");
    for (const [name, { latency }] of endpoints) {
      for (const error of ["false", "true"] as const) {
        const labels = `endpoint="${name}",error="${error}"`;
        let cumulative = 0;
        for (const [index, count] of latency[error].buckets.entries()) {
          cumulative += count;
          lines.push(
            `hotrod_request_latency_bucket{${labels},le="${bucketsSeconds[index] ?? "+Inf"}"} ${cumulative}`,
          );
        }
        lines.push(`hotrod_request_latency_sum{${labels}} ${latency[error].sum}`);
        lines.push(`hotrod_request_latency_count{${labels}} ${latency[error].count}`);
      }
    }
    lines.push("# HELP hotrod_requests_total requests", "# TYPE hotrod_requests_total counter");
    for (const [name, { requests }] of endpoints) {
      for (const error of ["false", "true"] as const) {
        lines.push(`hotrod_requests_total{endpoint="${name}",error="${error}"} ${requests[error]}`);
      }
    }
    lines.push(
      "# HELP promhttp_metric_handler_requests_total Scrapes answered, by HTTP status.",
      "# TYPE promhttp_metric_handler_requests_total counter",
      `promhttp_metric_handler_requests_total{code="200"} ${this.#scrapes}`,
    );
    this.#scrapes += 1;
    return `${lines.join("\n")}\n`;
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }

  #endpoint(spanName: string): Endpoint {
    const name = spanName.replace(/[^a-zA-Z0-9_/.]/g, "_");
    const known = this.#endpoints.get(name);
    if (known !== undefined) return known;
    if (this.#endpoints.size >= maxEndpoints && name !== "other") return this.#endpoint("other");
    const latency = (): Latency => ({
      buckets: new Array<number>(bucketsSeconds.length + 1).fill(0),
      sum: 0,
      count: 0,
    });
    const endpoint: Endpoint = {
      requests: { true: 0, false: 0 },
      latency: { true: latency(), false: latency() },
      statuses: [0, 0, 0, 0],
    };
    this.#endpoints.set(name, endpoint);
    return endpoint;
  }
}

const toSeconds = ([seconds, nanoseconds]: HrTime): number => seconds + nanoseconds / 1e9;
