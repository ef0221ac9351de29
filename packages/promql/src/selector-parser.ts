import { type Matcher, METRIC_NAME } from "@tracegate/contracts";
import { RE2JS, RE2JSSyntaxException } from "re2js";
import type { TimeShift, VectorSelector } from "./ast.ts";
import { goQuote, type Token } from "./lexer.ts";
import type { TokenCursor } from "./token-cursor.ts";

export const NO_SHIFT: TimeShift = { offsetMs: 0 };
export const nameMatcher = (name: string): Matcher => ({ name: METRIC_NAME, op: "=", value: name });

/** The braces of a selector, after its name if it has one. */
export function parseBraces(cursor: TokenCursor, nameToken: Token | undefined): VectorSelector {
  const open = cursor.next();
  const matchers: Matcher[] = [];
  const names: string[] = nameToken === undefined ? [] : [cursor.text.slice(nameToken.start, nameToken.end)];
  while (!cursor.isPunctuation("}")) {
    const label = cursor.peek();
    if (label.kind !== "identifier" && label.kind !== "string") {
      throw cursor.unexpected("label matching", 'identifier or "}"');
    }
    cursor.next();
    const operator = cursor.peek();
    const isMatch = operator.kind === "operator" && /^(=|!=|=~|!~)$/.test(operator.text);
    if (isMatch) matchers.push(parseMatcher(cursor, label));
    else if (label.kind === "string") names.push(cursor.stringOf(label));
    else throw cursor.unexpected("label matching", "label matching operator");
    if (cursor.isPunctuation(",")) cursor.next();
    else if (!cursor.isPunctuation("}")) throw cursor.unexpected("label matching", '"," or "}"');
  }
  const close = cursor.next();
  const span = { start: (nameToken ?? open).start, end: close.end };
  const [name, second] = names;
  if (name !== undefined) {
    const other = second ?? matchers.find((m) => m.name === METRIC_NAME && m.op === "=")?.value;
    if (other !== undefined) {
      throw cursor.fail(span, `metric name must not be set twice: ${goQuote(name)} or ${goQuote(other)}`);
    }
    matchers.unshift(nameMatcher(name));
  }
  if (matchers.every(acceptsEmpty)) {
    throw cursor.fail(span, "vector selector must contain at least one non-empty matcher");
  }
  return { kind: "vector", matchers, shift: NO_SHIFT, span };
}

function parseMatcher(cursor: TokenCursor, label: Token): Matcher {
  const op = cursor.next().text as Matcher["op"]; // the caller has seen that it is one
  const token = cursor.peek();
  if (token.kind !== "string") throw cursor.unexpected("label matching", "string");
  cursor.next();
  const value = cursor.stringOf(token);
  if (op === "=~" || op === "!~") {
    try {
      compileAnchored(value);
    } catch (error) {
      if (!(error instanceof RE2JSSyntaxException)) throw error;
      const what = regexFault(error);
      throw cursor.fail({ start: label.start, end: token.end }, what);
    }
  }
  return { name: label.kind === "string" ? cursor.stringOf(label) : label.text, op, value };
}

export function parseLabelList(cursor: TokenCursor): string[] {
  if (!cursor.isPunctuation("(")) throw cursor.unexpected("grouping opts", '"("');
  cursor.next();
  const labels: string[] = [];
  while (!cursor.isPunctuation(")")) {
    const token = cursor.peek();
    const label =
      token.kind === "string" ? cursor.stringOf(token) : cursor.text.slice(token.start, token.end);
    if (token.kind !== "string" && !/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label)) {
      throw cursor.unexpected("grouping opts", "label");
    }
    cursor.next();
    labels.push(label);
    if (cursor.isPunctuation(",")) cursor.next();
    else if (!cursor.isPunctuation(")")) throw cursor.unexpected("grouping opts", '"," or ")"');
  }
  cursor.next();
  return labels;
}

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
