import { ExprError } from "./error.ts";
import { lex, type Token } from "./lexer.ts";

/** An expression tree. */
export type Node =
  | { readonly node: "literal"; readonly value: number | bigint | string | boolean | null }
  | { readonly node: "name"; readonly name: string }
  /** `#`, `#acc`, `#index`: what a predicate looks at. */
  | { readonly node: "pointer"; readonly name: "" | "acc" | "index" }
  | { readonly node: "unary"; readonly operator: string; readonly operand: Node }
  | { readonly node: "binary"; readonly operator: string; readonly left: Node; readonly right: Node }
  | { readonly node: "conditional"; readonly test: Node; readonly yes: Node; readonly no: Node }
  | {
      readonly node: "member";
      readonly object: Node;
      readonly property: Node;
      readonly optional: boolean;
      readonly field: boolean;
    }
  | { readonly node: "slice"; readonly object: Node; readonly from?: Node; readonly to?: Node }
  | { readonly node: "call"; readonly name: string; readonly args: readonly Node[] }
  | { readonly node: "method"; readonly object: Node; readonly name: string; readonly args: readonly Node[] }
  | { readonly node: "array"; readonly items: readonly Node[] }
  | { readonly node: "map"; readonly entries: readonly (readonly [Node, Node])[] }
  | { readonly node: "let"; readonly name: string; readonly value: Node; readonly body: Node };

const binary: Record<string, number> = {
  "|": 0,
  or: 10,
  "||": 10,
  and: 15,
  "&&": 15,
  "==": 20,
  "!=": 20,
  "<": 20,
  ">": 20,
  "<=": 20,
  ">=": 20,
  in: 20,
  matches: 20,
  contains: 20,
  startsWith: 20,
  endsWith: 20,
  "..": 25,
  "+": 30,
  "-": 30,
  "*": 60,
  "/": 60,
  "%": 60,
  "**": 100,
  "^": 100,
  "??": 500,
};
const negatable = new Set(["in", "matches", "contains", "startsWith", "endsWith"]);
const unary: Record<string, number> = { not: 50, "!": 50, "-": 90, "+": 90 };
const canonical: Record<string, string> = { or: "||", and: "&&", not: "!", "^": "**" };
/** Nesting beyond this is refused rather than overflowing the stack. */
const maxDepth = 200;

/** Builtins whose second argument is a predicate over elements. */
export const predicates = new Set([
  "all",
  "none",
  "any",
  "one",
  "filter",
  "map",
  "count",
  "sum",
  "find",
  "findIndex",
  "findLast",
  "findLastIndex",
  "groupBy",
  "sortBy",
  "reduce",
]);

/** Parses one expression, wholly. */
export function parse(source: string): Node {
  const parser = new Parser(lex(source));
  const node = parser.sequence();
  parser.end();
  return node;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  end(): void {
    if (this.#now.kind !== "EOF") this.#unexpected();
  }

  /** `let x = …; body`, or an expression. */
  sequence(): Node {
    if (!this.#take("let")) return this.#expression(0);
    const name = this.#identifier();
    this.#expect("=");
    const value = this.#expression(0);
    this.#expect(";");
    return { node: "let", name, value, body: this.sequence() };
  }

  #expression(minimum: number): Node {
    if (++this.#depth > maxDepth) throw new ExprError("expression is nested too deeply");
    let left = this.#primary();
    for (;;) {
      const negated =
        this.#now.text === "not" && this.#now.kind === "Operator" && negatable.has(this.#peek.text);
      const operator = negated ? this.#peek : this.#now;
      const precedence = operator.kind === "Operator" ? binary[operator.text] : undefined;
      if (precedence === undefined || precedence < minimum) break;
      this.#at += negated ? 2 : 1;
      if (operator.text === "|") left = this.#piped(left);
      else {
        const rightAssociative = operator.text === "**" || operator.text === "^";
        const right = this.#expression(rightAssociative ? precedence : precedence + 1);
        const node: Node = {
          node: "binary",
          operator: canonical[operator.text] ?? operator.text,
          left,
          right,
        };
        left = negated ? { node: "unary", operator: "!", operand: node } : node;
      }
    }
    if (minimum === 0) left = this.#conditional(left);
    this.#depth--;
    return left;
  }

  #conditional(test: Node): Node {
    if (!this.#take("?")) return test;
    // `a ?: b` keeps `a` where it holds.
    if (this.#take(":")) return { node: "conditional", test, yes: test, no: this.#expression(0) };
    const yes = this.#expression(0);
    this.#expect(":");
    return { node: "conditional", test, yes, no: this.#expression(0) };
  }

  #piped(left: Node): Node {
    const name = this.#identifier();
    this.#expect("(");
    return this.#postfix({ node: "call", name, args: [left, ...this.#args(predicates.has(name))] });
  }

  #primary(): Node {
    const token = this.#now;
    if (token.kind === "Operator" && unary[token.text] !== undefined) {
      this.#at++;
      const operand = this.#expression(unary[token.text] ?? 0);
      return this.#postfix({ node: "unary", operator: canonical[token.text] ?? token.text, operand });
    }
    if (this.#take("(")) {
      const node = this.sequence();
      this.#expect(")");
      return this.#postfix(node);
    }
    if (token.text === "#" && token.kind === "Operator") {
      this.#at++;
      const name = this.#now.text;
      const named = this.#now.kind === "Identifier" && (name === "acc" || name === "index");
      if (named) this.#at++;
      return this.#postfix({ node: "pointer", name: named ? name : "" });
    }
    if (token.text === "." && token.kind === "Operator") return this.#postfix({ node: "pointer", name: "" });
    return this.#postfix(this.#atom(token));
  }

  #atom(token: Token): Node {
    this.#at++;
    if (token.kind === "Number" || token.kind === "String")
      return { node: "literal", value: token.value ?? null };
    if (token.kind === "Identifier") {
      if (token.text === "true" || token.text === "false")
        return { node: "literal", value: token.text === "true" };
      if (token.text === "nil") return { node: "literal", value: null };
      if (!this.#take("(")) return { node: "name", name: token.text };
      return { node: "call", name: token.text, args: this.#args(predicates.has(token.text)) };
    }
    if (token.text === "[" && token.kind === "Bracket") return { node: "array", items: this.#list("]") };
    if (token.text === "{" && token.kind === "Bracket") return this.#map();
    this.#at--;
    return this.#unexpected();
  }

  #args(predicate: boolean): Node[] {
    const args: Node[] = [];
    while (!this.#take(")")) {
      if (args.length > 0) this.#expect(",");
      if (predicate && this.#now.text === "{") {
        this.#at++;
        args.push(this.sequence());
        this.#expect("}");
      } else args.push(this.#expression(0));
    }
    return args;
  }

  #list(close: string): Node[] {
    const items: Node[] = [];
    while (!this.#take(close)) {
      if (items.length > 0) {
        this.#expect(",");
        if (this.#take(close)) break;
      }
      items.push(this.#expression(0));
    }
    return items;
  }

  #map(): Node {
    const entries: [Node, Node][] = [];
    while (!this.#take("}")) {
      if (entries.length > 0) {
        this.#expect(",");
        if (this.#take("}")) break;
      }
      const token = this.#now;
      let key: Node;
      if (token.kind === "Identifier" || token.kind === "Number" || token.kind === "String") {
        this.#at++;
        key = { node: "literal", value: String(token.value ?? token.text) };
      } else if (this.#take("(")) {
        key = this.#expression(0);
        this.#expect(")");
      } else
        throw new ExprError(
          `a map key must be a quoted string, a number, a identifier, or an expression enclosed in parentheses (unexpected token ${show(token)})`,
        );
      this.#expect(":");
      entries.push([key, this.#expression(0)]);
    }
    return { node: "map", entries };
  }

  #postfix(start: Node): Node {
    let node = start;
    for (;;) {
      if (this.#now.kind === "Operator" && (this.#now.text === "." || this.#now.text === "?.")) {
        const optional = this.#now.text === "?.";
        this.#at++;
        if (optional && this.#take("[")) node = this.#index(node, true);
        else {
          const token = this.#now;
          if (token.kind !== "Identifier" && !(token.kind === "Operator" && /^[a-z]/i.test(token.text)))
            this.#unexpected();
          this.#at++;
          if (this.#take("("))
            node = { node: "method", object: node, name: token.text, args: this.#args(false) };
          else
            node = {
              node: "member",
              object: node,
              property: { node: "literal", value: token.text },
              optional,
              field: true,
            };
        }
      } else if (this.#take("[")) node = this.#index(node, false);
      else return node;
    }
  }

  #index(object: Node, optional: boolean): Node {
    if (this.#take(":")) {
      if (this.#take("]")) return { node: "slice", object };
      const to = this.#expression(0);
      this.#expect("]");
      return { node: "slice", object, to };
    }
    const property = this.#expression(0);
    if (this.#take(":")) {
      if (this.#take("]")) return { node: "slice", object, from: property };
      const to = this.#expression(0);
      this.#expect("]");
      return { node: "slice", object, from: property, to };
    }
    this.#expect("]");
    return { node: "member", object, property, optional, field: false };
  }

  get #now(): Token {
    return this.#tokens[this.#at] ?? { kind: "EOF", text: "" };
  }
  get #peek(): Token {
    return this.#tokens[this.#at + 1] ?? { kind: "EOF", text: "" };
  }
  #take(text: string): boolean {
    if (this.#now.text !== text || (this.#now.kind !== "Operator" && this.#now.kind !== "Bracket"))
      return false;
    this.#at++;
    return true;
  }
  #expect(text: string): void {
    if (!this.#take(text)) this.#unexpected();
  }
  #identifier(): string {
    if (this.#now.kind !== "Identifier") this.#unexpected();
    const { text } = this.#now;
    this.#at++;
    return text;
  }
  #unexpected(): never {
    throw new ExprError(`unexpected token ${show(this.#now)}`);
  }
}

const show = ({ kind, text }: Token): string =>
  kind === "EOF" ? "EOF" : `${kind}("${kind === "String" ? text.slice(1, -1) : text}")`;
