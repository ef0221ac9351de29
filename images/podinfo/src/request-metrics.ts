import type { Family } from "./exposition.ts";

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
  #scrapes = 0;

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

  observeScrape(): void {
    this.#scrapes++;
  }

  families(): Family[] {
    const inOrder = <K, V>(map: ReadonlyMap<K, V>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
    return [
      {
        name: "http_request_duration_seconds",
        help: "Time taken by served requests.",
        type: "histogram",
        samples: inOrder(this.#byRoute).flatMap(([labels, { buckets, sum }]) => [
          ...buckets.map((value, i) => ({
            suffix: "_bucket",
            labels: `${labels},le="${bounds[i] ?? "+Inf"}"`,
            value,
            whole: true,
          })),
          { suffix: "_sum", labels, value: sum },
          { suffix: "_count", labels, value: buckets.at(-1) ?? 0, whole: true },
        ]),
      },
      {
        name: "http_requests_total",
        help: "Requests served.",
        type: "counter",
        samples: inOrder(this.#byStatus).map(([status, value]) => ({ labels: `status="${status}"`, value })),
      },
      {
        name: "promhttp_metric_handler_requests_in_flight",
        help: "Scrapes being served.",
        type: "gauge",
        samples: [{ value: 1 }],
      },
      {
        name: "promhttp_metric_handler_requests_total",
        help: "Scrapes served.",
        type: "counter",
        samples: ["200", "500", "503"].map((code) => ({
          labels: `code="${code}"`,
          value: code === "200" ? this.#scrapes : 0,
        })),
      },
    ];
  }
}

/** A route's template as a label: `/api/info` is `api_info`, `/` is `root`. */
export function routeLabel(template: string): string {
  const label = template.replace(/[^a-zA-Z0-9]+/g, "_").replace(/^_|_$/g, "");
  return label.toLowerCase() || "root";
}
