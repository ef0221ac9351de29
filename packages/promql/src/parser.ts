import { type Matcher, METRIC_NAME } from "@tracegate/contracts";
import { RE2JS, RE2JSSyntaxException } from "re2js";
import {
  type Aggregation,
  type Aggregator,
  type BinaryOp,
  type Expr,
  type MatrixSelector,
  type Subquery,
  type TimeShift,
  type VectorSelector,
  WITH_PARAMETER,
} from "./ast.ts";
import { FUNCTIONS, refusalOf } from "./function-table.ts";
import { describeToken, goQuote, type Token, tokenize } from "./lexer.ts";
import { parseDuration, parseNumber, unquote } from "./literals.ts";
import { ParseError, type Span } from "./position.ts";
import { checkTypes } from "./type-check.ts";

export interface ParseOptions {
  /** Accept functions and aggregations that Prometheus has behind a flag. */
  readonly experimental?: boolean;
}

/** Parses and checks a query. Throws a `ParseError` with Prometheus' words and position for the first fault. */
export function parse(text: string, options: ParseOptions = {}): Expr {
  const parser = new Parser(text, options);
  const expr = parser.query();
  checkTypes(expr, text);
  return expr;
}

/** Parses a lone selector (`match[]`), as a list of matchers. */
export function parseSelector(text: string): readonly Matcher[] {
  const expr = new Parser(text, {}).query();
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
const DURATION_EXPECTED = "number, duration, step(), or range()";

/** Keywords that cannot be metric names, because they stand after an operator. */
const NEVER_A_NAME = new Set(["bool", "on", "ignoring", "group_left", "group_right"]);

/**
 * Recursive descent over Prometheus' own grammar. (The official lezer grammar serves editors: it recovers from faults
 * instead of naming them, and reads `-1^2` and `-x @ end()` with the sign bound first; tests hold it against this one.)
 */
class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  readonly #experimental: boolean;
  #at = 0;

  constructor(text: string, options: ParseOptions) {
    this.#text = text;
    this.#tokens = tokenize(text);
    this.#experimental = options.experimental ?? false;
  }

  query(): Expr {
    if (this.#peek().kind === "end") {
      const end = this.#text.length;
      throw new ParseError(
        this.#text,
        end === 0 ? { start: 0, end: 0 } : { start: 0, end },
        "no expression found in input",
      );
    }
    const expr = this.#expr(0);
    if (this.#peek().kind !== "end") throw this.#unexpected();
    return expr;
  }

  #expr(minimum: number): Expr {
    let lhs = this.#unary();
    for (;;) {
      const token = this.#peek();
      const op = token.kind === "operator" && token.text in PRECEDENCE ? (token.text as BinaryOp) : undefined;
      if (op === undefined || PRECEDENCE[op] < minimum) return lhs;
      this.#next();
      const bool = this.#takeKeyword("bool");
      const clause = this.#matchingClause();
      const rhs = this.#expr(op === "^" ? PRECEDENCE[op] : PRECEDENCE[op] + 1);
      const span = { start: lhs.span.start, end: rhs.span.end };
      lhs = { kind: "binary", op, lhs, rhs, bool, matching: clause, span };
    }
  }

  #matchingClause() {
    const { text, kind } = this.#peek();
    const word = kind === "keyword" ? text.toLowerCase() : "";
    if (word.startsWith("fill"))
      throw this.#fail(this.#peek(), "binop fill modifiers are experimental and not enabled");
    if (word !== "on" && word !== "ignoring") return { on: false, labels: [], include: [] };
    this.#next();
    const labels = this.#labelList();
    const group = this.#takeKeyword("group_left")
      ? "left"
      : this.#takeKeyword("group_right")
        ? "right"
        : undefined;
    if (this.#peek().kind === "keyword" && this.#peek().text.toLowerCase().startsWith("fill")) {
      throw this.#fail(this.#peek(), "binop fill modifiers are experimental and not enabled");
    }
    if (group === undefined) return { on: word === "on", labels, include: [] };
    const include = this.#isPunctuation("(") ? this.#labelList() : [];
    return { on: word === "on", labels, group, include } as const;
  }

  #unary(): Expr {
    const token = this.#peek();
    if (token.kind !== "operator" || (token.text !== "-" && token.text !== "+")) return this.#postfix();
    this.#next();
    // The sign binds like `*`: looser than `^` and everything that follows an operand.
    const expr = this.#expr(UNARY_PRECEDENCE + 1);
    const span = { start: token.start, end: expr.span.end };
    if (expr.kind === "number")
      return { kind: "number", value: token.text === "-" ? -expr.value : expr.value, span };
    return { kind: "unary", op: token.text, expr, span };
  }

  #postfix(): Expr {
    let expr = this.#primary();
    for (;;) {
      const token = this.#peek();
      if (token.kind === "punctuation" && token.text === "[") expr = this.#brackets(expr);
      else if (token.kind === "keyword" && token.text.toLowerCase() === "offset") expr = this.#offset(expr);
      else if (token.kind === "operator" && token.text === "@") expr = this.#atModifier(expr);
      else return expr;
    }
  }

  #primary(): Expr {
    const token = this.#peek();
    switch (token.kind) {
      case "number":
      case "duration": {
        this.#next();
        return { kind: "number", value: this.#numberOf(token), span: spanOf(token) };
      }
      case "string":
        this.#next();
        return { kind: "string", value: this.#stringOf(token), span: spanOf(token) };
      case "aggregator": {
        const after = this.#peek(1);
        const opens = after.kind === "punctuation" && after.text === "(";
        const groups = after.kind === "keyword" && /^(by|without)$/i.test(after.text);
        return opens || groups ? this.#aggregation() : this.#namedSelector();
      }
      case "identifier": {
        const after = this.#peek(1);
        return after.kind === "punctuation" && after.text === "(" ? this.#call() : this.#namedSelector();
      }
      case "metric identifier":
        return this.#namedSelector();
      case "keyword":
        if (NEVER_A_NAME.has(token.text.toLowerCase())) throw this.#unexpected();
        return this.#namedSelector();
      case "operator":
        if (["and", "or", "unless"].includes(token.text)) return this.#namedSelector();
        throw this.#unexpected();
      case "punctuation":
        if (token.text === "(") return this.#paren();
        if (token.text === "{") return this.#selector(undefined);
        throw this.#unexpected();
      default:
        throw this.#unexpected();
    }
  }

  #paren(): Expr {
    const { start } = this.#next();
    const expr = this.#expr(0);
    const { end } = this.#expectPunctuation(")");
    return { kind: "paren", expr, span: { start, end } };
  }

  #namedSelector(): VectorSelector {
    const token = this.#next();
    if (this.#isPunctuation("{")) return this.#selector(token);
    const name = this.#text.slice(token.start, token.end);
    return { kind: "vector", matchers: [nameMatcher(name)], shift: NO_SHIFT, span: spanOf(token) };
  }

  /** The braces of a selector, after its name if it has one. */
  #selector(nameToken: Token | undefined): VectorSelector {
    const open = this.#next();
    const matchers: Matcher[] = [];
    const names: string[] = nameToken === undefined ? [] : [this.#text.slice(nameToken.start, nameToken.end)];
    while (!this.#isPunctuation("}")) {
      const label = this.#peek();
      if (label.kind !== "identifier" && label.kind !== "string") {
        throw this.#unexpected("label matching", 'identifier or "}"');
      }
      this.#next();
      const operator = this.#peek();
      const isMatch = operator.kind === "operator" && /^(=|!=|=~|!~)$/.test(operator.text);
      if (isMatch) matchers.push(this.#matcher(label));
      else if (label.kind === "string") names.push(this.#stringOf(label));
      else throw this.#unexpected("label matching", "label matching operator");
      if (this.#isPunctuation(",")) this.#next();
      else if (!this.#isPunctuation("}")) throw this.#unexpected("label matching", '"," or "}"');
    }
    const close = this.#next();
    const span = { start: (nameToken ?? open).start, end: close.end };
    const [name, second] = names;
    if (name !== undefined) {
      const other = second ?? matchers.find((m) => m.name === METRIC_NAME && m.op === "=")?.value;
      if (other !== undefined) {
        throw this.#fail(span, `metric name must not be set twice: ${goQuote(name)} or ${goQuote(other)}`);
      }
      matchers.unshift(nameMatcher(name));
    }
    if (matchers.every(acceptsEmpty)) {
      throw this.#fail(span, "vector selector must contain at least one non-empty matcher");
    }
    return { kind: "vector", matchers, shift: NO_SHIFT, span };
  }

  #matcher(label: Token): Matcher {
    const op = this.#next().text as Matcher["op"]; // the caller has seen that it is one
    const token = this.#peek();
    if (token.kind !== "string") throw this.#unexpected("label matching", "string");
    this.#next();
    const value = this.#stringOf(token);
    if (op === "=~" || op === "!~") {
      try {
        compileAnchored(value);
      } catch (error) {
        if (!(error instanceof RE2JSSyntaxException)) throw error;
        const what = regexFault(error);
        throw this.#fail({ start: label.start, end: token.end }, what);
      }
    }
    return { name: label.kind === "string" ? this.#stringOf(label) : label.text, op, value };
  }

  #aggregation(): Aggregation {
    const token = this.#next();
    const op = token.text.toLowerCase() as Aggregator; // the lexer knows no others
    let modifier = this.#aggregationModifier();
    if (!this.#isPunctuation("(")) throw this.#unexpected("aggregation");
    const { args, end } = this.#arguments();
    let last = end;
    if (modifier === undefined) {
      modifier = this.#aggregationModifier();
      if (modifier !== undefined) last = this.#tokens[this.#at - 1]?.end ?? end;
    }
    const span = { start: token.start, end: last };
    if ((op === "limitk" || op === "limit_ratio") && !this.#experimental) {
      throw this.#fail(
        span,
        `${op}() is experimental and must be enabled with --enable-feature=promql-experimental-functions`,
      );
    }
    const wanted = WITH_PARAMETER.has(op) ? 2 : 1;
    if (args.length === 0) throw this.#fail(span, "no arguments for aggregate expression provided");
    if (args.length !== wanted) {
      const counts = `expected ${wanted}, got ${args.length}`;
      throw this.#fail(span, `wrong number of arguments for aggregate expression provided, ${counts}`);
    }
    const [first, second] = args;
    const expr = second ?? first;
    if (expr === undefined || first === undefined) throw this.#unexpected();
    const { grouping, without } = modifier ?? { grouping: [], without: false };
    const param = second === undefined ? {} : { param: first };
    return { kind: "aggregation", op, expr, ...param, grouping, without, span };
  }

  #aggregationModifier(): { grouping: string[]; without: boolean } | undefined {
    if (this.#takeKeyword("by")) return { grouping: this.#labelList(), without: false };
    if (this.#takeKeyword("without")) return { grouping: this.#labelList(), without: true };
    return undefined;
  }

  #call(): Expr {
    const name = this.#next();
    const { args, end } = this.#arguments();
    const span = { start: name.start, end };
    const func = FUNCTIONS.get(name.text);
    if (func === undefined) {
      const refusal = refusalOf(name.text);
      if (refusal !== undefined)
        throw this.#fail(name, `function ${goQuote(name.text)} is not implemented: ${refusal}`);
      throw this.#fail(name, `unknown function with name ${goQuote(name.text)}`);
    }
    if (func.experimental && !this.#experimental) {
      throw this.#fail(name, `function ${goQuote(name.text)} is not enabled`);
    }
    return { kind: "call", func, args, span };
  }

  #arguments(): { args: Expr[]; end: number } {
    this.#next();
    const args: Expr[] = [];
    if (this.#isPunctuation(")")) return { args, end: this.#next().end };
    for (;;) {
      args.push(this.#expr(0));
      if (!this.#isPunctuation(",")) break;
      const comma = this.#next();
      if (this.#isPunctuation(")"))
        throw this.#fail(comma, "trailing commas not allowed in function call args");
    }
    return { args, end: this.#expectPunctuation(")").end };
  }

  #labelList(): string[] {
    if (!this.#isPunctuation("(")) throw this.#unexpected("grouping opts", '"("');
    this.#next();
    const labels: string[] = [];
    while (!this.#isPunctuation(")")) {
      const token = this.#peek();
      const label =
        token.kind === "string" ? this.#stringOf(token) : this.#text.slice(token.start, token.end);
      if (token.kind !== "string" && !/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label)) {
        throw this.#unexpected("grouping opts", "label");
      }
      this.#next();
      labels.push(label);
      if (this.#isPunctuation(",")) this.#next();
      else if (!this.#isPunctuation(")")) throw this.#unexpected("grouping opts", '"," or ")"');
    }
    this.#next();
    return labels;
  }

  #brackets(expr: Expr): MatrixSelector | Subquery {
    const open = this.#next();
    const rangeMs = this.#duration("subquery selector", DURATION_EXPECTED, true);
    if (this.#isPunctuation("]")) {
      const close = this.#next();
      const fault =
        expr.kind !== "vector"
          ? "ranges only allowed for vector selectors"
          : expr.shift.offsetMs !== 0
            ? "no offset modifiers allowed before range"
            : expr.shift.at !== undefined
              ? "no @ modifiers allowed before range"
              : undefined;
      if (expr.kind !== "vector" || fault !== undefined) {
        throw this.#fail({ start: open.start, end: close.end }, fault ?? "");
      }
      return { kind: "matrix", selector: expr, rangeMs, span: { start: expr.span.start, end: close.end } };
    }
    if (!this.#isPunctuation(":")) throw this.#unexpected("subquery or range", '":" or "]"');
    this.#next();
    let step = {};
    if (!this.#isPunctuation("]")) {
      step = { stepMs: this.#duration("subquery selector", `${DURATION_EXPECTED} or "]"`, true) };
      if (!this.#isPunctuation("]")) throw this.#unexpected("subquery selector", '"]"');
    }
    const { end } = this.#next();
    return {
      kind: "subquery",
      expr,
      rangeMs,
      ...step,
      shift: NO_SHIFT,
      span: { start: expr.span.start, end },
    };
  }

  #offset(expr: Expr): Expr {
    this.#next();
    const offsetMs = this.#duration("offset", DURATION_EXPECTED, false);
    const shifted = this.#shift(expr, "offset modifier", (shift) => {
      if (shift.offsetMs !== 0) throw this.#fail(expr.span, "offset may not be set multiple times");
      return { ...shift, offsetMs };
    });
    return shifted;
  }

  #atModifier(expr: Expr): Expr {
    this.#next();
    let token = this.#peek();
    let at: number | "start" | "end";
    const word = token.kind === "keyword" ? token.text.toLowerCase() : "";
    if (word === "start" || word === "end") {
      this.#next();
      if (!this.#isPunctuation("(")) throw this.#unexpected("@", "timestamp");
      this.#next();
      this.#expectPunctuation(")");
      at = word;
    } else {
      let sign = 1;
      if (token.kind === "operator" && (token.text === "-" || token.text === "+")) {
        sign = token.text === "-" ? -1 : 1;
        this.#next();
        token = this.#peek();
      }
      if (token.kind !== "number" && token.kind !== "duration") throw this.#unexpected("@", "timestamp");
      this.#next();
      const seconds = sign * this.#numberOf(token);
      // Beyond 64-bit milliseconds.
      if (!(Math.abs(seconds) < 2 ** 63 / 1000)) {
        throw this.#fail(expr.span, `timestamp out of bounds for @ modifier: ${goFixed(seconds)}`);
      }
      at = Math.round(seconds * 1000);
    }
    return this.#shift(expr, "@ modifier", (shift) => {
      if (shift.at !== undefined) throw this.#fail(expr.span, "@ <timestamp> may not be set multiple times");
      return { ...shift, at };
    });
  }

  #shift(expr: Expr, what: string, change: (shift: TimeShift) => TimeShift): Expr {
    switch (expr.kind) {
      case "vector":
      case "subquery":
        return { ...expr, shift: change(expr.shift) };
      case "matrix":
        return { ...expr, selector: { ...expr.selector, shift: change(expr.selector.shift) } };
      default: {
        const allowed = "an instant vector selector or range vector selector or a subquery";
        throw this.#fail(expr.span, `${what} must be preceded by ${allowed}`);
      }
    }
  }

  /** A duration, or an arithmetic of durations and numbers of seconds; in milliseconds. */
  #duration(context: string, expected: string, positive: boolean): number {
    const first = this.#peek();
    const seconds = this.#durationSum(context, expected, context === "offset");
    const ms = Math.round(seconds * 1000);
    if (positive && !(ms > 0)) throw this.#fail(first, "duration must be greater than 0");
    if (!(Math.abs(ms) <= 9_223_372_036_854)) throw this.#fail(first, "duration out of range");
    return ms;
  }

  /** In an `offset`, arithmetic needs parentheses: `x offset 5m * 2` multiplies x. */
  #durationSum(context: string, expected: string, single: boolean): number {
    let value = this.#durationProduct(context, expected, single);
    while (!single && this.#isOperator("+", "-")) {
      const sign = this.#next().text === "-" ? -1 : 1;
      value += sign * this.#durationProduct(context, expected, false);
    }
    return value;
  }

  #durationProduct(context: string, expected: string, single: boolean): number {
    let value = this.#durationPower(context, expected, single);
    while (!single && this.#isOperator("*", "/", "%")) {
      const operator = this.#next();
      const other = this.#durationPower(context, expected, false);
      if (operator.text !== "*" && other === 0) {
        throw this.#fail(operator, operator.text === "/" ? "division by zero" : "modulo by zero");
      }
      value = operator.text === "*" ? value * other : operator.text === "/" ? value / other : value % other;
    }
    return value;
  }

  #durationPower(context: string, expected: string, single: boolean): number {
    const value = this.#durationOperand(context, expected);
    if (single || !this.#isOperator("^")) return value;
    this.#next();
    return value ** this.#durationPower(context, expected, false);
  }

  #durationOperand(context: string, expected: string): number {
    const token = this.#peek();
    if (this.#isOperator("-", "+")) {
      this.#next();
      const operand = this.#durationOperand(context, expected);
      return token.text === "-" ? -operand : operand;
    }
    if (this.#isPunctuation("(")) {
      this.#next();
      const value = this.#durationSum(context, expected, false);
      this.#expectPunctuation(")");
      return value;
    }
    const word = token.text.toLowerCase();
    if (token.kind === "identifier" && ["step", "range", "min_of", "max_of"].includes(word)) {
      throw this.#fail(token, `${word}() in a duration is not implemented; write the duration out`);
    }
    if (token.kind !== "number" && token.kind !== "duration") throw this.#unexpected(context, expected);
    this.#next();
    return this.#numberOf(token);
  }

  #numberOf(token: Token): number {
    if (token.kind === "duration") {
      const ms = parseDuration(token.text);
      if (typeof ms !== "number") throw this.#fail(token, ms.error);
      return ms / 1000;
    }
    const value = parseNumber(token.text);
    if (value === undefined) throw this.#fail(token, `error parsing number: ${goQuote(token.text)}`);
    return value;
  }

  #stringOf(token: Token): string {
    const value = unquote(token.text);
    if (value === undefined) throw this.#fail(token, "error unquoting string: invalid syntax");
    return value;
  }

  #peek(ahead = 0): Token {
    const token = this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)];
    if (token === undefined) throw new Error("a token list always has an end");
    if (ahead === 0 && token.error !== undefined) throw token.error;
    return token;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  #isPunctuation(text: string): boolean {
    const token = this.#peek();
    return token.kind === "punctuation" && token.text === text;
  }

  #isOperator(...texts: readonly string[]): boolean {
    const token = this.#peek();
    return token.kind === "operator" && texts.includes(token.text);
  }

  #expectPunctuation(text: string): Token {
    if (!this.#isPunctuation(text)) throw this.#unexpected();
    return this.#next();
  }

  #takeKeyword(word: string): boolean {
    const token = this.#peek();
    if (token.kind !== "keyword" || token.text.toLowerCase() !== word) return false;
    this.#next();
    return true;
  }

  #unexpected(context = "", expected = ""): ParseError {
    const token = this.#peek();
    const inside = context === "" ? "" : ` in ${context}`;
    const wanted = expected === "" ? "" : `, expected ${expected}`;
    return this.#fail(token, `unexpected ${describeToken(token)}${inside}${wanted}`);
  }

  #fail(span: Span, what: string): ParseError {
    // A span of its own is never empty, or it would read as "unknown position".
    return new ParseError(this.#text, { start: span.start, end: Math.max(span.end, span.start + 1) }, what);
  }
}

const NO_SHIFT: TimeShift = { offsetMs: 0 };
const spanOf = ({ start, end }: Token): Span => ({ start, end });
const nameMatcher = (name: string): Matcher => ({ name: METRIC_NAME, op: "=", value: name });
const goFixed = (value: number) =>
  Number.isFinite(value) ? value.toFixed(6) : Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";

/** Compiles as label matching does: anchored (by `testExact`), and `.` matches a newline. */
export function compileAnchored(pattern: string): RE2JS {
  return RE2JS.compile(pattern, RE2JS.DOTALL);
}

/** Go's words for a faulty expression, without the flag that we compile with. */
export function regexFault({ message }: RE2JSSyntaxException): string {
  return message.replace(/^(error parsing regexp: )?/, "error parsing regexp: ").replace("`(?s)", "`");
}

function acceptsEmpty({ op, value }: Matcher): boolean {
  switch (op) {
    case "=":
      return value === "";
    case "!=":
      return value !== "";
    case "=~":
      return compileAnchored(value).testExact("");
    case "!~":
      return !compileAnchored(value).testExact("");
  }
}
