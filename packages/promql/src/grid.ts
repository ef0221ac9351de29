import type { Labels } from "@tracegate/contracts";
import { EvaluationError } from "./evaluation-error.ts";

/** The times at which an expression is evaluated: start, start + step, … (milliseconds). */
export interface Grid {
  readonly start: number;
  readonly stepMs: number;
  readonly count: number;
}

export const timeAt = (grid: Grid, step: number): number => grid.start + step * grid.stepMs;

/** One series evaluated over the grid: a value for each step at which it is present. */
export interface GridSeries {
  readonly labels: Labels;
  readonly values: Float64Array;
  /** 1 where there is a value. */
  readonly present: Uint8Array;
}

/** What an expression is over the whole grid. A range vector exists only as an argument (see windows.ts). */
export type Evaluated =
  | { readonly type: "scalar"; readonly values: Float64Array }
  | { readonly type: "string"; readonly text: string }
  | { readonly type: "vector"; readonly series: readonly GridSeries[] };

export const vector = (series: readonly GridSeries[]): Evaluated => ({ type: "vector", series });

export function emptySeries(labels: Labels, count: number): GridSeries {
  return { labels, values: new Float64Array(count), present: new Uint8Array(count) };
}

export const withoutName = (labels: Labels): Labels => labels.nameless;

export const isPresentAnywhere = (series: GridSeries): boolean => series.present.indexOf(1) >= 0;

/**
 * Joins series that have come to carry the same labels, as happens when names are dropped. They may take turns, but two
 * at one step are an error; in `strict` mode, so are two anywhere.
 */
export function joinSameLabels(series: readonly GridSeries[], strict = false): readonly GridSeries[] {
  if (series.length < 2) return series;
  const byKey = new Map<string, GridSeries>();
  for (const one of series) {
    const known = byKey.get(one.labels.key);
    byKey.set(one.labels.key, known === undefined ? one : joined(known, one, strict));
  }
  return byKey.size === series.length ? series : [...byKey.values()];
}

function joined(a: GridSeries, b: GridSeries, strict: boolean): GridSeries {
  const values = a.values.slice();
  const present = a.present.slice();
  for (let i = 0; i < values.length; i++) {
    if (b.present[i] === 0) continue;
    if (strict || present[i] === 1) {
      throw new EvaluationError("vector cannot contain metrics with the same labelset");
    }
    values[i] = b.values[i] ?? 0;
    present[i] = 1;
  }
  return { labels: a.labels, values, present };
}
