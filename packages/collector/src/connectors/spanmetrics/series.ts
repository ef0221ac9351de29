import type { Attributes, Exemplar } from "@tracegate/otlp";
import { ExponentialBuckets } from "./exponential.ts";

/** One line of a metric while it is being counted. Times are milliseconds. */
export interface SumSeries {
  readonly attributes: Attributes;
  readonly startMs: number;
  value: number;
  /** Not emitted yet. A new cumulative counter first shows 0, so that `rate()` sees its first increase. */
  fresh: boolean;
  exemplars: Exemplar[];
}

export interface HistogramSeries {
  readonly attributes: Attributes;
  readonly startMs: number;
  count: number;
  sum: number;
  readonly buckets: Float64Array;
  /** Counts in place of `buckets` where these are configured. */
  readonly exponential: ExponentialBuckets | undefined;
  exemplars: Exemplar[];
}

export function newSum(attributes: Attributes, startMs: number): SumSeries {
  return { attributes, startMs, value: 0, fresh: true, exemplars: [] };
}

export function newHistogram(attributes: Attributes, startMs: number, bounds: number): HistogramSeries {
  return {
    attributes,
    startMs,
    count: 0,
    sum: 0,
    buckets: new Float64Array(bounds + 1),
    exponential: undefined,
    exemplars: [],
  };
}

export function newExponential(attributes: Attributes, startMs: number, maxSize: number): HistogramSeries {
  const exponential = new ExponentialBuckets(maxSize);
  return { attributes, startMs, count: 0, sum: 0, buckets: new Float64Array(0), exponential, exemplars: [] };
}

/** `le` semantics: the first bound that is not below the value; past the last one the overflow bucket. */
export function observe(series: HistogramSeries, bounds: readonly number[], value: number): void {
  series.count++;
  series.sum += value;
  if (series.exponential !== undefined) {
    series.exponential.observe(value);
    return;
  }
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((bounds[middle] ?? Number.POSITIVE_INFINITY) < value) low = middle + 1;
    else high = middle;
  }
  series.buckets[low] = (series.buckets[low] ?? 0) + 1;
}

/**
 * The series of one metric in one resource group, by canonical key. With a limit, every key past it is counted in one
 * shared series marked `otel.metric.overflow`.
 */
export class SeriesSet<S> {
  readonly byKey = new Map<string, S>();
  readonly #limit: number;
  readonly #create: (attributes: Attributes) => S;

  constructor(limit: number, create: (attributes: Attributes) => S) {
    this.#limit = limit;
    this.#create = create;
  }

  at(key: string, attributes: () => Attributes): S {
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    if (this.#limit > 0 && this.byKey.size >= this.#limit) return this.overflow();
    const created = this.#create(attributes());
    this.byKey.set(key, created);
    return created;
  }

  overflow(): S {
    const known = this.byKey.get(OVERFLOW_KEY);
    if (known !== undefined) return known;
    const created = this.#create([{ key: "otel.metric.overflow", value: { boolValue: true } }]);
    this.byKey.set(OVERFLOW_KEY, created);
    return created;
  }

  isOverflow(series: S): boolean {
    return this.byKey.get(OVERFLOW_KEY) === series;
  }
}

/** No canonical key is this: they all begin with an attribute's name. */
const OVERFLOW_KEY = "\u0000overflow";
