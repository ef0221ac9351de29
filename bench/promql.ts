import { Labels } from "@tracegate/contracts";
import { instantQuery, rangeQuery } from "@tracegate/promql";
import { Tsdb } from "@tracegate/tsdb";

const STEP_MS = 15_000;
const SAMPLES = 240;
const END = SAMPLES * STEP_MS;
const idle = { now: () => END, after: () => new Promise<void>(() => {}) };

/** An hour of 100 pods with 2 × 20 counters and a histogram of 12 buckets each, and what gates and graphs ask of it. */
export async function run(): Promise<void> {
  const tsdb = new Tsdb({ clock: idle });
  fill(tsdb);
  const { series } = tsdb.stats();
  console.log(`${series} series, ${series * SAMPLES} samples`);
  const gate =
    'sum(rate(requests_total{namespace="shop",hash="h1",code="500"}[2m])) / sum(rate(requests_total{namespace="shop",hash="h1"}[2m]))';
  const latency =
    'histogram_quantile(0.95, sum by (le) (rate(latency_bucket{namespace="shop",hash="h1"}[2m])))';
  measure("gate, instant", () => instantQuery(tsdb, gate, END));
  measure("latency gate, instant", () => instantQuery(tsdb, latency, END));
  const hour = { start: 300_000, end: END, stepMs: STEP_MS };
  measure("sum by (hash) (rate[2m]), 1 h at 15 s", () =>
    rangeQuery(tsdb, "sum by (hash) (rate(requests_total[2m]))", hour),
  );
  measure("latency quantile by hash, 1 h at 15 s", () =>
    rangeQuery(tsdb, "histogram_quantile(0.95, sum by (hash, le) (rate(latency_bucket[2m])))", hour),
  );
  measure("requests_total, 1 h at 15 s", () => rangeQuery(tsdb, "requests_total", hour));
}

function fill(tsdb: Tsdb): void {
  for (let pod = 0; pod < 100; pod++) {
    const own = { namespace: "shop", pod: `pod-${pod}`, hash: `h${pod % 10}` };
    const refs: number[] = [];
    for (let path = 0; path < 20; path++) {
      for (const code of ["200", "500"]) {
        refs.push(tsdb.resolve(Labels.from({ __name__: "requests_total", ...own, path: `/p${path}`, code })));
      }
    }
    for (const le of ["5", "10", "25", "50", "100", "250", "500", "1000", "2500", "5000", "10000", "+Inf"]) {
      refs.push(tsdb.resolve(Labels.from({ __name__: "latency_bucket", ...own, le })));
    }
    refs.forEach((ref, i) => {
      for (let n = 1; n <= SAMPLES; n++) tsdb.append(ref, n * STEP_MS, n * (i + 1));
    });
  }
}

function measure(name: string, query: () => unknown): void {
  query();
  query();
  let runs = 0;
  const begun = performance.now();
  while (performance.now() - begun < 1000) {
    query();
    runs++;
  }
  console.log(`${name}: ${((performance.now() - begun) / runs).toFixed(2)} ms`);
}

if (import.meta.main) await run();
