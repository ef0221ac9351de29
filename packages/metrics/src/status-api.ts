import { METRIC_NAME } from "@tracegate/contracts";
import type { MetricMetadata, ScrapePool } from "@tracegate/scrape";
import { timeoutOf } from "@tracegate/scrape";
import type { Tsdb } from "@tracegate/tsdb";
import { limitParameter } from "./parameters.ts";
import type { Answer } from "./queries.ts";

export const BUILD_INFO = {
  version: "3.14.0",
  revision: "tracegate",
  branch: "HEAD",
  buildUser: "",
  buildDate: "",
  goVersion: "",
};

const iso = (ms: number) => (ms === 0 ? "0001-01-01T00:00:00Z" : new Date(ms).toISOString());

/** GET /api/v1/targets */
export function answerTargets(params: URLSearchParams, pools: readonly ScrapePool[]): Answer {
  const state = params.get("state") ?? "any";
  const wantedPool = params.get("scrapePool");
  const chosen = pools.filter(({ job }) => wantedPool === null || job.name === wantedPool);
  const active = state === "dropped" ? [] : chosen.flatMap((pool) => pool.scrapers.map(activeTarget));
  const droppedTargets =
    state === "active"
      ? []
      : chosen.flatMap(({ dropped, job }) =>
          dropped.map((discoveredLabels) => ({ discoveredLabels, scrapePool: job.name })),
        );
  const droppedTargetCounts = Object.fromEntries(
    chosen.map(({ job, dropped }) => [job.name, dropped.length]),
  );
  return { data: JSON.stringify({ activeTargets: active, droppedTargets, droppedTargetCounts }) };
}

function activeTarget({ target, health }: ScrapePool["scrapers"][number]) {
  return {
    discoveredLabels: target.discovered,
    labels: target.labels.toRecord(),
    scrapePool: target.job.name,
    scrapeUrl: target.url,
    globalUrl: target.url,
    lastError: health.lastError,
    lastScrape: iso(health.lastScrape),
    lastScrapeDuration: health.lastDurationMs / 1000,
    health: health.health,
    scrapeInterval: seconds(target.job.intervalMs),
    scrapeTimeout: seconds(timeoutOf(target.job)),
  };
}

const seconds = (ms: number) => (ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`);

/** GET /api/v1/metadata */
export function answerMetadata(params: URLSearchParams, pools: readonly ScrapePool[]): Answer {
  const wanted = params.get("metric");
  const limit = limitParameter(params);
  const perMetric = limitParameter(params, "limit_per_metric");
  const found = new Map<string, MetricMetadata[]>();
  for (const { metadata } of pools.flatMap(({ scrapers }) => scrapers)) {
    for (const [metric, one] of metadata) {
      if (wanted !== null && wanted !== "" && metric !== wanted) continue;
      const known = found.get(metric);
      if (known === undefined) {
        if (limit > 0 && found.size >= limit) continue;
        found.set(metric, [one]);
      } else if (
        (perMetric === 0 || known.length < perMetric) &&
        !known.some(({ type, help, unit }) => type === one.type && help === one.help && unit === one.unit)
      ) {
        known.push(one);
      }
    }
  }
  return { data: JSON.stringify(Object.fromEntries(found)) };
}

/** GET /api/v1/scrape_pools */
export const answerScrapePools = (pools: readonly ScrapePool[]): Answer => ({
  data: JSON.stringify({ scrapePools: pools.map(({ job }) => job.name) }),
});

/** GET /api/v1/status/tsdb */
export function answerTsdbStatus(params: URLSearchParams, tsdb: Tsdb): Answer {
  const limit = limitParameter(params) || 10;
  const { series, chunks, minTime, maxTime } = tsdb.stats();
  const names = tsdb.labelNames();
  const values = names.map((name) => ({ name, values: tsdb.labelValues(name) }));
  const bytes = (texts: readonly string[]) => texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const pairs = names.flatMap((name) =>
    [...tsdb.seriesCounts(name)].map(([value, count]) => ({ name: `${name}=${value}`, value: count })),
  );
  const top = (items: { name: string; value: number }[]) =>
    items.sort((a, b) => b.value - a.value).slice(0, limit);
  return {
    data: JSON.stringify({
      headStats: { numSeries: series, numLabelPairs: pairs.length, chunkCount: chunks, minTime, maxTime },
      seriesCountByMetricName: top(
        [...tsdb.seriesCounts(METRIC_NAME)].map(([name, value]) => ({ name, value })),
      ),
      labelValueCountByLabelName: top(values.map(({ name, values }) => ({ name, value: values.length }))),
      memoryInBytesByLabelName: top(values.map(({ name, values }) => ({ name, value: bytes(values) }))),
      seriesCountByLabelValuePair: top(pairs),
    }),
  };
}

/** Our own state in the text format, for /metrics. */
export function ownMetrics(tsdb: Tsdb, pools: readonly ScrapePool[]): string {
  const stats = tsdb.stats();
  const lines: string[] = [];
  const add = (name: string, type: string, help: string, value: number) =>
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, `${name} ${value}`);
  add("prometheus_tsdb_head_series", "gauge", "Series in memory.", stats.series);
  add("prometheus_tsdb_head_samples_appended_total", "counter", "Samples appended.", stats.samplesAppended);
  add(
    "prometheus_tsdb_out_of_order_samples_total",
    "counter",
    "Samples refused as out of order.",
    stats.outOfOrder,
  );
  add(
    "tracegate_tsdb_duplicate_samples_total",
    "counter",
    "Samples refused as duplicates.",
    stats.duplicates,
  );
  add(
    "tracegate_tsdb_too_old_samples_total",
    "counter",
    "Samples refused as older than retention.",
    stats.tooOld,
  );
  add(
    "tracegate_tsdb_series_refused_total",
    "counter",
    "Series refused by the series limit.",
    stats.seriesRefused,
  );
  add("tracegate_tsdb_wal_bytes", "gauge", "Size of the log.", stats.walBytes);
  add("tracegate_tsdb_wal_segments", "gauge", "Segments of the log.", stats.walSegments);
  add("tracegate_tsdb_wal_write_errors_total", "counter", "Failed writes of the log.", stats.walWriteErrors);
  const targets = pools.reduce((sum, { scrapers }) => sum + scrapers.length, 0);
  add("tracegate_scrape_targets", "gauge", "Targets being scraped.", targets);
  return `${lines.join("\n")}\n`;
}
