import { ExprError } from "./error.ts";

/** A token; `text` is what error messages quote, `value` what a literal means. */
export interface Token {
  readonly kind: "EOF" | "Identifier" | "Number" | "String" | "Operator" | "Bracket";
  readonly text: string;
  readonly value?: string | number | bigint;
}

const wordOperators = new Set([
  "in",
  "matches",
  "contains",
  "startsWith",
  "endsWith",
  "and",
  "or",
  "not",
  "let",
]);
const operators = ["**", "..", "??", "?.", "==", "!=", "<=", ">=", "&&", "||", "::"];
const escapes: Record<string, string> = {
  n: "\n",
  t: "\t",
  r: "\r",
  a: "\u0007",
  b: "\b",
  f: "\f",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
};

/** Splits an expression into tokens, ending in EOF. */
export function lex(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < source.length) {
    const char = source.charAt(at);
    if (/\s/.test(char)) at++;
    else if (source.startsWith("//", at)) at = endOf(source, "\n", at);
    else if (source.startsWith("/*", at)) at = endOf(source, "*/", at) + 2;
    else if (/[0-9]/.test(char) || (char === "." && /[0-9]/.test(source.charAt(at + 1))))
      at = number(source, at, tokens);
    else if (char === '"' || char === "'" || char === "`") at = string(source, at, char, tokens);
    else if (/[A-Za-z_$]/.test(char) || char > "\u007f") {
      const text = /^[A-Za-z0-9_$\u0080-\uffff]+/.exec(source.slice(at))?.[0] ?? char;
      tokens.push({ kind: wordOperators.has(text) ? "Operator" : "Identifier", text });
      at += text.length;
    } else if ("()[]{}".includes(char)) {
      tokens.push({ kind: "Bracket", text: char });
      at++;
    } else {
      const two = operators.find((operator) => source.startsWith(operator, at));
      if (two === undefined && !"+-*/%^<>!?:,.#|;=".includes(char))
        throw new ExprError(
          `unrecognized character: U+${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")} '${char}'`,
        );
      tokens.push({ kind: "Operator", text: two ?? char });
      at += (two ?? char).length;
    }
  }
  tokens.push({ kind: "EOF", text: "" });
  return tokens;
}

function endOf(source: string, mark: string, from: number): number {
  const end = source.indexOf(mark, from);
  return end < 0 ? source.length : end;
}

function number(source: string, at: number, tokens: Token[]): number {
  const rest = source.slice(at);
  // `1..3` is a range: the first dot does not belong to the number.
  const text =
    /^0[xX][0-9a-fA-F_]+|^0[bB][01_]+|^0[oO][0-7_]+/.exec(rest)?.[0] ??
    /^(?:[0-9][0-9_]*)?(?:\.(?!\.)[0-9_]*)?(?:[eE][+-]?[0-9]+)?/.exec(rest)?.[0] ??
    rest;
  const plain = text.replaceAll("_", "");
  if (/[A-Za-z0-9]/.test(source.charAt(at + text.length)))
    throw new ExprError(`bad number syntax: "${text}${source.charAt(at + text.length)}"`);
  const isInt = /^(?:0[xXbBoO].+|[0-9]+)$/.test(plain);
  tokens.push({ kind: "Number", text, value: isInt ? BigInt(plain) : Number(plain) });
  return at + text.length;
}

function string(source: string, at: number, quote: string, tokens: Token[]): number {
  let value = "";
  let i = at + 1;
  for (; ; i++) {
    const char = source.charAt(i);
    if (i >= source.length || (char === "\n" && quote !== "`")) throw new ExprError("literal not terminated");
    if (char === quote) break;
    if (char !== "\\" || quote === "`") {
      value += char;
      continue;
    }
    const escaped = source.charAt(++i);
    if (escaped === "x" || escaped === "u" || escaped === "U") {
      const length = escaped === "x" ? 2 : escaped === "u" ? 4 : 8;
      const hex = source.slice(i + 1, i + 1 + length);
      if (!/^[0-9a-fA-F]+$/.test(hex) || hex.length < length) throw new ExprError("invalid char escaped");
      value += String.fromCodePoint(Number.parseInt(hex, 16));
      i += length;
    } else if (escapes[escaped] !== undefined) value += escapes[escaped];
    else throw new ExprError("invalid char escaped");
  }
  tokens.push({ kind: "String", text: source.slice(at, i + 1), value });
  return i + 1;
}
