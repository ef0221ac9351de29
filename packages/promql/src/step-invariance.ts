import type { Expr } from "./ast.ts";

/** Functions whose result changes with the evaluation time, whatever their arguments. */
const DEPENDS_ON_TIME = new Set([
  "time",
  "start",
  "end",
  "step",
  "range",
  "timestamp",
  "predict_linear",
  "minute",
  "hour",
  "day_of_week",
  "day_of_month",
  "day_of_year",
  "days_in_month",
  "month",
  "year",
]);

/**
 * Whether an expression has selectors and all of them are pinned by `@`, so that every step of a range query sees the
 * same. (Plain numbers are not worth the trouble.)
 */
export function isPinned(expr: Expr): boolean {
  return stability(expr) === "pinned";
}

type Stability = "pinned" | "constant" | "moving";

function stability(expr: Expr): Stability {
  switch (expr.kind) {
    case "number":
    case "string":
      return "constant";
    case "vector":
      return expr.shift.at === undefined ? "moving" : "pinned";
    case "matrix":
      return stability(expr.selector);
    case "subquery":
      return expr.shift.at === undefined ? "moving" : "pinned";
    case "paren":
    case "unary":
      return stability(expr.expr);
    case "binary":
      return both(stability(expr.lhs), stability(expr.rhs));
    case "aggregation":
      return both(stability(expr.expr), expr.param === undefined ? "constant" : stability(expr.param));
    case "call":
      if (DEPENDS_ON_TIME.has(expr.func.name)) return "moving";
      return expr.args.map(stability).reduce(both, "constant");
  }
}

function both(a: Stability, b: Stability): Stability {
  if (a === "moving" || b === "moving") return "moving";
  return a === "pinned" || b === "pinned" ? "pinned" : "constant";
}

/** Whether a result depends on the evaluation time even when all selectors are pinned. */
export function evaluatesTime(expr: Expr): boolean {
  switch (expr.kind) {
    case "number":
    case "string":
    case "vector":
    case "matrix":
      return false;
    case "subquery":
    case "paren":
    case "unary":
      return evaluatesTime(expr.expr);
    case "binary":
      return evaluatesTime(expr.lhs) || evaluatesTime(expr.rhs);
    case "aggregation":
      return evaluatesTime(expr.expr) || (expr.param !== undefined && evaluatesTime(expr.param));
    case "call":
      return DEPENDS_ON_TIME.has(expr.func.name) || expr.args.some(evaluatesTime);
  }
}
