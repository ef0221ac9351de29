import { ParseError, type Span } from "./position.ts";

export type TokenKind =
  | "identifier"
  /** An identifier with a colon: good for metric names only. */
  | "metric identifier"
  | "number"
  | "duration"
  | "string"
  | "operator"
  | "aggregator"
  | "keyword"
  | "punctuation"
  | "end"
  /** What cannot be read; the parser reports it when it gets there, so that an earlier fault is named first. */
  | "error";

export interface Token extends Span {
  readonly kind: TokenKind;
  /** The text as written; of operators, aggregators and keywords in lower case. */
  readonly text: string;
  readonly error?: ParseError;
}

const AGGREGATOR_WORDS = new Set(
  "sum avg min max count group stddev stdvar quantile topk bottomk count_values limitk limit_ratio".split(
    " ",
  ),
);
const KEYWORDS = new Set(
  "offset by without on ignoring group_left group_right bool start end fill fill_left fill_right".split(" "),
);
const WORD_OPERATORS = new Set(["and", "or", "unless", "atan2"]);

const SPACE = /[ \t\r\n]+/y;
const COMMENT = /#[^\n]*/y;
const WORD = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const DURATION = /(?:[0-9]+(?:ms|[smhdwy]))+(?![a-zA-Z0-9_.])/y;
const NUMBER =
  /(?:0[xX][0-9a-fA-F_]+|(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9][0-9_]*)?)(?![a-zA-Z0-9_.])/y;
const NUMBER_LIKE = /[0-9.][a-zA-Z0-9_.]*/y;
const OPERATOR = /==|=~|!=|!~|<=|>=|[-+*/%^<>=@]/y;
const PUNCTUATION = /[(){}[\],:]/y;

/** Cuts a query into tokens, the last of kind `end` or `error`. Brackets are checked here, as Prometheus does. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  try {
    scan(text, tokens);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    tokens.push({ kind: "error", text: "", ...error.span, error });
  }
  return tokens;
}

function scan(text: string, tokens: Token[]): void {
  const brackets = new BracketCheck(text);
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  const push = (kind: TokenKind, raw: string, shown = raw) => {
    tokens.push({ kind, text: shown, start: at, end: at + raw.length });
    at += raw.length;
  };
  while (at < text.length) {
    const blank = take(SPACE) ?? take(COMMENT);
    if (blank !== undefined) {
      at += blank.length;
      continue;
    }
    const char = text[at] ?? "";
    // Inside braces a word is a label, whatever it means elsewhere; inside brackets a colon stands on its own.
    const word = brackets.inBrackets && char === ":" ? undefined : take(brackets.inBraces ? LABEL : WORD);
    if (word !== undefined) {
      const [kind, shown] = wordKind(word, brackets.inBraces);
      push(kind, word, shown);
    } else if (char === '"' || char === "'" || char === "`") push("string", quoted(text, at));
    else if (/[0-9]/.test(char) || (char === "." && /[0-9]/.test(text[at + 1] ?? ""))) {
      const duration = take(DURATION);
      const number = duration === undefined ? take(NUMBER) : undefined;
      if (duration !== undefined) push("duration", duration);
      else if (number !== undefined) push("number", number);
      else {
        const bad = take(NUMBER_LIKE) ?? char;
        throw new ParseError(
          text,
          { start: at, end: at + bad.length },
          `bad number or duration syntax: ${goQuote(bad)}`,
        );
      }
    } else {
      const operator = take(OPERATOR);
      const punctuation = operator === undefined ? take(PUNCTUATION) : undefined;
      if (operator !== undefined) {
        if (!brackets.inBraces && (operator === "=~" || operator === "!~")) {
          throw unexpectedCharacter(text, at + 1, operator[1] ?? "");
        }
        push("operator", operator);
      } else if (punctuation !== undefined) {
        if (punctuation === ":" && !brackets.inBrackets) throw unexpectedCharacter(text, at, ":");
        brackets.see(punctuation, at);
        push("punctuation", punctuation);
      } else {
        const codePoint = String.fromCodePoint(text.codePointAt(at) ?? 0);
        throw brackets.inBraces
          ? new ParseError(
              text,
              { start: at, end: at + 1 },
              `unexpected character inside braces: '${codePoint}'`,
            )
          : unexpectedCharacter(text, at, codePoint);
      }
    }
  }
  brackets.finish();
  tokens.push({ kind: "end", text: "", start: text.length, end: text.length });
}

const LABEL = /[a-zA-Z_][a-zA-Z0-9_]*/y;

function wordKind(word: string, inBraces: boolean): [TokenKind, string] {
  if (inBraces) return ["identifier", word];
  const lower = word.toLowerCase();
  if (WORD_OPERATORS.has(lower)) return ["operator", lower];
  if (AGGREGATOR_WORDS.has(lower)) return ["aggregator", word];
  if (KEYWORDS.has(lower)) return ["keyword", word];
  if (lower === "inf" || lower === "nan") return ["number", word];
  return [word.includes(":") ? "metric identifier" : "identifier", word];
}

function unexpectedCharacter(text: string, at: number, char: string): ParseError {
  return new ParseError(text, { start: at, end: at + 1 }, `unexpected character: '${char}'`);
}

class BracketCheck {
  readonly #text: string;
  readonly #parens: number[] = [];
  #brace = -1;
  #bracket = -1;

  constructor(text: string) {
    this.#text = text;
  }

  get inBraces(): boolean {
    return this.#brace >= 0;
  }

  get inBrackets(): boolean {
    return this.#bracket >= 0;
  }

  see(char: string, at: number): void {
    const fail = (what: string) => new ParseError(this.#text, { start: at, end: at + 1 }, what);
    if (char === "(") this.#parens.push(at);
    else if (char === ")" && this.#parens.pop() === undefined) throw fail("unexpected right parenthesis ')'");
    else if (char === "{") {
      if (this.inBraces) throw fail("unexpected left brace '{'");
      this.#brace = at;
    } else if (char === "}") {
      if (!this.inBraces) throw fail("unexpected right brace '}'");
      this.#brace = -1;
    } else if (char === "[") {
      if (this.inBrackets) throw fail("unexpected left bracket '['");
      this.#bracket = at;
    } else if (char === "]") {
      if (!this.inBrackets) throw fail("unexpected right bracket ']'");
      this.#bracket = -1;
    }
  }

  finish(): void {
    const end = this.#text.length;
    const fail = (what: string) => new ParseError(this.#text, { start: end, end: end + 1 }, what);
    if (this.inBraces) throw fail("unexpected end of input inside braces");
    if (this.#parens.length > 0) throw fail("unclosed left parenthesis");
    if (this.inBrackets) throw fail("unclosed left bracket");
  }
}

/** The raw text of the string that begins at `start`, quotes included. */
function quoted(text: string, start: number): string {
  const quote = text[start] ?? "";
  const raw = quote === "`";
  for (let i = start + 1; i < text.length; i++) {
    const char = text[i];
    if (char === quote) return text.slice(start, i + 1);
    if (!raw && char === "\n") break;
    if (!raw && char === "\\") i++;
  }
  throw new ParseError(
    text,
    { start, end: start + 1 },
    raw ? "unterminated raw string" : "unterminated quoted string",
  );
}

/** A string as Go's %q prints it. */
export function goQuote(value: string): string {
  return JSON.stringify(value).replaceAll("\\u007f", "\\x7f");
}

/** A token as messages name it. */
export function describeToken({ kind, text }: Token): string {
  switch (kind) {
    case "end":
      return "end of input";
    case "operator":
      return text === "=" ? '"="' : text === "@" ? "<op:@>" : `<op:${text}>`;
    case "aggregator":
      return `<aggr:${text.toLowerCase()}>`;
    case "keyword":
      return `<${text.toLowerCase()}>`;
    case "punctuation":
      return `"${text}"`;
    default:
      return `${kind} ${goQuote(text)}`;
  }
}
