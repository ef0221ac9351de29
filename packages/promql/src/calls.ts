import { compareLabels, Labels, METRIC_NAME } from "@tracegate/contracts";
import { byValue } from "./aggregate.ts";
import { type Call, type Expr, unwrap } from "./ast.ts";
import { EvaluationError } from "./evaluation-error.ts";
import {
  type Evaluated,
  emptySeries,
  type Grid,
  type GridSeries,
  joinSameLabels,
  timeAt,
  vector,
  withoutName,
} from "./grid.ts";
import { histogramFunction } from "./histogram-functions.ts";
import { DATE_FUNCTIONS, INSTANT_FUNCTIONS } from "./instant-functions.ts";
import { labelJoin, labelReplace, naturalOrder } from "./label-functions.ts";
import {
  instants,
  need,
  type QueryContext,
  scalarOf,
  textOf,
  vectorOf,
  warnOfQuantiles,
} from "./query-context.ts";
import { callRangeFunction, slideOver, windowsOf } from "./range-calls.ts";
import { RANGE_FUNCTIONS } from "./range-functions.ts";
import type { QueryBounds } from "./selection.ts";

/** Evaluates a function call; each kind of function has its table. */
export function evaluateCall(call: Call, grid: Grid, context: QueryContext): Evaluated {
  const { name } = call.func;
  const [first, second] = call.args;
  if (RANGE_FUNCTIONS[name] !== undefined) return vector(callRangeFunction(call, grid, context));
  if (INSTANT_FUNCTIONS[name] !== undefined) return vector(callInstantFunction(call, grid, context));
  if (DATE_FUNCTIONS[name] !== undefined) return vector(callDateFunction(call, grid, context));
  switch (name) {
    case "pi":
      return constant(Math.PI, grid);
    case "time":
      return { type: "scalar", values: secondsOf(grid) };
    case "start":
    case "end":
    case "step":
    case "range":
      return constant(boundOf(name, context.bounds) / 1000, grid);
    case "min_of":
    case "max_of": {
      const others = scalarOf(second, grid, context);
      const choose = name === "min_of" ? Math.min : Math.max;
      return {
        type: "scalar",
        values: scalarOf(first, grid, context).map((a, i) => choose(a, others[i] ?? 0)),
      };
    }
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

const constant = (value: number, grid: Grid): Evaluated => ({
  type: "scalar",
  values: new Float64Array(grid.count).fill(value),
});

function boundOf(name: "start" | "end" | "step" | "range", { start, end, stepMs }: QueryBounds): number {
  return name === "start" ? start : name === "end" ? end : name === "step" ? stepMs : end - start;
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
    return sign * compareLabels(a.labels, b.labels);
  });
}

const secondsOf = (grid: Grid): Float64Array =>
  Float64Array.from({ length: grid.count }, (_, step) => timeAt(grid, step) / 1000);

const always = (values: Float64Array): GridSeries => ({
  labels: Labels.empty,
  values,
  present: new Uint8Array(values.length).fill(1),
});
