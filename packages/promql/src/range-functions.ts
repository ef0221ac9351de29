import {
  linearRegression,
  maxOf,
  meanOf,
  minOf,
  nanFirst,
  quantileOf,
  sumOf,
  varianceOf,
} from "./float-math.ts";
import type { WindowView } from "./windows.ts";

/**
 * A function of one window with at least one sample. `undefined` means: no result for this step. `params` are the
 * scalar arguments at the step, in the order of the call.
 */
export type RangeFunction = (window: WindowView, params: readonly number[]) => number | undefined;

/** rate(v range-vector), increase(v range-vector), delta(v range-vector): the change, extrapolated to the edges. */
function extrapolated(window: WindowView, isCounter: boolean, isRate: boolean): number | undefined {
  const { times, values, from, to, startTime, endTime } = window;
  const count = to - from;
  if (count < 2) return undefined;
  const firstTime = times[from] ?? 0;
  const lastTime = times[to - 1] ?? 0;
  const first = values[from] ?? 0;
  const last = values[to - 1] ?? 0;
  const raw = isCounter ? window.lostInResets(last - first) : last - first;

  let toStart = (firstTime - startTime) / 1000;
  let toEnd = (endTime - lastTime) / 1000;
  const sampled = (lastTime - firstTime) / 1000;
  const averageGap = sampled / (count - 1);
  // Samples close to an edge suggest that the series goes on beyond it; else it began or ended half a gap away.
  const threshold = averageGap * 1.1;
  if (toStart >= threshold) toStart = averageGap / 2;
  if (isCounter && raw > 0 && first >= 0) {
    // A counter cannot have been below zero: do not extrapolate past the point where it was.
    toStart = Math.min(toStart, sampled * (first / raw));
  }
  if (toEnd >= threshold) toEnd = averageGap / 2;
  let factor = (sampled + toStart + toEnd) / sampled;
  if (isRate) factor /= (endTime - startTime) / 1000;
  return raw * factor;
}

/** irate, idelta: the change between the last two samples. */
function instantaneous({ times, values, to, from }: WindowView, isRate: boolean): number | undefined {
  if (to - from < 2) return undefined;
  const last = values[to - 1] ?? 0;
  const previous = values[to - 2] ?? 0;
  const interval = (times[to - 1] ?? 0) - (times[to - 2] ?? 0);
  if (interval === 0) return undefined;
  const change = isRate && last < previous ? last : last - previous;
  return isRate ? change / (interval / 1000) : change;
}

function changes({ values, from, to }: WindowView): number {
  let count = 0;
  for (let i = from + 1; i < to; i++) {
    const now = values[i] ?? 0;
    const before = values[i - 1] ?? 0;
    if (now !== before && !(Number.isNaN(now) && Number.isNaN(before))) count++;
  }
  return count;
}

function resets({ values, from, to }: WindowView): number {
  let count = 0;
  for (let i = from + 1; i < to; i++) if ((values[i] ?? 0) < (values[i - 1] ?? 0)) count++;
  return count;
}

/** double_exponential_smoothing(v, smoothing factor, trend factor); the factors were checked before. */
function smoothed({ values, from, to }: WindowView, smoothing: number, trending: number): number | undefined {
  if (to - from < 2) return undefined;
  let before = 0;
  let level = values[from] ?? 0;
  let trend = (values[from + 1] ?? 0) - level;
  for (let i = from + 1; i < to; i++) {
    if (i > from + 1) trend = trending * (level - before) + (1 - trending) * trend;
    const next = smoothing * (values[i] ?? 0) + (1 - smoothing) * (level + trend);
    before = level;
    level = next;
  }
  return level;
}

function medianDeviation({ values, from, to }: WindowView): number {
  const sample = values.slice(from, to);
  if (sample.some(Number.isNaN)) return Number.NaN;
  const median = quantileOf(0.5, sample, 0, sample.length);
  const deviations = sample.map((value) => Math.abs(value - median)).sort(nanFirst);
  return quantileOf(0.5, deviations, 0, deviations.length);
}

/** The time in seconds of the last sample that holds the wanted extreme. */
function timeOfExtreme({ times, values, from, to }: WindowView, extreme: number): number {
  for (let i = to - 1; i >= from; i--) if (Object.is(values[i], extreme)) return (times[i] ?? 0) / 1000;
  return (times[from] ?? 0) / 1000;
}

const overTime =
  (f: (values: Float64Array, from: number, to: number) => number): RangeFunction =>
  ({ values, from, to }) =>
    f(values, from, to);

export const RANGE_FUNCTIONS: Readonly<Record<string, RangeFunction>> = {
  rate: (w) => extrapolated(w, true, true),
  increase: (w) => extrapolated(w, true, false),
  delta: (w) => extrapolated(w, false, false),
  irate: (w) => instantaneous(w, true),
  idelta: (w) => instantaneous(w, false),
  changes,
  resets,
  deriv: ({ times, values, from, to }) =>
    to - from < 2 ? undefined : linearRegression(times, values, from, to, times[from] ?? 0).slope,
  predict_linear: ({ times, values, from, to, evalTime }, [seconds = 0]) => {
    if (to - from < 2) return undefined;
    const { slope, intercept } = linearRegression(times, values, from, to, evalTime);
    return slope * seconds + intercept;
  },
  double_exponential_smoothing: (w, [smoothing = 0, trending = 0]) => smoothed(w, smoothing, trending),
  avg_over_time: overTime(meanOf),
  sum_over_time: overTime(sumOf),
  min_over_time: overTime(minOf),
  max_over_time: overTime(maxOf),
  stdvar_over_time: overTime(varianceOf),
  stddev_over_time: overTime((values, from, to) => Math.sqrt(varianceOf(values, from, to))),
  count_over_time: ({ from, to }) => to - from,
  present_over_time: () => 1,
  last_over_time: ({ values, to }) => values[to - 1] ?? 0,
  first_over_time: ({ values, from }) => values[from] ?? 0,
  quantile_over_time: ({ values, from, to }, [phi = 0]) => quantileOf(phi, values, from, to),
  mad_over_time: medianDeviation,
  ts_of_first_over_time: ({ times, from }) => (times[from] ?? 0) / 1000,
  ts_of_last_over_time: ({ times, to }) => (times[to - 1] ?? 0) / 1000,
  ts_of_min_over_time: (w) => timeOfExtreme(w, minOf(w.values, w.from, w.to)),
  ts_of_max_over_time: (w) => timeOfExtreme(w, maxOf(w.values, w.from, w.to)),
};

/** Range functions that keep the metric name. */
export const KEEPS_NAME: ReadonlySet<string> = new Set(["last_over_time", "first_over_time"]);
