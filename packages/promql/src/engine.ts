import { compareLabels, Labels, type Queryable } from "@tracegate/contracts";
import { Annotations } from "./annotations.ts";
import { type Expr, TYPE_NAMES, typeOf, unwrap } from "./ast.ts";
import { EvaluationError } from "./evaluation-error.ts";
import { evaluate } from "./evaluator.ts";
import { type Evaluated, type Grid, timeAt } from "./grid.ts";
import { parse } from "./parser.ts";
import type { QueryContext } from "./query-context.ts";
import { subqueryGrid } from "./range-calls.ts";
import { type QueryBounds, referenceTimes, selectRuns } from "./selection.ts";
import type { MatrixSeries, QueryResult, Value } from "./value.ts";
import { runOfGrid } from "./windows.ts";

export interface EngineOptions {
  /** How far back an instant selector looks. Default 5 minutes. */
  readonly lookbackMs?: number;
  /** The step of subqueries without one. Default 1 minute. */
  readonly defaultStepMs?: number;
  /** Samples held at once. Default 50 million. */
  readonly maxSamples?: number;
  /** Accept what Prometheus has behind a flag. */
  readonly experimental?: boolean;
  /** Called often during the evaluation; throw from it (an `EvaluationError`) to give up. */
  readonly checkpoint?: () => void;
}

/** Evaluates a query at one time. Pure over the source: no clock, no waiting. */
export function instantQuery(
  source: Queryable,
  text: string,
  time: number,
  options: EngineOptions = {},
): QueryResult {
  const expr = parse(text, options);
  const grid: Grid = { start: time, stepMs: 1, count: 1 };
  const context = contextOf(source, text, { start: time, end: time, stepMs: 0 }, false, options);
  return resultOf(instantValue(expr, grid, context), context);
}

/** Evaluates a query at start, start + step, … up to end; always a matrix. */
export function rangeQuery(
  source: Queryable,
  text: string,
  range: { readonly start: number; readonly end: number; readonly stepMs: number },
  options: EngineOptions = {},
): QueryResult {
  const expr = parse(text, options);
  const type = typeOf(expr);
  if (type === "matrix" || type === "string") {
    const shown = JSON.stringify(TYPE_NAMES[type]);
    throw new InvalidTypeError(
      `invalid expression type ${shown} for range query, must be Scalar or instant Vector`,
    );
  }
  const { start, end, stepMs } = range;
  const grid: Grid = { start, stepMs, count: Math.floor((end - start) / stepMs) + 1 };
  const context = contextOf(source, text, range, true, options);
  return resultOf({ type: "matrix", series: matrixOf(evaluate(expr, grid, context), grid) }, context);
}

/** A well-formed query of a type that the kind of query does not take. */
export class InvalidTypeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "InvalidTypeError";
  }
}

function contextOf(
  source: Queryable,
  text: string,
  bounds: QueryBounds,
  isRange: boolean,
  options: EngineOptions,
): QueryContext {
  const limit = options.maxSamples ?? 50_000_000;
  let held = 0;
  const context: QueryContext = {
    evaluate: (expr, grid) => evaluate(expr, grid, context),
    source,
    bounds,
    isRange,
    lookbackMs: options.lookbackMs ?? 300_000,
    defaultStepMs: options.defaultStepMs ?? 60_000,
    annotations: new Annotations(text),
    checkpoint: options.checkpoint ?? (() => {}),
    hold(samples) {
      held += samples;
      if (held > limit) {
        throw new EvaluationError(
          "query processing would load too many samples into memory in query execution",
        );
      }
    },
  };
  return context;
}

function resultOf(value: Value, { annotations }: QueryContext): QueryResult {
  return { value, warnings: annotations.warnings, infos: annotations.infos };
}

function instantValue(expr: Expr, grid: Grid, context: QueryContext): Value {
  const time = grid.start;
  if (typeOf(expr) === "matrix") return { type: "matrix", series: rawMatrix(expr, grid, context) };
  const result = evaluate(expr, grid, context);
  if (result.type === "string") return { type: "string", time, text: result.text };
  if (result.type === "scalar") return { type: "scalar", time, value: result.values[0] ?? 0 };
  const samples = result.series
    .filter(({ present }) => present[0] === 1)
    .map(({ labels, values }) => ({ labels, value: values[0] ?? 0 }));
  return { type: "vector", time, samples };
}

/** A range selector or subquery on its own: the samples of its window, with their own times. */
function rawMatrix(expr: Expr, grid: Grid, context: QueryContext): MatrixSeries[] {
  const plain = unwrap(expr);
  if (plain.kind === "matrix") {
    const reference = referenceTimes(plain.selector.shift, grid, context.bounds);
    const runs = selectRuns(context.source, plain.selector.matchers, reference, 1, plain.rangeMs);
    return ordered(
      runs.map(({ labels, times, values, start, end }) => ({
        labels,
        times: times.slice(start, end),
        values: values.slice(start, end),
      })),
    );
  }
  if (plain.kind !== "subquery") throw new EvaluationError("expected a range vector");
  const end = referenceTimes(plain.shift, grid, context.bounds)(0);
  const stepMs = plain.stepMs ?? context.defaultStepMs;
  const inner = subqueryGrid(end, end, plain.rangeMs, stepMs);
  return inner.count === 0 ? [] : matrixOf(evaluate(plain.expr, inner, context), inner);
}

function matrixOf(result: Evaluated, grid: Grid): MatrixSeries[] {
  if (result.type === "string") throw new EvaluationError("a string has no values over time");
  if (result.type === "scalar") {
    const times = Float64Array.from({ length: grid.count }, (_, step) => timeAt(grid, step));
    return [{ labels: Labels.empty, times, values: result.values }];
  }
  const series = result.series.map((one) => runOfGrid(one, grid)).filter(({ end }) => end > 0);
  return ordered(
    series.map(({ labels, times, values, end }) => ({
      labels,
      times: times.subarray(0, end),
      values: values.subarray(0, end),
    })),
  );
}

const ordered = (series: MatrixSeries[]): MatrixSeries[] =>
  series.sort((a, b) => compareLabels(a.labels, b.labels));
