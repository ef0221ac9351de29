import { isStale, type Matcher, type Queryable, type SeriesView } from "@tracegate/contracts";
import type { TimeShift } from "./ast.ts";
import { emptySeries, type Grid, type GridSeries, timeAt } from "./grid.ts";
import { type SampleRun, withoutStale } from "./windows.ts";

/** The bounds and the step of the whole query, for `@ start()`, `end()`, `step()`. */
export interface QueryBounds {
  readonly start: number;
  readonly end: number;
  /** 0 in an instant query. */
  readonly stepMs: number;
}

/** At which time a shifted selector looks for each step: the `@` time or the step's own, less the offset. */
export function referenceTimes(shift: TimeShift, grid: Grid, bounds: QueryBounds): (step: number) => number {
  const { at, offsetMs } = shift;
  if (at === undefined) return (step) => timeAt(grid, step) - offsetMs;
  const pinned = (at === "start" ? bounds.start : at === "end" ? bounds.end : at) - offsetMs;
  return () => pinned;
}

/** The newest sample of each series within the lookback at each step. */
export function selectInstants(
  source: Queryable,
  matchers: readonly Matcher[],
  reference: (step: number) => number,
  count: number,
  lookbackMs: number,
  output: "value" | "timestamp" = "value",
): GridSeries[] {
  // Both bounds of a window are left-open on whole milliseconds: from + 1.
  const range = { from: reference(0) - lookbackMs + 1, to: reference(count - 1) };
  const result: GridSeries[] = [];
  for (const view of source.select(matchers, range)) {
    const series = emptySeries(view.labels, count);
    if (fillInstants(view, series, reference, lookbackMs, output === "timestamp")) result.push(series);
  }
  return result;
}

function fillInstants(
  { times, values, start, end }: SeriesView,
  out: GridSeries,
  reference: (step: number) => number,
  lookbackMs: number,
  wantTime: boolean,
): boolean {
  const count = out.values.length;
  let any = false;
  let next = start;
  for (let step = 0; step < count; step++) {
    const time = reference(step);
    while (next < end && (times[next] ?? 0) <= time) next++;
    const newest = next - 1;
    if (newest < start || (times[newest] ?? 0) <= time - lookbackMs || isStale(values, newest)) continue;
    out.values[step] = wantTime ? (times[newest] ?? 0) / 1000 : (values[newest] ?? 0);
    out.present[step] = 1;
    any = true;
  }
  return any;
}

/** All samples that any window of the grid needs. */
export function selectRuns(
  source: Queryable,
  matchers: readonly Matcher[],
  reference: (step: number) => number,
  count: number,
  rangeMs: number,
): SampleRun[] {
  const range = { from: reference(0) - rangeMs + 1, to: reference(count - 1) };
  const runs: SampleRun[] = [];
  for (const view of source.select(matchers, range)) {
    const run = withoutStale(view);
    if (run.start < run.end) runs.push(run);
  }
  return runs;
}
