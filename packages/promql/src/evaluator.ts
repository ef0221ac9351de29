import { aggregate, countValues } from "./aggregate.ts";
import { type Aggregation, type Binary, type Expr, isSetOp } from "./ast.ts";
import { scalarScalar, setOperation, vectorScalar, vectorVector } from "./binary.ts";
import { evaluateCall } from "./calls.ts";
import { EvaluationError } from "./evaluation-error.ts";
import { type Evaluated, type Grid, joinSameLabels, vector, withoutName } from "./grid.ts";
import { instants, type QueryContext, vectorOf, warnOfQuantiles } from "./query-context.ts";
import { isPinned } from "./step-invariance.ts";

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
  if (isSetOp(op)) return vector(setOperation(op, expr.matching, lhs.series, rhs.series, grid.count));
  return vector(vectorVector(op, bool, expr.matching, lhs.series, rhs.series));
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
