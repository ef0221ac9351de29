import {
  type Appender,
  type AppendResult,
  type Clock,
  type Labels,
  type Matcher,
  METRIC_NAME,
  type Queryable,
  type SeriesRef,
  type SeriesView,
  setStale,
  type TimeRange,
} from "@tracegate/contracts";
import { LabelIndex } from "./label-index.ts";
import { type CompiledMatcher, compileMatcher } from "./matching.ts";
import { MemorySeries } from "./series.ts";
import { Wal } from "./wal.ts";
import { BatchWriter } from "./wal-record.ts";

export interface TsdbOptions {
  /** Where the log lies; without it everything is in memory only. */
  readonly dir?: string;
  readonly clock: Clock;
  /** Samples older than this may be forgotten. Default six hours. */
  readonly retentionMs?: number;
  /** Size of the log past which its oldest part is deleted, however young. Default 1 GiB. */
  readonly retentionBytes?: number;
  /** Series past this are refused and counted. Default 200 000. */
  readonly maxSeries?: number;
  /** Default 8 MiB: the grain of retention. */
  readonly segmentBytes?: number;
  /** How often the log is forced to disk. Default 1 s. */
  readonly syncIntervalMs?: number;
}

export interface TsdbStats {
  readonly series: number;
  /** Packed chunks, and one flat one for each series. */
  readonly chunks: number;
  readonly samplesAppended: number;
  readonly outOfOrder: number;
  readonly duplicates: number;
  readonly tooOld: number;
  /** New series refused because of `maxSeries`. */
  readonly seriesRefused: number;
  readonly walBytes: number;
  readonly walSegments: number;
  /** Segments with a torn or damaged tail that were found at start. */
  readonly walDamaged: number;
  readonly walWriteErrors: number;
  /** `undefined` while there are no samples. */
  readonly minTime: number | undefined;
  readonly maxTime: number | undefined;
}

/**
 * Samples in memory, with a log that brings them back. Appending does not allocate: resolve a series once with
 * `resolve`, then `append` by reference, and `commit` once per batch; `commit` is the acknowledgement. All calls are
 * synchronous, so a reader never sees half a batch that a scrape has appended in one turn.
 */
export class Tsdb implements Queryable, Appender {
  readonly #series = new Map<SeriesRef, MemorySeries>();
  readonly #byKey = new Map<string, MemorySeries>();
  readonly #index = new LabelIndex();
  readonly #options: Required<Omit<TsdbOptions, "dir">>;
  readonly #wal: Wal | undefined;
  readonly #batch = new BatchWriter();
  readonly #one = new Float64Array(1);
  readonly #stop = new AbortController();
  #lastRef = 0;
  #batchMaxTime = Number.NEGATIVE_INFINITY;
  #oldest = Number.NEGATIVE_INFINITY;
  #samplesAppended = 0;
  #outOfOrder = 0;
  #duplicates = 0;
  #tooOld = 0;
  #seriesRefused = 0;
  #walDamaged = 0;
  #walWriteErrors = 0;

  constructor(options: TsdbOptions) {
    this.#options = {
      clock: options.clock,
      retentionMs: options.retentionMs ?? 6 * 3_600_000,
      retentionBytes: options.retentionBytes ?? 1 << 30,
      maxSeries: options.maxSeries ?? 200_000,
      segmentBytes: options.segmentBytes ?? 8 << 20,
      syncIntervalMs: options.syncIntervalMs ?? 1000,
    };
    if (options.dir !== undefined) this.#wal = this.#recover(options.dir);
    this.enforceRetention();
    void this.#every(this.#options.syncIntervalMs, () => this.sync());
    void this.#every(60_000, () => this.enforceRetention());
  }

  /** The reference of a series, made if it is new. 0 when there are too many series already. */
  resolve(labels: Labels): SeriesRef {
    const known = this.#byKey.get(labels.key);
    if (known !== undefined) return known.ref;
    if (this.#series.size >= this.#options.maxSeries) {
      this.#seriesRefused++;
      return 0;
    }
    return this.#create(labels).ref;
  }

  /** Adds a sample to the batch; anything but `"appended"` and `"repeated"` is counted and otherwise without effect. */
  append(ref: SeriesRef, time: number, value: number): AppendResult {
    this.#one[0] = value;
    return this.#append(ref, time);
  }

  /** Marks the series as ended at `time`. */
  appendStale(ref: SeriesRef, time: number): AppendResult {
    setStale(this.#one, 0);
    return this.#append(ref, time);
  }

  /**
   * Acknowledges everything appended since the last commit: when it returns, the samples survive `kill -9`. A power cut
   * may take what was committed after the last `sync`. Throws when the log cannot be written (a full disk): the samples
   * are then in memory only.
   */
  commit(): void {
    const wal = this.#wal;
    if (wal === undefined || this.#batch.empty) return;
    try {
      wal.write(this.#batch.frames(), this.#batchMaxTime);
    } catch (error) {
      this.#walWriteErrors++;
      throw error;
    } finally {
      this.#batch.clear();
      this.#batchMaxTime = Number.NEGATIVE_INFINITY;
    }
  }

  *select(matchers: readonly Matcher[], range: TimeRange): Generator<SeriesView> {
    for (const series of this.#matching(matchers)) {
      const view = series.view(range);
      if (view !== undefined) yield view;
    }
  }

  /** Label sets of the series that match and have samples about the range. */
  *seriesLabels(matchers: readonly Matcher[], range: TimeRange): Generator<Labels> {
    for (const series of this.#matching(matchers)) if (series.overlaps(range)) yield series.labels;
  }

  /** All label names, sorted. */
  labelNames(): string[] {
    return this.#index.names();
  }

  /** All values of a label, sorted. */
  labelValues(name: string): string[] {
    return this.#index.values(name);
  }

  /** How many series each value of a label has; by default, each metric. */
  seriesCounts(name: string = METRIC_NAME): Map<string, number> {
    return this.#index.counts(name);
  }

  labelsOf(ref: SeriesRef): Labels | undefined {
    return this.#series.get(ref)?.labels;
  }

  /** Forces committed samples to disk. A failure is counted; the next turn tries again. */
  sync(): void {
    try {
      this.#wal?.sync();
    } catch {
      this.#walWriteErrors++;
    }
  }

  /** Forgets what is too old, or too much for the log's size limit. Runs each minute on its own. */
  enforceRetention(): void {
    const { clock, retentionMs, retentionBytes } = this.#options;
    const cutoff = clock.now() - retentionMs;
    const goneUpTo = this.#wal?.prune(cutoff, retentionBytes) ?? Number.NEGATIVE_INFINITY;
    this.#oldest = Math.max(this.#oldest, cutoff, goneUpTo + 1);
    const gone = new Set<SeriesRef>();
    for (const series of this.#series.values()) {
      if (!series.dropBefore(this.#oldest)) continue;
      gone.add(series.ref);
      this.#series.delete(series.ref);
      this.#byKey.delete(series.labels.key);
    }
    if (gone.size > 0) this.#index.remove(gone);
  }

  stats(): TsdbStats {
    let minTime: number | undefined;
    let maxTime: number | undefined;
    let chunks = 0;
    for (const series of this.#series.values()) {
      const { count, firstTime, lastTime } = series;
      if (count === 0) continue;
      chunks += series.chunks.length + 1;
      minTime = minTime === undefined ? firstTime : Math.min(minTime, firstTime);
      maxTime = maxTime === undefined ? lastTime : Math.max(maxTime, lastTime);
    }
    return {
      series: this.#series.size,
      chunks,
      samplesAppended: this.#samplesAppended,
      outOfOrder: this.#outOfOrder,
      duplicates: this.#duplicates,
      tooOld: this.#tooOld,
      seriesRefused: this.#seriesRefused,
      walBytes: this.#wal?.bytes ?? 0,
      walSegments: this.#wal?.segmentCount ?? 0,
      walDamaged: this.#walDamaged,
      walWriteErrors: this.#walWriteErrors,
      minTime,
      maxTime,
    };
  }

  /** Commits, syncs and lets go of the files. Safe to call twice. */
  close(): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    try {
      this.commit();
    } finally {
      this.#wal?.close();
    }
  }

  #append(ref: SeriesRef, time: number): AppendResult {
    const series = this.#series.get(ref);
    if (series === undefined) return "unknown series";
    if (time < this.#oldest) {
      this.#tooOld++;
      return "too old";
    }
    const result = series.append(time, this.#one, 0);
    if (result === "appended") {
      this.#samplesAppended++;
      if (time > this.#batchMaxTime) this.#batchMaxTime = time;
      if (this.#wal !== undefined) this.#batch.add(series, this.#wal.segment, time, this.#one, 0);
    } else if (result === "out of order") this.#outOfOrder++;
    else if (result === "duplicate") this.#duplicates++;
    return result;
  }

  *#matching(matchers: readonly Matcher[]): Generator<MemorySeries> {
    const compiled: CompiledMatcher[] = matchers.map(compileMatcher);
    for (const ref of this.#index.find(compiled)) {
      const series = this.#series.get(ref);
      if (series !== undefined) yield series;
    }
  }

  #create(labels: Labels): MemorySeries {
    const series = new MemorySeries(++this.#lastRef, labels);
    this.#series.set(series.ref, series);
    this.#byKey.set(labels.key, series);
    this.#index.add(series.ref, labels);
    return series;
  }

  #recover(dir: string): Wal {
    const { segmentBytes } = this.#options;
    // References in the log are another process' own, and each segment names its series anew.
    const byLoggedRef = new Map<number, MemorySeries>();
    const { wal, damaged } = Wal.open(dir, segmentBytes, {
      series: (ref, labels) => byLoggedRef.set(ref, this.#byKey.get(labels.key) ?? this.#create(labels)),
      sample: (ref, time, values) => byLoggedRef.get(ref)?.append(time, values, 0),
    });
    this.#walDamaged = damaged;
    return wal;
  }

  async #every(ms: number, work: () => void): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#options.clock.after(ms, signal);
      } catch {
        return;
      }
      work();
    }
  }
}
