import type { Labels, Matcher, Queryable, SeriesView, TimeRange } from "@tracegate/contracts";
import { RE2JS } from "re2js";

interface StoredSeries {
  readonly labels: Labels;
  readonly times: Float64Array;
  readonly values: Float64Array;
}

/** A store for tests: series are added whole. As naive as it can be, so that it can be trusted. */
export class MemorySource implements Queryable {
  readonly #series: StoredSeries[] = [];

  /** Times ascending. */
  add(labels: Labels, times: Float64Array, values: Float64Array): void {
    const known = this.#series.findIndex((series) => series.labels.key === labels.key);
    if (known < 0) this.#series.push({ labels, times, values });
    else this.#series[known] = joined(this.#series[known], { labels, times, values });
  }

  clear(): void {
    this.#series.length = 0;
  }

  *select(matchers: readonly Matcher[], { from, to }: TimeRange): Generator<SeriesView> {
    for (const { labels, times, values } of this.#series) {
      if (!matchers.every((matcher) => accepts(matcher, labels.get(matcher.name)))) continue;
      let start = 0;
      while (start < times.length && (times[start] ?? 0) < from) start++;
      let end = start;
      while (end < times.length && (times[end] ?? 0) <= to) end++;
      if (start < end) yield { labels, times, values, start, end };
    }
  }
}

function accepts({ op, value }: Matcher, actual: string): boolean {
  if (op === "=") return actual === value;
  if (op === "!=") return actual !== value;
  return RE2JS.compile(value, RE2JS.DOTALL).matcher(actual).matches() === (op === "=~");
}

function joined(a: StoredSeries | undefined, b: StoredSeries): StoredSeries {
  if (a === undefined) return b;
  const times = new Float64Array(a.times.length + b.times.length);
  const values = new Float64Array(times.length);
  times.set(a.times);
  times.set(b.times, a.times.length);
  values.set(a.values);
  values.set(b.values, a.values.length);
  return { labels: a.labels, times, values };
}
