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
 * A source that holds the series with a sample a second from `from` to `to` (milliseconds, whole seconds). A sample a second
 * is more often than anybody scrapes, so that every window a gate may ask for holds enough of them. Samples are made when
 * they are asked for: a gate looks at minutes of an hour.
 */
export function syntheticSource(series: readonly SyntheticSeries[], { from, to }: TimeRange): Queryable {
  const held = series.map(({ name, labels, at }) => ({
    labels: Labels.from({ [METRIC_NAME]: name, ...labels }),
    at,
  }));
  return {
    *select(matchers: readonly Matcher[], range: TimeRange): Generator<SeriesView> {
      const compiled = matchers.map(compileMatcher);
      const first = Math.max(0, Math.ceil((range.from - from) / 1000));
      const end = Math.floor((Math.min(range.to, to) - from) / 1000) + 1 - first;
      if (end <= 0) return;
      const times = Float64Array.from({ length: end }, (_, index) => from + (first + index) * 1000);
      for (const { labels, at } of held) {
        if (!compiled.every(({ matcher, accepts }) => accepts(labels.get(matcher.name)))) continue;
        yield { labels, times, values: times.map((time) => at((time - from) / 1000)), start: 0, end };
      }
    },
  };
}
