import { type Appender, type Clock, Labels, METRIC_NAME } from "@tracegate/contracts";
import { type MetricType, parseExposition, parseSeries } from "./exposition.ts";
import type { FetchedMetrics, MetricsSource, OpenSource } from "./fetch-metrics.ts";
import { type Target, timeoutOf } from "./job.ts";
import { type MutableLabels, relabeller } from "./relabel.ts";
import { type CachedSeries, markStale, SeriesCache } from "./series-cache.ts";

/** How a target fared the last time. */
export interface TargetHealth {
  readonly health: "up" | "down" | "unknown";
  readonly lastError: string;
  /** Milliseconds since the epoch; 0 before the first scrape. */
  readonly lastScrape: number;
  readonly lastDurationMs: number;
}

export interface MetricMetadata {
  readonly type: MetricType;
  readonly help: string;
  readonly unit: string;
}

/** Samples that claim to be from further ahead are dropped. */
const MAX_AHEAD_MS = 600_000;
/** Metric families of one target whose type and help are remembered. */
const MAX_METADATA = 10_000;

const REPORTS = [
  "up",
  "scrape_duration_seconds",
  "scrape_samples_scraped",
  "scrape_samples_post_metric_relabeling",
  "scrape_series_added",
] as const;

interface Tally {
  scraped: number;
  kept: number;
  added: number;
}

/** Scrapes one target: fetches, appends what is new, marks what is gone, reports on itself. */
export class TargetScraper {
  readonly target: Target;
  readonly metadata = new Map<string, MetricMetadata>();
  health: TargetHealth = { health: "unknown", lastError: "", lastScrape: 0, lastDurationMs: 0 };

  readonly #store: Appender;
  readonly #clock: Clock;
  readonly #source: MetricsSource;
  readonly #cache = new SeriesCache();
  readonly #metricRelabel:
    | ((labels: Iterable<readonly [string, string]>) => MutableLabels | undefined)
    | undefined;
  readonly #reports: { labels: Labels; ref: number }[];
  readonly #lines = new SampleLines();

  constructor(target: Target, store: Appender, clock: Clock, open: OpenSource) {
    this.target = target;
    this.#store = store;
    this.#clock = clock;
    const { job } = target;
    this.#source = open(target);
    this.#metricRelabel = job.metricRelabel === undefined ? undefined : relabeller(job.metricRelabel);
    this.#reports = REPORTS.map((name) => ({ labels: target.labels.with({ [METRIC_NAME]: name }), ref: 0 }));
  }

  /** One scrape, whose samples are written at `time`. Never rejects: a failure is the target's state. */
  async scrape(time: number): Promise<void> {
    const begun = this.#clock.now();
    let tally: Tally = { scraped: 0, kept: 0, added: 0 };
    let failure = "";
    try {
      const fetched = await this.#fetch();
      tally = this.#ingest(fetched, time);
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
      markStale(this.#store, this.#cache.clear(), time);
    }
    const durationMs = this.#clock.now() - begun;
    this.health = {
      health: failure === "" ? "up" : "down",
      lastError: failure,
      lastScrape: time,
      lastDurationMs: durationMs,
    };
    this.#report(time, [failure === "" ? 1 : 0, durationMs / 1000, tally.scraped, tally.kept, tally.added]);
    try {
      this.#store.commit();
    } catch (error) {
      const what = `storing samples: ${error instanceof Error ? error.message : error}`;
      this.health = { ...this.health, health: "down", lastError: what };
    }
  }

  /** The target is gone: everything it had, its reports included, ends at `time`. */
  end(time: number): void {
    markStale(this.#store, this.#cache.clear(), time);
    for (const { ref } of this.#reports) if (ref !== 0) this.#store.appendStale(ref, time);
    this.#store.commit();
  }

  close(): void {
    this.#source.close();
  }

  /** Fetches within the timeout, which runs on the clock that was given. */
  async #fetch(): Promise<FetchedMetrics> {
    const timeoutMs = timeoutOf(this.target.job);
    const abort = new AbortController();
    const fetched = this.#source.fetch(abort.signal);
    const timer = new AbortController();
    const timedOut = this.#clock.after(timeoutMs, timer.signal).then(() => {
      // Only now: aborting a finished request would take its kept connection along.
      abort.abort();
      throw new Error(`Get ${JSON.stringify(this.target.url)}: context deadline exceeded`);
    });
    try {
      return await Promise.race([fetched, timedOut]);
    } finally {
      timer.abort();
      timedOut.catch(() => {});
      fetched.catch(() => {});
    }
  }

  /** The body is read as a whole before anything is appended: a faulty or too large one leaves nothing behind. */
  #ingest({ body, format }: FetchedMetrics, time: number): Tally {
    const { sampleLimit = 0, honorTimestamps = true } = this.target.job;
    const lines = this.#lines;
    lines.clear();
    parseExposition(body, format, {
      sample: (start, end, value, timeMs) => lines.add(start, end, value, timeMs),
      metadata: (metric, field, text) => this.#note(metric, field, text),
    });
    const cache = this.#cache;
    const before = cache.size;
    const found: CachedSeries[] = [];
    let kept = 0;
    cache.begin();
    for (let i = 0; i < lines.count; i++) {
      const start = lines.starts[i] ?? 0;
      const end = lines.ends[i] ?? 0;
      const series =
        cache.find(body, start, end) ?? cache.add(body, start, end, this.#labelsOf(body, start, end));
      found.push(series);
      if (series.labels !== undefined) kept++;
    }
    if (sampleLimit > 0 && kept > sampleLimit) throw new Error("sample limit exceeded");
    const ahead = this.#clock.now() + MAX_AHEAD_MS;
    for (let i = 0; i < found.length; i++) {
      const series = found[i];
      // A series twice in one body: the first one counts.
      if (series === undefined || !cache.mark(series) || series.labels === undefined) continue;
      const ownTime = lines.times[i] ?? Number.NaN;
      series.ownTime = honorTimestamps && !Number.isNaN(ownTime);
      const at = series.ownTime ? ownTime : time;
      if (at <= ahead) this.#append(series, series.labels, at, lines.values[i] ?? 0);
    }
    const added = cache.size - before;
    markStale(this.#store, cache.finish(), time);
    return { scraped: lines.count, kept, added: Math.max(0, added) };
  }

  #append(series: CachedSeries, labels: Labels, time: number, value: number): void {
    if (series.ref !== 0 && this.#store.append(series.ref, time, value) !== "unknown series") return;
    series.ref = this.#store.resolve(labels);
    if (series.ref !== 0) this.#store.append(series.ref, time, value);
  }

  /** The labels that a series is stored under: its own, the target's, then the job's rules. */
  #labelsOf(body: Buffer, start: number, end: number): Labels | undefined {
    const text = body.toString("utf8", start, end);
    const own = parseSeries(text, (metric) => this.metadata.get(metric)?.type);
    if (typeof own === "string") throw new Error(own);
    const merged = mergeLabels(own, this.target.labels, this.target.job.honorLabels ?? false);
    if (this.#metricRelabel === undefined) return merged;
    const rewritten = this.#metricRelabel(merged.entries());
    return rewritten === undefined || rewritten.size === 0 ? undefined : Labels.from(rewritten);
  }

  #note(metric: string, field: "type" | "help" | "unit", text: string): void {
    if (this.metadata.size >= MAX_METADATA && !this.metadata.has(metric)) return;
    const known: MetricMetadata = this.metadata.get(metric) ?? { type: "unknown", help: "", unit: "" };
    if (known[field] !== text) this.metadata.set(metric, { ...known, [field]: text });
  }

  #report(time: number, values: readonly number[]): void {
    this.#reports.forEach((report, i) => {
      const value = values[i] ?? 0;
      if (report.ref !== 0 && this.#store.append(report.ref, time, value) !== "unknown series") return;
      report.ref = this.#store.resolve(report.labels);
      if (report.ref !== 0) this.#store.append(report.ref, time, value);
    });
  }
}

/** The sample lines of a body, as numbers in arrays that are used again for the next one. */
class SampleLines {
  count = 0;
  starts = new Uint32Array(1024);
  ends = new Uint32Array(1024);
  values = new Float64Array(1024);
  times = new Float64Array(1024);

  clear(): void {
    this.count = 0;
  }

  add(start: number, end: number, value: number, time: number): void {
    if (this.count === this.starts.length) this.#grow();
    const at = this.count++;
    this.starts[at] = start;
    this.ends[at] = end;
    this.values[at] = value;
    this.times[at] = time;
  }

  #grow(): void {
    const capacity = this.starts.length * 2;
    const { starts, ends, values, times } = this;
    this.starts = new Uint32Array(capacity);
    this.ends = new Uint32Array(capacity);
    this.values = new Float64Array(capacity);
    this.times = new Float64Array(capacity);
    this.starts.set(starts);
    this.ends.set(ends);
    this.values.set(values);
    this.times.set(times);
  }
}

/**
 * A sample's labels with the target's. Where both have a name, the sample's value moves to `exported_…`, unless the job
 * honours the sample's labels.
 */
export function mergeLabels(sample: Labels, target: Labels, honorLabels: boolean): Labels {
  const merged = new Map<string, string>(sample.entries());
  if (honorLabels) {
    for (const [name, value] of target.entries()) if (!merged.has(name)) merged.set(name, value);
    return Labels.from(merged);
  }
  const displaced: [string, string][] = [];
  for (const [name, value] of target.entries()) {
    const own = merged.get(name);
    if (own !== undefined) displaced.push([name, own]);
    merged.set(name, value);
  }
  for (const [name, value] of displaced) {
    let free = `exported_${name}`;
    while (merged.has(free)) free = `exported_${free}`;
    merged.set(free, value);
  }
  return Labels.from(merged);
}
