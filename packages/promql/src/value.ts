import type { Labels } from "@tracegate/contracts";

/** A query's result. Times in milliseconds. */
export type Value =
  | { readonly type: "scalar"; readonly time: number; readonly value: number }
  | { readonly type: "string"; readonly time: number; readonly text: string }
  | { readonly type: "vector"; readonly time: number; readonly samples: readonly InstantSample[] }
  | { readonly type: "matrix"; readonly series: readonly MatrixSeries[] };

export interface InstantSample {
  readonly labels: Labels;
  readonly value: number;
}

/** Samples `0 ≤ i < times.length` of both arrays. */
export interface MatrixSeries {
  readonly labels: Labels;
  readonly times: Float64Array;
  readonly values: Float64Array;
}

export interface QueryResult {
  readonly value: Value;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}
