import type { Matcher, Queryable } from "@tracegate/contracts";
import type { Annotations } from "./annotations.ts";
import { type Expr, type TimeShift, unwrap } from "./ast.ts";
import { EvaluationError } from "./evaluation-error.ts";
import { formatFloat } from "./format-float.ts";
import type { Evaluated, Grid, GridSeries } from "./grid.ts";
import { type QueryBounds, referenceTimes, selectInstants } from "./selection.ts";

/** What stays the same through one query. */
export interface QueryContext {
  /** Evaluates a part of the query. */
  readonly evaluate: (expr: Expr, grid: Grid) => Evaluated;
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

export function vectorOf(expr: Expr, grid: Grid, context: QueryContext): readonly GridSeries[] {
  const result = context.evaluate(expr, grid);
  if (result.type !== "vector") throw new EvaluationError(`expected an instant vector, got a ${result.type}`);
  return result.series;
}

export function scalarOf(expr: Expr | undefined, grid: Grid, context: QueryContext): Float64Array {
  const result = expr === undefined ? undefined : context.evaluate(expr, grid);
  if (result?.type !== "scalar") throw new EvaluationError("expected a scalar");
  return result.values;
}

export function textOf(expr: Expr | undefined): string {
  const plain = expr === undefined ? undefined : unwrap(expr);
  if (plain?.kind !== "string") throw new EvaluationError("expected a string literal");
  return plain.value;
}

export function need(expr: Expr | undefined): Expr {
  if (expr === undefined) throw new EvaluationError("a required argument is missing");
  return expr;
}

export function warnOfQuantiles(values: Float64Array, at: Expr, { annotations }: QueryContext): void {
  for (const phi of new Set(values)) {
    if (phi >= 0 && phi <= 1) continue;
    annotations.warn(`quantile value should be between 0 and 1, got ${formatFloat(phi)}`, at.span);
  }
}

/** The newest samples of a selector at each step. */
export function instants(
  matchers: readonly Matcher[],
  shift: TimeShift,
  grid: Grid,
  context: QueryContext,
  output: "value" | "timestamp",
): GridSeries[] {
  const reference = referenceTimes(shift, grid, context.bounds);
  return selectInstants(context.source, matchers, reference, grid.count, context.lookbackMs, output);
}
