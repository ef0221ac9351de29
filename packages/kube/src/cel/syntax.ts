/** The expressions of `x-kubernetes-validations`, read into a tree. */

export type Expression =
  | { readonly type: "literal"; readonly value: unknown }
  | { readonly type: "identifier"; readonly name: string }
  | { readonly type: "select"; readonly operand: Expression; readonly field: string; readonly test: boolean }
  | { readonly type: "index"; readonly operand: Expression; readonly index: Expression }
  | {
      readonly type: "call";
      readonly name: string;
      readonly target?: Expression;
      readonly args: readonly Expression[];
    }
  | { readonly type: "unary"; readonly operator: "!" | "-"; readonly operand: Expression }
  | {
      readonly type: "binary";
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly type: "conditional";
      readonly test: Expression;
      readonly yes: Expression;
      readonly no: Expression;
    }
  | { readonly type: "list"; readonly items: readonly Expression[] }
  | { readonly type: "map"; readonly entries: readonly (readonly [Expression, Expression])[] };

/** An expression that cannot be read, or uses what is not known here. */
export class CelSyntaxError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "CelSyntaxError";
  }
}

type Token = {
  readonly type: "number" | "string" | "name" | "symbol" | "end";
  readonly text: string;
  readonly at: number;
};

const TOKEN =
  /\s*(?:\/\/[^\n]*)?\s*(?:(\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+|0x[0-9a-fA-F]+u?|\d+(?:[eE][+-]?\d+)?u?)|(r?"""[\s\S]*?"""|r?'''[\s\S]*?'''|r"[^"\n]*"|r'[^'\n]*'|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|([A-Za-z_]\w*)|(&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()[\]{}]))/y;

export function parseCel(source: string): Expression {
  return new Parser(tokenize(source)).parse();
}

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (source.slice(TOKEN.lastIndex).trim() !== "") {
    const start = TOKEN.lastIndex;
    const match = TOKEN.exec(source);
    if (match === null)
      throw new CelSyntaxError(`Syntax error: token recognition error at: '${source.slice(start).trim()}'`);
    const [, number, string, name, symbol] = match;
    const text = number ?? string ?? name ?? symbol ?? "";
    const type =
      number !== undefined
        ? "number"
        : string !== undefined
          ? "string"
          : name !== undefined
            ? "name"
            : "symbol";
    tokens.push({ type, text, at: start });
  }
  tokens.push({ type: "end", text: "", at: source.length });
  return tokens;
}

/** Binary operators from loosest to tightest. */
const LEVELS: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["==", "!=", "<", "<=", ">", ">=", "in"],
  ["+", "-"],
  ["*", "/", "%"],
];

/** Nesting deeper than this is refused. */
const MAX_DEPTH = 100;

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): Expression {
    const expression = this.#conditional();
    const rest = this.#peek();
    if (rest.type !== "end") throw this.#unexpected(rest);
    return expression;
  }

  #conditional(): Expression {
    if (++this.#depth > MAX_DEPTH) throw new CelSyntaxError("expression nests too deep");
    const test = this.#binary(0);
    let result = test;
    if (this.#accept("?")) {
      const yes = this.#binary(0);
      this.#expect(":");
      result = { type: "conditional", test, yes, no: this.#conditional() };
    }
    this.#depth--;
    return result;
  }

  #binary(level: number): Expression {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const token = this.#peek();
      const isOperator = operators.includes(token.text) && (token.type === "symbol" || token.text === "in");
      if (!isOperator) return left;
      this.#at++;
      left = { type: "binary", operator: token.text, left, right: this.#binary(level + 1) };
    }
  }

  #unary(): Expression {
    const { text, type } = this.#peek();
    if (type === "symbol" && (text === "!" || text === "-")) {
      this.#at++;
      return { type: "unary", operator: text, operand: this.#unary() };
    }
    return this.#member();
  }

  #member(): Expression {
    let operand = this.#primary();
    for (;;) {
      if (this.#accept(".")) {
        const name = this.#name();
        if (this.#accept("(")) operand = { type: "call", name, target: operand, args: this.#list(")") };
        else operand = { type: "select", operand, field: unescapeName(name), test: false };
      } else if (this.#accept("[")) {
        const index = this.#conditional();
        this.#expect("]");
        operand = { type: "index", operand, index };
      } else {
        return operand;
      }
    }
  }

  #primary(): Expression {
    const token = this.#peek();
    this.#at++;
    if (token.type === "number") return { type: "literal", value: numberOf(token.text) };
    if (token.type === "string") return { type: "literal", value: stringOf(token.text) };
    if (token.type === "name") return this.#named(token.text);
    if (token.text === "(") {
      const inner = this.#conditional();
      this.#expect(")");
      return inner;
    }
    if (token.text === "[") return { type: "list", items: this.#list("]") };
    if (token.text === "{") return { type: "map", entries: this.#entries() };
    throw this.#unexpected(token);
  }

  #named(name: string): Expression {
    if (name === "true" || name === "false") return { type: "literal", value: name === "true" };
    if (name === "null") return { type: "literal", value: null };
    if (!this.#accept("(")) return { type: "identifier", name };
    const args = this.#list(")");
    if (name !== "has") return { type: "call", name, args };
    const [argument] = args;
    if (args.length !== 1 || argument?.type !== "select") {
      throw new CelSyntaxError("invalid argument to has() macro");
    }
    return { ...argument, test: true };
  }

  #list(end: string): Expression[] {
    const items: Expression[] = [];
    while (!this.#accept(end)) {
      if (items.length > 0) {
        this.#expect(",");
        if (this.#accept(end)) break;
      }
      items.push(this.#conditional());
    }
    return items;
  }

  #entries(): [Expression, Expression][] {
    const entries: [Expression, Expression][] = [];
    while (!this.#accept("}")) {
      if (entries.length > 0) this.#expect(",");
      const key = this.#conditional();
      this.#expect(":");
      entries.push([key, this.#conditional()]);
    }
    return entries;
  }

  #name(): string {
    const token = this.#peek();
    if (token.type !== "name") throw this.#unexpected(token);
    this.#at++;
    return token.text;
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { type: "end", text: "", at: 0 };
  }

  #accept(symbol: string): boolean {
    const token = this.#peek();
    if (token.type !== "symbol" || token.text !== symbol) return false;
    this.#at++;
    return true;
  }

  #expect(symbol: string): void {
    if (!this.#accept(symbol)) throw this.#unexpected(this.#peek());
  }

  #unexpected({ type, text, at }: Token): CelSyntaxError {
    return new CelSyntaxError(
      `Syntax error at ${at}: unexpected ${type === "end" ? "end of expression" : `'${text}'`}`,
    );
  }
}

function numberOf(text: string): number {
  return Number(text.replace(/u$/, ""));
}

function stringOf(text: string): string {
  const raw = text.startsWith("r");
  const body = raw ? text.slice(1) : text;
  const quotes = body.startsWith('"""') || body.startsWith("'''") ? 3 : 1;
  const inner = body.slice(quotes, -quotes);
  if (raw) return inner;
  return inner.replace(/\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[0-7]{3}|.)/gs, (_, code: string) => {
    if (/^[ux]./.test(code)) return String.fromCodePoint(Number.parseInt(code.slice(1), 16));
    if (/^[0-7]{3}$/.test(code)) return String.fromCodePoint(Number.parseInt(code, 8));
    return ESCAPES[code] ?? code;
  });
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  a: "\x07",
  b: "\b",
  f: "\f",
  v: "\v",
};

/** Names that are no identifiers are written with escapes in rules: `x__dash__y`. */
function unescapeName(name: string): string {
  if (!name.includes("__")) return name;
  const reserved = /^__([a-z]+)__$/.exec(name)?.[1];
  if (reserved !== undefined && !Object.hasOwn(NAME_ESCAPES, reserved)) return reserved;
  return name.replace(/__(underscores|dot|dash|slash)__/g, (_, code: string) => NAME_ESCAPES[code] ?? "");
}

const NAME_ESCAPES: Readonly<Record<string, string>> = { underscores: "__", dot: ".", dash: "-", slash: "/" };
