import {
  Labels,
  type Matcher,
  METRIC_NAME,
  type Queryable,
  type SeriesView,
  type TimeRange,
} from "@tracegate/contracts";
import { compileMatcher } from "@tracegate/tsdb";

/** A series that never was measured: its value is a function of time. */
export interface SyntheticSeries {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The value so many seconds after the series began. */
  readonly at: (seconds: number) => number;
}

/** A counter that grows steadily. */
export const counter = (
  name: string,
  labels: Readonly<Record<string, string>>,
  perSecond: number,
): SyntheticSeries => ({ name, labels, at: (seconds) => seconds * perSecond });

export const gauge = (
  name: string,
  labels: Readonly<Record<string, string>>,
  value: number,
): SyntheticSeries => ({ name, labels, at: () => value });

/**
 * A source that holds the series with a sample a second from `from` to `to` (milliseconds). A sample a second is more often
 * than anybody scrapes, so that every window a gate may ask for holds enough of them.
 */
export function syntheticSource(series: readonly SyntheticSeries[], { from, to }: TimeRange): Queryable {
  const count = Math.floor((to - from) / 1000) + 1;
  const times = Float64Array.from({ length: count }, (_, index) => from + index * 1000);
  const held = series.map(({ name, labels, at }) => ({
    labels: Labels.from({ [METRIC_NAME]: name, ...labels }),
    values: Float64Array.from({ length: count }, (_, index) => at(index)),
  }));
  return {
    *select(matchers: readonly Matcher[], range: TimeRange): Generator<SeriesView> {
      const compiled = matchers.map(compileMatcher);
      const start = Math.max(0, Math.ceil((range.from - from) / 1000));
      const end = Math.min(count, Math.floor((range.to - from) / 1000) + 1);
      if (start >= end) return;
      for (const { labels, values } of held) {
        if (compiled.every(({ matcher, accepts }) => accepts(labels.get(matcher.name))))
          yield { labels, times, values, start, end };
      }
    },
  };
}
