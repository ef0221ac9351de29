import { isStale, type Labels, type SeriesView } from "@tracegate/contracts";
import type { GridSeries } from "./grid.ts";
import { type Grid, timeAt } from "./grid.ts";

/** The samples of one series that range-vector functions slide over: no staleness markers, no gaps. */
export interface SampleRun {
  readonly labels: Labels;
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly start: number;
  readonly end: number;
}

/** A range vector over a grid: at each step the samples in (reference − range, reference]. */
export interface Windows {
  readonly runs: readonly SampleRun[];
  readonly rangeMs: number;
  /** The right edge of the window at a step. */
  readonly referenceAt: (step: number) => number;
}

/** What a range-vector function sees of one window: samples `from` ≤ i < `to`. One object serves all windows. */
export class WindowView {
  times: Float64Array = new Float64Array(0);
  values: Float64Array = new Float64Array(0);
  from = 0;
  to = 0;
  /** Edges in milliseconds; the left one is not part of the window. */
  startTime = 0;
  endTime = 0;
  /** The evaluation time of the step. */
  evalTime = 0;
  step = 0;
  /** Indices at which a counter of this run fell, ascending; made on demand. */
  #drops: readonly number[] | undefined;
  #dropsOf: Float64Array | undefined;
  #end = 0;

  enter(run: SampleRun): void {
    this.times = run.times;
    this.values = run.values;
    this.from = run.start;
    this.to = run.start;
    this.#end = run.end;
    this.#dropsOf = undefined;
  }

  /** Moves to the window (end − range, end]; windows of one run must be visited from left to right. */
  slide(startTime: number, endTime: number): void {
    const { times } = this;
    const end = this.#end;
    let { from, to } = this;
    while (from < end && (times[from] ?? 0) <= startTime) from++;
    if (to < from) to = from;
    while (to < end && (times[to] ?? 0) <= endTime) to++;
    this.from = from;
    this.to = to;
    this.startTime = startTime;
    this.endTime = endTime;
  }

  /** The sum of what was lost in counter resets inside the window, added up from left to right. */
  lostInResets(raw: number): number {
    if (this.#dropsOf !== this.values) {
      this.#drops = dropsOf(this.values, this.from, this.#end);
      this.#dropsOf = this.values;
    }
    let total = raw;
    for (const index of this.#drops ?? []) {
      if (index >= this.to) break;
      if (index > this.from) total += this.values[index - 1] ?? 0;
    }
    return total;
  }
}

const NO_DROPS: readonly number[] = [];

function dropsOf(values: Float64Array, from: number, to: number): readonly number[] {
  let drops: number[] | undefined;
  for (let i = from + 1; i < to; i++) {
    if ((values[i] ?? 0) < (values[i - 1] ?? 0)) {
      drops ??= [];
      drops.push(i);
    }
  }
  return drops ?? NO_DROPS;
}

/** The view without its staleness markers; itself when it has none. */
export function withoutStale({ labels, times, values, start, end }: SeriesView): SampleRun {
  let stale = 0;
  for (let i = start; i < end; i++) if (isStale(values, i)) stale++;
  if (stale === 0) return { labels, times, values, start, end };
  const length = end - start - stale;
  const keptTimes = new Float64Array(length);
  const keptValues = new Float64Array(length);
  for (let i = start, at = 0; i < end; i++) {
    if (isStale(values, i)) continue;
    keptTimes[at] = times[i] ?? 0;
    keptValues[at++] = values[i] ?? 0;
  }
  return { labels, times: keptTimes, values: keptValues, start: 0, end: length };
}

/** The result of a subquery's inner evaluation as samples. */
export function runOfGrid(series: GridSeries, grid: Grid): SampleRun {
  const times = new Float64Array(grid.count);
  const values = new Float64Array(grid.count);
  let at = 0;
  for (let step = 0; step < grid.count; step++) {
    if (series.present[step] === 0) continue;
    times[at] = timeAt(grid, step);
    values[at++] = series.values[step] ?? 0;
  }
  return { labels: series.labels, times, values, start: 0, end: at };
}
