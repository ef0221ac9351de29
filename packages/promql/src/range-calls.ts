import type { Call, Expr } from "./ast.ts";
import { unwrap } from "./ast.ts";
import { EvaluationError } from "./evaluation-error.ts";
import { emptySeries, type Grid, type GridSeries, joinSameLabels, timeAt, withoutName } from "./grid.ts";
import { need, type QueryContext, scalarOf, vectorOf, warnOfQuantiles } from "./query-context.ts";
import { KEEPS_NAME, RANGE_FUNCTIONS } from "./range-functions.ts";
import { referenceTimes, selectRuns } from "./selection.ts";
import { runOfGrid, type Windows, WindowView } from "./windows.ts";

/** Calls a function of a range vector at all steps. */
export function callRangeFunction(call: Call, grid: Grid, context: QueryContext): readonly GridSeries[] {
  const { name } = call.func;
  const f = RANGE_FUNCTIONS[name];
  const at = call.func.args.indexOf("matrix");
  const rangeArg = need(call.args[at]);
  const scalars = call.args.filter((_, i) => i !== at).map((arg) => scalarOf(arg, grid, context));
  if (name === "double_exponential_smoothing") checkFactors(scalars);
  const windows = windowsOf(rangeArg, grid, context);
  if (windows.runs.length > 0) {
    if (name === "quantile_over_time")
      warnOfQuantiles(scalars[0] ?? new Float64Array(0), need(call.args[0]), context);
    if (name === "rate" || name === "increase") adviseOnCounters(windows, rangeArg, context);
  }
  const params = scalars.map(() => 0);
  const series = slideOver(windows, grid, context, (window) => {
    for (let p = 0; p < params.length; p++) params[p] = scalars[p]?.[window.step] ?? 0;
    return f?.(window, params);
  });
  if (KEEPS_NAME.has(name)) return joinSameLabels(series);
  return joinSameLabels(
    series.map((one) => ({ ...one, labels: withoutName(one.labels) })),
    true,
  );
}

function checkFactors([smoothing = [], trending = []]: readonly ArrayLike<number>[]): void {
  const outside = (value: number) => !(value > 0 && value < 1);
  for (const value of Array.from(smoothing)) {
    if (outside(value))
      throw new EvaluationError(`invalid smoothing factor. Expected: 0 < sf < 1, got: ${value.toFixed(6)}`);
  }
  for (const value of Array.from(trending)) {
    if (outside(value))
      throw new EvaluationError(`invalid trend factor. Expected: 0 < tf < 1, got: ${value.toFixed(6)}`);
  }
}

function adviseOnCounters(windows: Windows, arg: Expr, { annotations }: QueryContext): void {
  for (const name of new Set(windows.runs.map(({ labels }) => labels.name))) {
    if (name === "" || /_(?:total|sum|count|bucket)$/.test(name)) continue;
    const hint = "metric might not be a counter, name does not end in _total/_sum/_count/_bucket";
    annotations.info(`${hint}: ${JSON.stringify(name)}`, arg.span);
  }
}

/** The argument of a range-vector function as runs of samples and the windows to slide over them. */
export function windowsOf(arg: Expr, grid: Grid, context: QueryContext): Windows {
  const plain = unwrap(arg);
  if (plain.kind === "matrix") {
    const { selector, rangeMs } = plain;
    const referenceAt = referenceTimes(selector.shift, grid, context.bounds);
    const runs = selectRuns(context.source, selector.matchers, referenceAt, grid.count, rangeMs);
    context.hold(runs.reduce((sum, { start, end }) => sum + end - start, 0));
    return { runs, rangeMs, referenceAt };
  }
  if (plain.kind !== "subquery") throw new EvaluationError("expected a range vector");
  const referenceAt = referenceTimes(plain.shift, grid, context.bounds);
  const inner = subqueryGrid(
    referenceAt(0),
    referenceAt(grid.count - 1),
    plain.rangeMs,
    plain.stepMs ?? context.defaultStepMs,
  );
  if (inner.count === 0) return { runs: [], rangeMs: plain.rangeMs, referenceAt };
  const runs = vectorOf(plain.expr, inner, context).map((series) => runOfGrid(series, inner));
  return { runs: runs.filter(({ end }) => end > 0), rangeMs: plain.rangeMs, referenceAt };
}

/** The times of a subquery: multiples of its step in (first − range, last]. */
export function subqueryGrid(first: number, last: number, rangeMs: number, stepMs: number): Grid {
  const lower = first - rangeMs;
  let start = Math.trunc(lower / stepMs) * stepMs;
  if (start <= lower) start += stepMs;
  return { start, stepMs, count: Math.max(0, Math.floor((last - start) / stepMs) + 1) };
}

/** Applies a function to every non-empty window of every run. */
export function slideOver(
  windows: Windows,
  grid: Grid,
  context: QueryContext,
  f: (window: WindowView) => number | undefined,
): GridSeries[] {
  const { runs, rangeMs, referenceAt } = windows;
  const window = new WindowView();
  const result: GridSeries[] = [];
  for (const run of runs) {
    context.checkpoint();
    window.enter(run);
    const out = emptySeries(run.labels, grid.count);
    let any = false;
    for (let step = 0; step < grid.count; step++) {
      const reference = referenceAt(step);
      window.slide(reference - rangeMs, reference);
      if (window.from === window.to) continue;
      window.step = step;
      window.evalTime = timeAt(grid, step);
      const value = f(window);
      if (value === undefined) continue;
      out.values[step] = value;
      out.present[step] = 1;
      any = true;
    }
    if (any) result.push(out);
  }
  return result;
}
