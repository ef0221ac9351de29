/** The bucket bounds that Prometheus clients use unless told otherwise, in seconds. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface Histogram {
  /** How many observations each bound, and at the end +Inf, holds; cumulative. */
  readonly buckets: number[];
  sum: number;
}

/** Counts the served requests as podinfo does. Labels come from routes, never from what a client writes. */
export class RequestMetrics {
  readonly #byRoute = new Map<string, Histogram>();
  readonly #byStatus = new Map<number, number>();

  observe(
    request: { readonly method: string; readonly path: string; readonly status: number },
    seconds: number,
  ): void {
    const { method, path, status } = request;
    const labels = `method="${method}",path="${path}",status="${status}"`;
    let histogram = this.#byRoute.get(labels);
    if (!histogram) {
      histogram = { buckets: Array.from({ length: bounds.length + 1 }, () => 0), sum: 0 };
      this.#byRoute.set(labels, histogram);
    }
    for (const [i, count] of histogram.buckets.entries()) {
      if (seconds <= (bounds[i] ?? Number.POSITIVE_INFINITY)) histogram.buckets[i] = count + 1;
    }
    histogram.sum += seconds;
    this.#byStatus.set(status, (this.#byStatus.get(status) ?? 0) + 1);
  }

  /** Prometheus' text format. */
  render(): string {
    const name = "http_request_duration_seconds";
    const lines: string[] = [];
    if (this.#byRoute.size > 0)
      lines.push(`# HELP ${name} Time taken by served requests.`, `# TYPE ${name} histogram`);
    for (const [labels, { buckets, sum }] of this.#byRoute) {
      for (const [i, count] of buckets.entries()) {
        lines.push(`${name}_bucket{${labels},le="${bounds[i] ?? "+Inf"}"} ${count}`);
      }
      lines.push(`${name}_sum{${labels}} ${sum}`, `${name}_count{${labels}} ${buckets.at(-1) ?? 0}`);
    }
    if (this.#byStatus.size > 0) {
      lines.push("# HELP http_requests_total Requests served.", "# TYPE http_requests_total counter");
    }
    for (const [status, count] of this.#byStatus)
      lines.push(`http_requests_total{status="${status}"} ${count}`);
    return lines.map((line) => `${line}\n`).join("");
  }
}

/** A route's template as a label: `/api/info` is `api_info`, `/` is `root`. */
export function routeLabel(template: string): string {
  const label = template.replace(/[^a-zA-Z0-9]+/g, "_").replace(/^_|_$/g, "");
  return label.toLowerCase() || "root";
}
