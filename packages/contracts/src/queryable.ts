import type { Labels } from "./labels.ts";

/** How one label is compared. Regular expressions are RE2, anchored at both ends; `.` also matches a newline. */
export interface Matcher {
  readonly name: string;
  readonly op: "=" | "!=" | "=~" | "!~";
  readonly value: string;
}

/** Milliseconds since the epoch, both ends included. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The samples of one series inside a range: indices `start` ≤ i < `end` of two flat arrays, times ascending and unique.
 * Staleness markers are included (test with `isStale`). The arrays belong to the store and may hold more than the
 * range on either side; they must not be written, nor kept beyond the current turn of the event loop.
 */
export interface SeriesView {
  readonly labels: Labels;
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly start: number;
  readonly end: number;
}

/** All that a query engine asks of a store. */
export interface Queryable {
  /** Series that match all of `matchers` and have at least one sample in `range`, in no particular order. */
  select(matchers: readonly Matcher[], range: TimeRange): Iterable<SeriesView>;
}
