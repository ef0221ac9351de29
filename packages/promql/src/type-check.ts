import { type Expr, isComparison, isSetOp, TYPE_NAMES, typeOf, type ValueType } from "./ast.ts";
import { goQuote } from "./lexer.ts";
import { ParseError, type Span } from "./position.ts";

/** Checks types and argument counts, innermost and leftmost first. Throws a `ParseError`. */
export function checkTypes(expr: Expr, text: string): void {
  const fail = (span: Span, what: string): never => {
    throw new ParseError(text, { start: span.start, end: Math.max(span.end, span.start + 1) }, what);
  };
  const expect = (node: Expr, type: ValueType, where: string) => {
    const got = typeOf(node);
    if (got !== type)
      fail(node.span, `expected type ${TYPE_NAMES[type]} in ${where}, got ${TYPE_NAMES[got]}`);
  };

  const check = (node: Expr): void => {
    switch (node.kind) {
      case "number":
      case "string":
      case "vector":
      case "matrix":
        return;
      case "paren":
        check(node.expr);
        return;
      case "unary": {
        check(node.expr);
        const type = typeOf(node.expr);
        if (type !== "scalar" && type !== "vector") {
          const allowed = "unary expression only allowed on expressions of type scalar or instant vector";
          fail(node.span, `${allowed}, got ${goQuote(TYPE_NAMES[type])}`);
        }
        return;
      }
      case "subquery": {
        check(node.expr);
        const type = typeOf(node.expr);
        if (type !== "vector")
          fail(node.span, `subquery is only allowed on instant vector, got ${type} instead`);
        return;
      }
      case "aggregation":
        check(node.expr);
        if (node.param !== undefined) check(node.param);
        expect(node.expr, "vector", "aggregation expression");
        if (node.param !== undefined) {
          expect(node.param, node.op === "count_values" ? "string" : "scalar", "aggregation parameter");
        }
        return;
      case "call":
        checkCall(node);
        return;
      case "binary":
        checkBinary(node);
        return;
    }
  };

  const checkCall = (node: Expr & { kind: "call" }): void => {
    const { func, args, span } = node;
    const wanted = func.args.length;
    const call = `in call to ${goQuote(func.name)}, got ${args.length}`;
    if (func.optional === 0) {
      if (args.length !== wanted) fail(span, `expected ${wanted} argument(s) ${call}`);
    } else if (args.length < wanted - 1) {
      fail(span, `expected at least ${wanted - 1} argument(s) ${call}`);
    } else if (func.optional > 0 && args.length > wanted) {
      fail(span, `expected at most ${wanted} argument(s) ${call}`);
    }
    args.forEach((arg, i) => {
      check(arg);
      const type = func.args[i] ?? func.args.at(-1);
      if (type !== undefined) expect(arg, type, `call to function ${goQuote(func.name)}`);
    });
  };

  const checkBinary = (node: Expr & { kind: "binary" }): void => {
    const { op, lhs, rhs, bool, matching, span } = node;
    check(lhs);
    check(rhs);
    const left = typeOf(lhs);
    const right = typeOf(rhs);
    const operator = operatorSpan(text, lhs.span.end);
    if (bool && !isComparison(op)) fail(operator, "bool modifier can only be used on comparison operators");
    if (isComparison(op) && !bool && left === "scalar" && right === "scalar") {
      fail(operator, "comparisons between scalars must use BOOL modifier");
    }
    const twice = matching?.on
      ? matching.labels.find((label) => matching.include.includes(label))
      : undefined;
    if (twice !== undefined) {
      fail(operator, `label ${goQuote(twice)} must not occur in ON and GROUP clause at once`);
    }
    for (const side of [lhs, rhs]) {
      const type = typeOf(side);
      if (type !== "scalar" && type !== "vector") {
        fail(side.span, "binary expression must contain only scalar and instant vector types");
      }
    }
    if (left !== "vector" || right !== "vector") {
      if (matching.labels.length > 0) {
        fail(span, "vector matching only allowed between instant vectors");
      }
      if (isSetOp(op)) fail(span, `set operator ${goQuote(op)} not allowed in binary scalar expression`);
    } else if (isSetOp(op) && matching.group !== undefined) {
      fail(span, `no grouping allowed for ${goQuote(op)} operation`);
    }
  };

  check(expr);
}

/** Where the operator stands that follows an operand ending at `end` (past blanks, comments and modifiers' ends). */
function operatorSpan(text: string, end: number): Span {
  const gap = /^(?:\s|#[^\n]*|\))*/.exec(text.slice(end))?.[0].length ?? 0;
  return { start: end + gap, end: end + gap + 1 };
}
