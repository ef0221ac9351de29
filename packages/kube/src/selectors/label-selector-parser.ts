/**
 * The text form of label selectors: `x in (a,b),y!=c,!z`. A lexer and a descent over its tokens, with the very messages
 * of apimachinery's `labels.Parse` (some lack a comma before "expected"; so do the originals).
 */
import { fieldErrorBody, invalid } from "../validation/field-error.ts";
import { qualifiedNameErrors } from "../validation/names.ts";
import type { LabelOperator, LabelRequirement } from "./label-requirement.ts";

/** A selector that cannot be read. The message is what the API answers, with 400. */
export class SelectorSyntaxError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "SelectorSyntaxError";
  }
}

type TokenType = "identifier" | "symbol" | "end" | "error";
interface Token {
  readonly type: TokenType;
  readonly text: string;
}

const SYMBOLS = new Set([")", ",", "!", "==", "=", ">", "<", "!=", "("]);
const isBlank = (char: string): boolean => char === " " || char === "\t" || char === "\r" || char === "\n";
const isSymbolChar = (char: string): boolean => "=!(),><".includes(char);

export function parseRequirements(text: string): LabelRequirement[] {
  const tokens = new Tokens(scan(text));
  const requirements: LabelRequirement[] = [];
  for (;;) {
    const first = tokens.peek();
    if (first.type === "end") return requirements;
    if (!startsRequirement(first)) {
      throw new SelectorSyntaxError(`found '${first.text}', expected: !, identifier, or 'end of string'`);
    }
    requirements.push(parseRequirement(tokens));
    const next = tokens.take();
    if (next.type === "end") return requirements;
    if (!isSymbol(next, ",")) {
      throw new SelectorSyntaxError(`found '${next.text}', expected: ',' or 'end of string'`);
    }
    const following = tokens.peek();
    if (!startsRequirement(following)) {
      throw new SelectorSyntaxError(`found '${following.text}', expected: identifier after ','`);
    }
  }
}

function parseRequirement(tokens: Tokens): LabelRequirement {
  let token = tokens.take();
  const negated = isSymbol(token, "!");
  if (negated) token = tokens.take();
  if (token.type !== "identifier") refuse(`found '${token.text}', expected: identifier`);
  const key = token.text;
  const keyErrors = qualifiedNameErrors(key);
  if (keyErrors.length > 0) {
    // Upstream has no path here, and prints it as Go prints a nil path.
    refuse(`<nil>: ${fieldErrorBody(invalid("", key, keyErrors.join("; ")))}`);
  }
  if (negated) return { key, operator: "!", values: [] };
  const next = tokens.peek();
  if (next.type === "end" || isSymbol(next, ",")) return { key, operator: "exists", values: [] };
  const operator = parseOperator(tokens.take());
  const values = operator === "in" || operator === "notin" ? parseSet(tokens) : [parseExact(tokens)];
  return { key, operator, values: [...new Set(values)].sort() };
}

function parseOperator({ type, text }: Token): LabelOperator {
  if (type === "identifier" && (text === "in" || text === "notin")) return text;
  if (type === "symbol" && (text === "=" || text === "==" || text === "!=")) return text;
  if (type === "symbol" && text === ">") return "gt";
  if (type === "symbol" && text === "<") return "lt";
  return refuse(`found '${text}', expected: in, notin, =, ==, !=, gt, lt`);
}

function parseSet(tokens: Tokens): string[] {
  const open = tokens.take();
  if (!isSymbol(open, "(")) refuse(`found '${open.text}' expected: '('`);
  const first = tokens.peek();
  if (isSymbol(first, ")")) {
    tokens.take();
    return [""];
  }
  if (first.type !== "identifier" && !isSymbol(first, ",")) {
    refuse(`found '${first.text}', expected: ',', ')' or identifier`);
  }
  const values = parseList(tokens);
  tokens.take();
  return values;
}

/** Identifiers with commas between; an empty place counts as the empty value. Ends before the closing parenthesis. */
function parseList(tokens: Tokens): string[] {
  const values: string[] = [];
  for (;;) {
    const token = tokens.take();
    if (token.type === "identifier") {
      values.push(token.text);
      const next = tokens.peek();
      if (isSymbol(next, ")")) return values;
      if (!isSymbol(next, ",")) refuse(`found '${next.text}', expected: ',' or ')'`);
    } else if (isSymbol(token, ",")) {
      if (values.length === 0) values.push("");
      const next = tokens.peek();
      if (isSymbol(next, ")")) return [...values, ""];
      if (isSymbol(next, ",")) {
        tokens.take();
        values.push("");
      }
    } else {
      refuse(`found '${token.text}', expected: ',', or identifier`);
    }
  }
}

function parseExact(tokens: Tokens): string {
  const next = tokens.peek();
  if (next.type === "end" || isSymbol(next, ",")) return "";
  const token = tokens.take();
  if (token.type === "identifier") return token.text;
  return refuse(`found '${token.text}', expected: identifier`);
}

const isSymbol = (token: Token, text: string): boolean => token.type === "symbol" && token.text === text;
const startsRequirement = (token: Token): boolean => token.type === "identifier" || isSymbol(token, "!");

function refuse(reason: string): never {
  throw new SelectorSyntaxError(`unable to parse requirement: ${reason}`);
}

/** Tokens and the place in them; after the end there is only the end. */
class Tokens {
  readonly #tokens: readonly Token[];
  #position = 0;
  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }
  peek(): Token {
    return this.#tokens[this.#position] ?? { type: "end", text: "" };
  }
  take(): Token {
    const token = this.peek();
    this.#position++;
    return token;
  }
}

function scan(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const current = (): string => text[at] ?? "";
  while (at < text.length) {
    if (isBlank(current())) {
      at++;
    } else if (isSymbolChar(current())) {
      tokens.push(scanSymbol());
    } else {
      const start = at;
      while (at < text.length && !isBlank(current()) && !isSymbolChar(current())) at++;
      tokens.push({ type: "identifier", text: text.slice(start, at) });
    }
  }
  return tokens;

  /** The longest known symbol from here. */
  function scanSymbol(): Token {
    const start = at;
    let known = "";
    while (at < text.length && isSymbolChar(current())) {
      const longer = text.slice(start, at + 1);
      if (SYMBOLS.has(longer)) known = longer;
      else if (known !== "") break;
      at++;
    }
    if (known !== "") return { type: "symbol", text: known };
    return { type: "error", text: `error expected: keyword found '${text.slice(start, at)}'` };
  }
}
