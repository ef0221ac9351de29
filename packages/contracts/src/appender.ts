import type { Labels } from "./labels.ts";

/**
 * What became of a sample, as Prometheus decides it. Only `appended` stored anything; `repeated` is the newest sample
 * once more and nothing wrong; after `unknown series` the labels have to be resolved again.
 */
export type AppendResult =
  | "appended"
  | "repeated"
  | "out of order"
  | "duplicate"
  | "too old"
  | "unknown series";

/** A reference to a series of a store; never 0. */
export type SeriesRef = number;

/** Where samples are written: resolve a series once, append by reference, commit a batch. Times in milliseconds. */
export interface Appender {
  /** The reference of a series, made if it is new; 0 when the store takes no more series. */
  resolve(labels: Labels): SeriesRef;
  append(ref: SeriesRef, time: number, value: number): AppendResult;
  /** Marks the series as ended at `time`. */
  appendStale(ref: SeriesRef, time: number): AppendResult;
  /** Acknowledges what was appended since the last commit: from here on it survives a crash of the process. */
  commit(): void;
}
