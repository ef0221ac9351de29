import type { Matcher } from "@tracegate/contracts";
import {
  type Aggregation,
  type Aggregator,
  type BinaryOp,
  type Expr,
  type Matching,
  type VectorSelector,
  WITH_PARAMETER,
} from "./ast.ts";
import { FUNCTIONS, refusalOf } from "./function-table.ts";
import { goQuote, type Token } from "./lexer.ts";
import { parseAt, parseBrackets, parseOffset } from "./modifier-parser.ts";
import { ParseError, type Span } from "./position.ts";
import { NO_SHIFT, nameMatcher, parseBraces, parseLabelList } from "./selector-parser.ts";
import { TokenCursor } from "./token-cursor.ts";
import { checkTypes } from "./type-check.ts";

export interface ParseOptions {
  /** Accept functions and aggregations that Prometheus has behind a flag. */
  readonly experimental?: boolean;
}

/** Parses and checks a query. Throws a `ParseError` with Prometheus' words and position for the first fault. */
export function parse(text: string, options: ParseOptions = {}): Expr {
  const expr = parseQuery(new TokenCursor(text, options.experimental ?? false));
  checkTypes(expr, text);
  return expr;
}

/** Parses a lone selector (`match[]`), as a list of matchers. */
export function parseSelector(text: string): readonly Matcher[] {
  const expr = parseQuery(new TokenCursor(text, false));
  if (expr.kind !== "vector" || expr.shift.offsetMs !== 0 || expr.shift.at !== undefined) {
    throw new ParseError(text, { ...expr.span, end: expr.span.end + 1 }, "expected a series selector");
  }
  return expr.matchers;
}

/** Loosest first; `^` is the only one that groups to the right. */
const PRECEDENCE: Readonly<Record<BinaryOp, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  "==": 3,
  "!=": 3,
  "<": 3,
  "<=": 3,
  ">": 3,
  ">=": 3,
  "+": 4,
  "-": 4,
  "*": 5,
  "/": 5,
  "%": 5,
  atan2: 5,
  "^": 6,
};
const UNARY_PRECEDENCE = 5;

/** Keywords that cannot be metric names, because they stand after an operator. */
const NEVER_A_NAME = new Set(["bool", "on", "ignoring", "group_left", "group_right"]);

/*
 * Recursive descent over Prometheus' own grammar. (The official lezer grammar serves editors: it recovers from faults
 * instead of naming them, and reads `-1^2` and `-x @ end()` with the sign bound first; tests hold it against this one.)
 */

function parseQuery(cursor: TokenCursor): Expr {
  if (cursor.peek().kind === "end") {
    const end = cursor.text.length;
    throw new ParseError(
      cursor.text,
      end === 0 ? { start: 0, end: 0 } : { start: 0, end },
      "no expression found in input",
    );
  }
  const expr = parseExpr(cursor, 0);
  if (cursor.peek().kind !== "end") throw cursor.unexpected();
  return expr;
}

function parseExpr(cursor: TokenCursor, minimum: number): Expr {
  let lhs = parseUnary(cursor);
  for (;;) {
    const token = cursor.peek();
    const op = token.kind === "operator" && token.text in PRECEDENCE ? (token.text as BinaryOp) : undefined;
    if (op === undefined || PRECEDENCE[op] < minimum) return lhs;
    cursor.next();
    const bool = cursor.takeKeyword("bool");
    const clause = parseMatching(cursor);
    const rhs = parseExpr(cursor, op === "^" ? PRECEDENCE[op] : PRECEDENCE[op] + 1);
    const span = { start: lhs.span.start, end: rhs.span.end };
    lhs = { kind: "binary", op, lhs, rhs, bool, matching: clause, span };
  }
}

function parseMatching(cursor: TokenCursor): Matching {
  const { text, kind } = cursor.peek();
  const word = kind === "keyword" ? text.toLowerCase() : "";
  refuseFill(cursor);
  if (word !== "on" && word !== "ignoring") return { on: false, labels: [], include: [] };
  cursor.next();
  const labels = parseLabelList(cursor);
  const group = cursor.takeKeyword("group_left")
    ? "left"
    : cursor.takeKeyword("group_right")
      ? "right"
      : undefined;
  refuseFill(cursor);
  if (group === undefined) return { on: word === "on", labels, include: [] };
  const include = cursor.isPunctuation("(") ? parseLabelList(cursor) : [];
  return { on: word === "on", labels, group, include };
}

/** `fill(0)`; without the parenthesis it is a metric of that name. */
function refuseFill(cursor: TokenCursor): void {
  const { kind, text } = cursor.peek();
  if (kind !== "keyword" || !text.toLowerCase().startsWith("fill") || cursor.peek(1).text !== "(") return;
  throw cursor.fail(cursor.peek(), "binop fill modifiers are experimental and not enabled");
}

function parseUnary(cursor: TokenCursor): Expr {
  const token = cursor.peek();
  if (token.kind !== "operator" || (token.text !== "-" && token.text !== "+")) return parsePostfix(cursor);
  cursor.next();
  // The sign binds like `*`: looser than `^` and everything that follows an operand.
  const expr = parseExpr(cursor, UNARY_PRECEDENCE + 1);
  const span = { start: token.start, end: expr.span.end };
  if (expr.kind === "number")
    return { kind: "number", value: token.text === "-" ? -expr.value : expr.value, span };
  return { kind: "unary", op: token.text, expr, span };
}

function parsePostfix(cursor: TokenCursor): Expr {
  let expr = parsePrimary(cursor);
  for (;;) {
    const token = cursor.peek();
    if (token.kind === "punctuation" && token.text === "[") expr = parseBrackets(cursor, expr);
    else if (token.kind === "keyword" && token.text.toLowerCase() === "offset")
      expr = parseOffset(cursor, expr);
    else if (token.kind === "operator" && token.text === "@") expr = parseAt(cursor, expr);
    else return expr;
  }
}

function parsePrimary(cursor: TokenCursor): Expr {
  const token = cursor.peek();
  switch (token.kind) {
    case "number":
    case "duration": {
      cursor.next();
      return { kind: "number", value: cursor.numberOf(token), span: spanOf(token) };
    }
    case "string":
      cursor.next();
      return { kind: "string", value: cursor.stringOf(token), span: spanOf(token) };
    case "aggregator": {
      const after = cursor.peek(1);
      const opens = after.kind === "punctuation" && after.text === "(";
      const groups = after.kind === "keyword" && /^(by|without)$/i.test(after.text);
      return opens || groups ? parseAggregation(cursor) : parseNamedSelector(cursor);
    }
    case "identifier": {
      const after = cursor.peek(1);
      return after.kind === "punctuation" && after.text === "("
        ? parseCall(cursor)
        : parseNamedSelector(cursor);
    }
    case "metric identifier":
      return parseNamedSelector(cursor);
    case "keyword":
      if (NEVER_A_NAME.has(token.text.toLowerCase())) throw cursor.unexpected();
      if (/^(?:start|end)$/.test(token.text) && cursor.peek(1).text === "(") return parseCall(cursor);
      return parseNamedSelector(cursor);
    case "operator":
      if (["and", "or", "unless"].includes(token.text)) return parseNamedSelector(cursor);
      throw cursor.unexpected();
    case "punctuation":
      if (token.text === "(") return parseParen(cursor);
      if (token.text === "{") return parseBraces(cursor, undefined);
      throw cursor.unexpected();
    default:
      throw cursor.unexpected();
  }
}

function parseParen(cursor: TokenCursor): Expr {
  const { start } = cursor.next();
  const expr = parseExpr(cursor, 0);
  const { end } = cursor.expectPunctuation(")");
  return { kind: "paren", expr, span: { start, end } };
}

function parseNamedSelector(cursor: TokenCursor): VectorSelector {
  const token = cursor.next();
  if (cursor.isPunctuation("{")) return parseBraces(cursor, token);
  const name = cursor.text.slice(token.start, token.end);
  return { kind: "vector", matchers: [nameMatcher(name)], shift: NO_SHIFT, span: spanOf(token) };
}

function parseAggregation(cursor: TokenCursor): Aggregation {
  const token = cursor.next();
  const op = token.text.toLowerCase() as Aggregator; // the lexer knows no others
  let modifier = parseAggregationModifier(cursor);
  if (!cursor.isPunctuation("(")) throw cursor.unexpected("aggregation");
  const { args, end } = parseArguments(cursor);
  let last = end;
  if (modifier === undefined) {
    modifier = parseAggregationModifier(cursor);
    if (modifier !== undefined) last = cursor.lastEnd;
  }
  const span = { start: token.start, end: last };
  if ((op === "limitk" || op === "limit_ratio") && !cursor.experimental) {
    throw cursor.fail(
      span,
      `${op}() is experimental and must be enabled with --enable-feature=promql-experimental-functions`,
    );
  }
  const wanted = WITH_PARAMETER.has(op) ? 2 : 1;
  if (args.length === 0) throw cursor.fail(span, "no arguments for aggregate expression provided");
  if (args.length !== wanted) {
    const counts = `expected ${wanted}, got ${args.length}`;
    throw cursor.fail(span, `wrong number of arguments for aggregate expression provided, ${counts}`);
  }
  const [first, second] = args;
  const expr = second ?? first;
  if (expr === undefined || first === undefined) throw cursor.unexpected();
  const { grouping, without } = modifier ?? { grouping: [], without: false };
  const param = second === undefined ? {} : { param: first };
  return { kind: "aggregation", op, expr, ...param, grouping, without, span };
}

function parseAggregationModifier(cursor: TokenCursor): { grouping: string[]; without: boolean } | undefined {
  if (cursor.takeKeyword("by")) return { grouping: parseLabelList(cursor), without: false };
  if (cursor.takeKeyword("without")) return { grouping: parseLabelList(cursor), without: true };
  return undefined;
}

function parseCall(cursor: TokenCursor): Expr {
  const name = cursor.next();
  const { args, end } = parseArguments(cursor);
  const span = { start: name.start, end };
  const func = FUNCTIONS.get(name.text);
  if (func === undefined) {
    const refusal = refusalOf(name.text);
    if (refusal !== undefined)
      throw cursor.fail(name, `function ${goQuote(name.text)} is not implemented: ${refusal}`);
    throw cursor.fail(name, `unknown function with name ${goQuote(name.text)}`);
  }
  if (func.experimental && !cursor.experimental) {
    throw cursor.fail(name, `function ${goQuote(name.text)} is not enabled`);
  }
  return { kind: "call", func, args, span };
}

function parseArguments(cursor: TokenCursor): { args: Expr[]; end: number } {
  cursor.next();
  const args: Expr[] = [];
  if (cursor.isPunctuation(")")) return { args, end: cursor.next().end };
  for (;;) {
    args.push(parseExpr(cursor, 0));
    if (!cursor.isPunctuation(",")) break;
    const comma = cursor.next();
    if (cursor.isPunctuation(")"))
      throw cursor.fail(comma, "trailing commas not allowed in function call args");
  }
  return { args, end: cursor.expectPunctuation(")").end };
}

const spanOf = ({ start, end }: Token): Span => ({ start, end });
