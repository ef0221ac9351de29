import type { Expr, MatrixSelector, Subquery, TimeShift } from "./ast.ts";
import { DURATION_EXPECTED, parseDurationExpression } from "./duration-parser.ts";
import { NO_SHIFT } from "./selector-parser.ts";
import type { TokenCursor } from "./token-cursor.ts";

export function parseBrackets(cursor: TokenCursor, expr: Expr): MatrixSelector | Subquery {
  const open = cursor.next();
  const rangeMs = parseDurationExpression(cursor, "subquery selector", DURATION_EXPECTED, true);
  if (cursor.isPunctuation("]")) {
    const close = cursor.next();
    const fault =
      expr.kind !== "vector"
        ? "ranges only allowed for vector selectors"
        : expr.shift.offsetMs !== 0
          ? "no offset modifiers allowed before range"
          : expr.shift.at !== undefined
            ? "no @ modifiers allowed before range"
            : undefined;
    if (expr.kind !== "vector" || fault !== undefined) {
      throw cursor.fail({ start: open.start, end: close.end }, fault ?? "");
    }
    return { kind: "matrix", selector: expr, rangeMs, span: { start: expr.span.start, end: close.end } };
  }
  if (!cursor.isPunctuation(":")) throw cursor.unexpected("subquery or range", '":" or "]"');
  cursor.next();
  let step = {};
  if (!cursor.isPunctuation("]")) {
    step = {
      stepMs: parseDurationExpression(cursor, "subquery selector", `${DURATION_EXPECTED} or "]"`, true),
    };
    if (!cursor.isPunctuation("]")) throw cursor.unexpected("subquery selector", '"]"');
  }
  const { end } = cursor.next();
  return {
    kind: "subquery",
    expr,
    rangeMs,
    ...step,
    shift: NO_SHIFT,
    span: { start: expr.span.start, end },
  };
}

export function parseOffset(cursor: TokenCursor, expr: Expr): Expr {
  cursor.next();
  const offsetMs = parseDurationExpression(cursor, "offset", DURATION_EXPECTED, false);
  return shifted(cursor, expr, "offset modifier", (shift) => {
    if (shift.offsetMs !== 0) throw cursor.fail(expr.span, "offset may not be set multiple times");
    return { ...shift, offsetMs };
  });
}

export function parseAt(cursor: TokenCursor, expr: Expr): Expr {
  cursor.next();
  let token = cursor.peek();
  let at: number | "start" | "end";
  const word = token.kind === "keyword" ? token.text.toLowerCase() : "";
  if (word === "start" || word === "end") {
    cursor.next();
    if (!cursor.isPunctuation("(")) throw cursor.unexpected("@", "timestamp");
    cursor.next();
    cursor.expectPunctuation(")");
    at = word;
  } else {
    let sign = 1;
    if (token.kind === "operator" && (token.text === "-" || token.text === "+")) {
      sign = token.text === "-" ? -1 : 1;
      cursor.next();
      token = cursor.peek();
    }
    if (token.kind !== "number" && token.kind !== "duration") throw cursor.unexpected("@", "timestamp");
    cursor.next();
    const seconds = sign * cursor.numberOf(token);
    // Beyond 64-bit milliseconds.
    if (!(Math.abs(seconds) < 2 ** 63 / 1000)) {
      throw cursor.fail(expr.span, `timestamp out of bounds for @ modifier: ${goFixed(seconds)}`);
    }
    at = Math.round(seconds * 1000);
  }
  return shifted(cursor, expr, "@ modifier", (shift) => {
    if (shift.at !== undefined) throw cursor.fail(expr.span, "@ <timestamp> may not be set multiple times");
    return { ...shift, at };
  });
}

function shifted(
  cursor: TokenCursor,
  expr: Expr,
  what: string,
  change: (shift: TimeShift) => TimeShift,
): Expr {
  switch (expr.kind) {
    case "vector":
    case "subquery":
      return { ...expr, shift: change(expr.shift) };
    case "matrix":
      return { ...expr, selector: { ...expr.selector, shift: change(expr.selector.shift) } };
    default: {
      const allowed = "an instant vector selector or range vector selector or a subquery";
      throw cursor.fail(expr.span, `${what} must be preceded by ${allowed}`);
    }
  }
}

const goFixed = (value: number) =>
  Number.isFinite(value) ? value.toFixed(6) : Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
