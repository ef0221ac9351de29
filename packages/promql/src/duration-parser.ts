import type { TokenCursor } from "./token-cursor.ts";

/** As messages name what may stand where a duration is wanted. */
export const DURATION_EXPECTED = "number, duration, step(), or range()";

/** A duration, or an arithmetic of durations and numbers of seconds; in milliseconds. */
export function parseDurationExpression(
  cursor: TokenCursor,
  context: string,
  expected: string,
  positive: boolean,
): number {
  const first = cursor.peek();
  const seconds = sum(cursor, context, expected, context === "offset");
  const ms = Math.round(seconds * 1000);
  if (positive && !(ms > 0)) throw cursor.fail(first, "duration must be greater than 0");
  if (!(Math.abs(ms) <= 9_223_372_036_854)) throw cursor.fail(first, "duration out of range");
  return ms;
}

/** In an `offset`, arithmetic needs parentheses: `x offset 5m * 2` multiplies x. */
function sum(cursor: TokenCursor, context: string, expected: string, single: boolean): number {
  let value = product(cursor, context, expected, single);
  while (!single && cursor.isOperator("+", "-")) {
    const sign = cursor.next().text === "-" ? -1 : 1;
    value += sign * product(cursor, context, expected, false);
  }
  return value;
}

function product(cursor: TokenCursor, context: string, expected: string, single: boolean): number {
  let value = power(cursor, context, expected, single);
  while (!single && cursor.isOperator("*", "/", "%")) {
    const operator = cursor.next();
    const other = power(cursor, context, expected, false);
    if (operator.text !== "*" && other === 0) {
      throw cursor.fail(operator, operator.text === "/" ? "division by zero" : "modulo by zero");
    }
    value = operator.text === "*" ? value * other : operator.text === "/" ? value / other : value % other;
  }
  return value;
}

function power(cursor: TokenCursor, context: string, expected: string, single: boolean): number {
  const value = operand(cursor, context, expected);
  if (single || !cursor.isOperator("^")) return value;
  cursor.next();
  return value ** power(cursor, context, expected, false);
}

function operand(cursor: TokenCursor, context: string, expected: string): number {
  const token = cursor.peek();
  if (cursor.isOperator("-", "+")) {
    cursor.next();
    const inner = operand(cursor, context, expected);
    return token.text === "-" ? -inner : inner;
  }
  if (cursor.isPunctuation("(")) {
    cursor.next();
    const value = sum(cursor, context, expected, false);
    cursor.expectPunctuation(")");
    return value;
  }
  const word = token.text.toLowerCase();
  if (token.kind === "identifier" && ["step", "range", "min_of", "max_of"].includes(word)) {
    throw cursor.fail(token, `${word}() in a duration is not implemented; write the duration out`);
  }
  if (token.kind !== "number" && token.kind !== "duration") throw cursor.unexpected(context, expected);
  cursor.next();
  return cursor.numberOf(token);
}
