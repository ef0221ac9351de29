import { Labels, type Matcher, METRIC_NAME, type Queryable } from "@tracegate/contracts";
import { aggregate, byValue, countValues } from "./aggregate.ts";
import type { Annotations } from "./annotations.ts";
import {
  type Aggregation,
  type Binary,
  type Call,
  type Expr,
  isSetOp,
  type TimeShift,
  unwrap,
} from "./ast.ts";
import { scalarScalar, setOperation, vectorScalar, vectorVector } from "./binary.ts";
import { EvaluationError } from "./evaluation-error.ts";
import { formatFloat } from "./format-float.ts";
import {
  type Evaluated,
  emptySeries,
  type Grid,
  type GridSeries,
  joinSameLabels,
  timeAt,
  withoutName,
} from "./grid.ts";
import { histogramFunction } from "./histogram-functions.ts";
import { DATE_FUNCTIONS, INSTANT_FUNCTIONS } from "./instant-functions.ts";
import { labelJoin, labelReplace, naturalOrder } from "./label-functions.ts";
import { KEEPS_NAME, RANGE_FUNCTIONS } from "./range-functions.ts";
import { type QueryBounds, referenceTimes, selectInstants, selectRuns } from "./selection.ts";
import { isPinned } from "./step-invariance.ts";
import { runOfGrid, type Windows, WindowView } from "./windows.ts";

/** What stays the same through one query. */
export interface QueryContext {
  readonly source: Queryable;
  readonly bounds: QueryBounds;
  readonly lookbackMs: number;
  /** The step of subqueries that name none. */
  readonly defaultStepMs: number;
  readonly annotations: Annotations;
  /** Sorting has no meaning in a range query; a warning says so. */
  readonly isRange: boolean;
  /** Called often; throws when the query has run too long, or was given up. */
  readonly checkpoint: () => void;
  /** Counts samples that are held; throws past the limit. */
  readonly hold: (samples: number) => void;
}

/** Evaluates an expression at all times of a grid at once. */
export function evaluate(expr: Expr, grid: Grid, context: QueryContext): Evaluated {
  context.checkpoint();
  if (grid.count > 1 && isPinned(expr))
    return spread(evaluateNode(expr, { ...grid, count: 1 }, context), grid.count);
  const result = evaluateNode(expr, grid, context);
  if (result.type === "vector") context.hold(result.series.length * grid.count);
  return result;
}

/** What is the same at every step is computed once. */
function spread(once: Evaluated, count: number): Evaluated {
  if (once.type === "string") return once;
  if (once.type === "scalar")
    return { type: "scalar", values: new Float64Array(count).fill(once.values[0] ?? 0) };
  const series = once.series.map(({ labels, values, present }) => ({
    labels,
    values: new Float64Array(count).fill(values[0] ?? 0),
    present: new Uint8Array(count).fill(present[0] ?? 0),
  }));
  return { type: "vector", series };
}

function evaluateNode(expr: Expr, grid: Grid, context: QueryContext): Evaluated {
  switch (expr.kind) {
    case "number":
      return { type: "scalar", values: new Float64Array(grid.count).fill(expr.value) };
    case "string":
      return { type: "string", text: expr.value };
    case "paren":
      return evaluate(expr.expr, grid, context);
    case "vector":
      return vector(instants(expr.matchers, expr.shift, grid, context, "value"));
    case "matrix":
    case "subquery":
      throw new EvaluationError("a range vector has a value only inside a function");
    case "unary":
      return negated(evaluate(expr.expr, grid, context), expr.op);
    case "binary":
      return evaluateBinary(expr, grid, context);
    case "aggregation":
      return evaluateAggregation(expr, grid, context);
    case "call":
      return evaluateCall(expr, grid, context);
  }
}

const vector = (series: readonly GridSeries[]): Evaluated => ({ type: "vector", series });

function instants(
  matchers: readonly Matcher[],
  shift: TimeShift,
  grid: Grid,
  context: QueryContext,
  output: "value" | "timestamp",
): GridSeries[] {
  const reference = referenceTimes(shift, grid, context.bounds);
  return selectInstants(context.source, matchers, reference, grid.count, context.lookbackMs, output);
}

function negated(operand: Evaluated, op: "+" | "-"): Evaluated {
  if (operand.type === "string" || op === "+") return operand;
  if (operand.type === "scalar") return { type: "scalar", values: operand.values.map((value) => -value) };
  const series = operand.series.map(({ labels, values, present }) => ({
    labels: withoutName(labels),
    values: values.map((value) => -value),
    present,
  }));
  return vector(joinSameLabels(series));
}

function evaluateBinary(expr: Binary, grid: Grid, context: QueryContext): Evaluated {
  const { op, bool } = expr;
  const lhs = evaluate(expr.lhs, grid, context);
  const rhs = evaluate(expr.rhs, grid, context);
  if (lhs.type === "string" || rhs.type === "string") throw new EvaluationError("strings have no operators");
  if (lhs.type === "scalar") {
    if (rhs.type === "scalar") return { type: "scalar", values: scalarScalar(op, lhs.values, rhs.values) };
    return vector(vectorScalar(op, bool, rhs.series, lhs.values, true));
  }
  if (rhs.type === "scalar") return vector(vectorScalar(op, bool, lhs.series, rhs.values, false));
  const matching = expr.matching ?? { on: false, labels: [], include: [] };
  if (isSetOp(op)) return vector(setOperation(op, matching, lhs.series, rhs.series, grid.count));
  return vector(vectorVector(op, bool, matching, lhs.series, rhs.series));
}

function evaluateAggregation(expr: Aggregation, grid: Grid, context: QueryContext): Evaluated {
  const parameter = expr.param === undefined ? undefined : evaluate(expr.param, grid, context);
  const input = vectorOf(expr.expr, grid, context);
  if (parameter?.type === "string") return vector(countValues(expr, input, parameter.text, grid.count));
  if (parameter?.type === "vector") throw new EvaluationError("an aggregation's parameter is a scalar");
  if (expr.op === "quantile" && expr.param !== undefined && input.length > 0) {
    warnOfQuantiles(parameter?.values ?? new Float64Array(0), expr.param, context);
  }
  return vector(aggregate(expr, input, parameter?.values, grid.count));
}

function warnOfQuantiles(values: Float64Array, at: Expr, { annotations }: QueryContext): void {
  for (const phi of new Set(values)) {
    if (phi >= 0 && phi <= 1) continue;
    annotations.warn(`quantile value should be between 0 and 1, got ${formatFloat(phi)}`, at.span);
  }
}

function vectorOf(expr: Expr, grid: Grid, context: QueryContext): readonly GridSeries[] {
  const result = evaluate(expr, grid, context);
  if (result.type !== "vector") throw new EvaluationError(`expected an instant vector, got a ${result.type}`);
  return result.series;
}

function scalarOf(expr: Expr | undefined, grid: Grid, context: QueryContext): Float64Array {
  const result = expr === undefined ? undefined : evaluate(expr, grid, context);
  if (result?.type !== "scalar") throw new EvaluationError("expected a scalar");
  return result.values;
}

function textOf(expr: Expr | undefined): string {
  const plain = expr === undefined ? undefined : unwrap(expr);
  if (plain?.kind !== "string") throw new EvaluationError("expected a string literal");
  return plain.value;
}

function evaluateCall(call: Call, grid: Grid, context: QueryContext): Evaluated {
  const { name } = call.func;
  const [first, second] = call.args;
  if (RANGE_FUNCTIONS[name] !== undefined) return vector(callRangeFunction(call, grid, context));
  if (INSTANT_FUNCTIONS[name] !== undefined) return vector(callInstantFunction(call, grid, context));
  if (DATE_FUNCTIONS[name] !== undefined) return vector(callDateFunction(call, grid, context));
  switch (name) {
    case "pi":
      return { type: "scalar", values: new Float64Array(grid.count).fill(Math.PI) };
    case "time":
      return { type: "scalar", values: secondsOf(grid) };
    case "scalar":
      return { type: "scalar", values: onlyValues(vectorOf(need(first), grid, context), grid.count) };
    case "vector":
      return vector([always(scalarOf(first, grid, context))]);
    case "timestamp":
      return vector(timestamps(need(first), grid, context));
    case "absent":
      return vector(absent(need(first), presenceOf(vectorOf(need(first), grid, context), grid.count)));
    case "absent_over_time":
      return vector(absent(need(first), presenceInWindows(need(first), grid, context)));
    case "label_replace": {
      const [target, replacement, source, pattern] = call.args.slice(1).map(textOf);
      const series = vectorOf(need(first), grid, context);
      return vector(labelReplace(series, target ?? "", replacement ?? "", source ?? "", pattern ?? ""));
    }
    case "label_join": {
      const series = vectorOf(need(first), grid, context);
      return vector(labelJoin(series, textOf(second), textOf(call.args[2]), call.args.slice(3).map(textOf)));
    }
    case "sort":
    case "sort_desc":
      return vector(sorted(call, vectorOf(need(first), grid, context), context));
    case "sort_by_label":
    case "sort_by_label_desc":
      return vector(sortedByLabel(call, vectorOf(need(first), grid, context)));
    case "histogram_quantile":
    case "histogram_fraction": {
      const scalars = call.args.slice(0, -1).map((arg) => scalarOf(arg, grid, context));
      const series = vectorOf(need(call.args.at(-1)), grid, context);
      if (name === "histogram_quantile")
        warnOfQuantiles(scalars[0] ?? new Float64Array(0), need(first), context);
      return vector(histogramFunction(call, scalars, series, grid.count, context.annotations));
    }
    default:
      throw new EvaluationError(`function ${name} is not implemented`);
  }
}

function need(expr: Expr | undefined): Expr {
  if (expr === undefined) throw new EvaluationError("a required argument is missing");
  return expr;
}

const secondsOf = (grid: Grid): Float64Array =>
  Float64Array.from({ length: grid.count }, (_, step) => timeAt(grid, step) / 1000);

const always = (values: Float64Array): GridSeries => ({
  labels: Labels.empty,
  values,
  present: new Uint8Array(values.length).fill(1),
});

/** scalar(v): the value at each step that has exactly one element, else NaN. */
function onlyValues(series: readonly GridSeries[], count: number): Float64Array {
  const values = new Float64Array(count).fill(Number.NaN);
  for (let step = 0; step < count; step++) {
    const here = series.filter(({ present }) => present[step] === 1);
    if (here.length === 1) values[step] = here[0]?.values[step] ?? Number.NaN;
  }
  return values;
}

/** timestamp(v): of a selector, the time of the sample that was chosen; of anything else, the evaluation time. */
function timestamps(arg: Expr, grid: Grid, context: QueryContext): readonly GridSeries[] {
  const plain = unwrap(arg);
  const series =
    plain.kind === "vector"
      ? instants(plain.matchers, plain.shift, grid, context, "timestamp")
      : vectorOf(arg, grid, context).map((one) => ({ ...one, values: secondsOf(grid) }));
  return joinSameLabels(series.map((one) => ({ ...one, labels: withoutName(one.labels) })));
}

/** Steps at which anything is there. */
function presenceOf(series: readonly GridSeries[], count: number): Uint8Array {
  const any = new Uint8Array(count);
  for (const { present } of series)
    for (let i = 0; i < count; i++) any[i] = (any[i] ?? 0) | (present[i] ?? 0);
  return any;
}

function presenceInWindows(arg: Expr, grid: Grid, context: QueryContext): Uint8Array {
  const any = new Uint8Array(grid.count);
  slideOver(windowsOf(arg, grid, context), grid, context, (window) => {
    any[window.step] = 1;
    return undefined;
  });
  return any;
}

/** 1 where nothing is, labelled with what the selector asks for by equality. */
function absent(arg: Expr, presence: Uint8Array): readonly GridSeries[] {
  const present = presence.map((value) => 1 - value);
  if (present.indexOf(1) < 0) return [];
  return [{ labels: labelsAskedFor(arg), values: new Float64Array(present.length).fill(1), present }];
}

function labelsAskedFor(arg: Expr): Labels {
  const plain = unwrap(arg);
  const selector = plain.kind === "matrix" ? plain.selector : plain;
  if (selector.kind !== "vector") return Labels.empty;
  const timesNamed = new Map<string, number>();
  for (const { name } of selector.matchers) timesNamed.set(name, (timesNamed.get(name) ?? 0) + 1);
  return Labels.from(
    selector.matchers
      .filter(({ name, op }) => op === "=" && name !== METRIC_NAME && timesNamed.get(name) === 1)
      .map(({ name, value }): [string, string] => [name, value]),
  );
}

function sorted(call: Call, series: readonly GridSeries[], context: QueryContext): readonly GridSeries[] {
  if (context.isRange) {
    context.annotations.warn(
      "sort is ineffective for range queries since results are always ordered by labels",
      call.span,
    );
    return series;
  }
  const descending = call.func.name === "sort_desc";
  return [...series].sort((a, b) => byValue(a.values[0] ?? 0, b.values[0] ?? 0, descending));
}

function sortedByLabel(call: Call, series: readonly GridSeries[]): readonly GridSeries[] {
  const names = call.args.slice(1).map(textOf);
  const sign = call.func.name.endsWith("_desc") ? -1 : 1;
  return [...series].sort((a, b) => {
    for (const name of names) {
      const order = naturalOrder(a.labels.get(name), b.labels.get(name));
      if (order !== 0) return sign * order;
    }
    return sign * naturalOrder(a.labels.key, b.labels.key);
  });
}

/** A function of the value alone and scalar parameters: name dropped, presence kept. */
function callInstantFunction(call: Call, grid: Grid, context: QueryContext): readonly GridSeries[] {
  const f = INSTANT_FUNCTIONS[call.func.name];
  const input = vectorOf(need(call.args[0]), grid, context);
  const scalars = call.args.slice(1).map((arg) => scalarOf(arg, grid, context));
  const params = scalars.map(() => 0);
  const isClamp = call.func.name === "clamp";
  const result = input.map(({ labels, values, present }) => {
    const out = emptySeries(withoutName(labels), grid.count);
    for (let step = 0; step < grid.count; step++) {
      if (present[step] === 0) continue;
      for (let p = 0; p < params.length; p++) params[p] = scalars[p]?.[step] ?? 0;
      // clamp with its bounds the wrong way round has no result.
      if (isClamp && (params[0] ?? 0) > (params[1] ?? 0)) continue;
      out.values[step] = f?.(values[step] ?? 0, params) ?? 0;
      out.present[step] = 1;
    }
    return out;
  });
  return joinSameLabels(result);
}

function callDateFunction(call: Call, grid: Grid, context: QueryContext): readonly GridSeries[] {
  const f = DATE_FUNCTIONS[call.func.name];
  const [arg] = call.args;
  const input = arg === undefined ? [always(secondsOf(grid))] : vectorOf(arg, grid, context);
  return joinSameLabels(
    input.map(({ labels, values, present }) => ({
      labels: withoutName(labels),
      values: values.map((value) => f?.(value) ?? 0),
      present,
    })),
  );
}

function callRangeFunction(call: Call, grid: Grid, context: QueryContext): readonly GridSeries[] {
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
function windowsOf(arg: Expr, grid: Grid, context: QueryContext): Windows {
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
function slideOver(
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
