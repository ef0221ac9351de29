import { describeToken, goQuote, type Token, tokenize } from "./lexer.ts";
import { parseDuration, parseNumber, unquote } from "./literals.ts";
import { ParseError, type Span } from "./position.ts";

/** The tokens of a query, read one after the other with one of lookahead; and the words for what is wrong with them. */
export class TokenCursor {
  readonly text: string;
  readonly experimental: boolean;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string, experimental: boolean) {
    this.text = text;
    this.experimental = experimental;
    this.#tokens = tokenize(text);
  }

  /** Where the token ended that was taken last. */
  get lastEnd(): number {
    return this.#tokens[this.#at - 1]?.end ?? 0;
  }

  peek(ahead = 0): Token {
    const token = this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)];
    if (token === undefined) throw new Error("a token list always has an end");
    if (ahead === 0 && token.error !== undefined) throw token.error;
    return token;
  }

  next(): Token {
    const token = this.peek();
    this.#at++;
    return token;
  }

  isPunctuation(text: string): boolean {
    const token = this.peek();
    return token.kind === "punctuation" && token.text === text;
  }

  isOperator(...texts: readonly string[]): boolean {
    const token = this.peek();
    return token.kind === "operator" && texts.includes(token.text);
  }

  takeKeyword(word: string): boolean {
    const token = this.peek();
    if (token.kind !== "keyword" || token.text.toLowerCase() !== word) return false;
    this.next();
    return true;
  }

  expectPunctuation(text: string): Token {
    if (!this.isPunctuation(text)) throw this.unexpected();
    return this.next();
  }

  numberOf(token: Token): number {
    if (token.kind === "duration") {
      const ms = parseDuration(token.text);
      if (typeof ms !== "number") throw this.fail(token, ms.error);
      return ms / 1000;
    }
    const value = parseNumber(token.text);
    if (value === undefined) throw this.fail(token, `error parsing number: ${goQuote(token.text)}`);
    return value;
  }

  stringOf(token: Token): string {
    const value = unquote(token.text);
    if (value === undefined) throw this.fail(token, "error unquoting string: invalid syntax");
    return value;
  }

  unexpected(context = "", expected = ""): ParseError {
    const token = this.peek();
    const inside = context === "" ? "" : ` in ${context}`;
    const wanted = expected === "" ? "" : `, expected ${expected}`;
    return this.fail(token, `unexpected ${describeToken(token)}${inside}${wanted}`);
  }

  fail(span: Span, what: string): ParseError {
    // A span of its own is never empty, or it would read as "unknown position".
    return new ParseError(this.text, { start: span.start, end: Math.max(span.end, span.start + 1) }, what);
  }
}
