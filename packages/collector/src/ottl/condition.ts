/**
 * Conditions of the OpenTelemetry Transformation Language, as far as filters need it: paths, literals, comparisons,
 * `and` / `or` / `not`, parentheses, and the converter `IsMatch`. Anything else is refused when it is compiled.
 */

export type OttlValue = string | number | bigint | boolean | undefined;

/** Reads a path of the item at hand: `name`, or `attributes` with a key. Answers undefined for nil. */
export type ReadPath<T> = (item: T, path: string, key: string | undefined) => OttlValue;

export type Condition<T> = (item: T) => boolean;

/** The paths that a context has; `true` for those that take a key. */
export type Paths = Readonly<Record<string, boolean>>;

type Evaluate<T> = (item: T) => OttlValue;

interface Token {
  readonly kind: "word" | "string" | "number" | "symbol" | "end";
  readonly text: string;
  readonly at: number;
}

/** Throws with the position of what it cannot read. */
export function compileCondition<T>(source: string, paths: Paths, read: ReadPath<T>): Condition<T> {
  return new Compiler(source, paths, read).compile();
}

const ENUMS: ReadonlyMap<string, number> = new Map([
  ...["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"].map(
    (name, i) => [`SPAN_KIND_${name}`, i] as const,
  ),
  ...["UNSET", "OK", "ERROR"].map((name, i) => [`STATUS_CODE_${name}`, i] as const),
]);

class Compiler<T> {
  readonly #source: string;
  readonly #paths: Paths;
  readonly #read: ReadPath<T>;
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(source: string, paths: Paths, read: ReadPath<T>) {
    this.#source = source;
    this.#paths = paths;
    this.#read = read;
    this.#tokens = tokens(source);
  }

  compile(): Condition<T> {
    const condition = this.#or();
    const rest = this.#peek();
    if (rest.kind !== "end") throw this.#unexpected(rest);
    return condition;
  }

  #or(): Condition<T> {
    const parts = [this.#and()];
    while (this.#takeWord("or")) parts.push(this.#and());
    return (item) => parts.some((part) => part(item));
  }

  #and(): Condition<T> {
    const parts = [this.#term()];
    while (this.#takeWord("and")) parts.push(this.#term());
    return (item) => parts.every((part) => part(item));
  }

  #term(): Condition<T> {
    if (this.#takeWord("not")) {
      const inner = this.#term();
      return (item) => !inner(item);
    }
    if (this.#takeSymbol("(")) {
      const inner = this.#or();
      this.#expectSymbol(")");
      return inner;
    }
    return this.#comparison();
  }

  #comparison(): Condition<T> {
    const left = this.#value();
    const operator = this.#peek();
    if (operator.kind !== "symbol" || !Object.hasOwn(COMPARISONS, operator.text)) {
      return (item) => left(item) === true;
    }
    this.#next++;
    const right = this.#value();
    const compare = COMPARISONS[operator.text] ?? (() => false);
    return (item) => compare(left(item), right(item));
  }

  #value(): Evaluate<T> {
    const token = this.#take();
    if (token.kind === "string") return () => token.text;
    if (token.kind === "number") {
      const value = Number(token.text);
      return () => value;
    }
    if (token.kind !== "word") throw this.#unexpected(token);
    if (token.text === "true" || token.text === "false") return () => token.text === "true";
    if (token.text === "nil") return () => undefined;
    if (token.text === "IsMatch") return this.#isMatch();
    const constant = ENUMS.get(token.text);
    return constant === undefined ? this.#path(token) : () => constant;
  }

  #isMatch(): Evaluate<T> {
    this.#expectSymbol("(");
    const subject = this.#value();
    this.#expectSymbol(",");
    const pattern = this.#take();
    if (pattern.kind !== "string") throw this.#unexpected(pattern);
    this.#expectSymbol(")");
    const regexp = new RegExp(pattern.text);
    return (item) => {
      const value = subject(item);
      return value !== undefined && regexp.test(String(value));
    };
  }

  #path(token: Token): Evaluate<T> {
    const keyed = Object.hasOwn(this.#paths, token.text) ? this.#paths[token.text] : undefined;
    if (keyed === undefined) {
      const known = Object.keys(this.#paths).join(", ");
      throw new Error(
        `unable to parse OTTL condition ${JSON.stringify(this.#source)}: unknown path ${JSON.stringify(token.text)} (known: ${known})`,
      );
    }
    const read = this.#read;
    if (!keyed) return (item) => read(item, token.text, undefined);
    this.#expectSymbol("[");
    const key = this.#take();
    if (key.kind !== "string") throw this.#unexpected(key);
    this.#expectSymbol("]");
    return (item) => read(item, token.text, key.text);
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? END;
  }

  #take(): Token {
    const token = this.#peek();
    this.#next++;
    return token;
  }

  #takeWord(word: string): boolean {
    const token = this.#peek();
    const there = token.kind === "word" && token.text === word;
    if (there) this.#next++;
    return there;
  }

  #takeSymbol(symbol: string): boolean {
    const token = this.#peek();
    const there = token.kind === "symbol" && token.text === symbol;
    if (there) this.#next++;
    return there;
  }

  #expectSymbol(symbol: string): void {
    if (!this.#takeSymbol(symbol)) throw this.#unexpected(this.#peek());
  }

  #unexpected(token: Token): Error {
    const what = token.kind === "end" ? "end of condition" : `token ${JSON.stringify(token.text)}`;
    return new Error(
      `condition has invalid syntax: 1:${token.at + 1}: unexpected ${what} in ${JSON.stringify(this.#source)}`,
    );
  }
}

const END: Token = { kind: "end", text: "", at: 0 };

const COMPARISONS: Readonly<Record<string, (a: OttlValue, b: OttlValue) => boolean>> = {
  "==": equal,
  "!=": (a, b) => !equal(a, b),
  "<": (a, b) => ordered(a, b, (x, y) => x < y),
  "<=": (a, b) => ordered(a, b, (x, y) => x <= y),
  ">": (a, b) => ordered(a, b, (x, y) => x > y),
  ">=": (a, b) => ordered(a, b, (x, y) => x >= y),
};

/** Integers and doubles are one kind; other kinds never equal each other. */
function equal(a: OttlValue, b: OttlValue): boolean {
  if (isNumeric(a) && isNumeric(b)) return !(a < b) && !(a > b);
  return a === b;
}

/** Values of different kinds have no order: every such comparison is false. */
function ordered(
  a: OttlValue,
  b: OttlValue,
  holds: (a: string | number | bigint, b: string | number | bigint) => boolean,
): boolean {
  if (isNumeric(a) && isNumeric(b)) return holds(a, b);
  return typeof a === "string" && typeof b === "string" && holds(a, b);
}

function isNumeric(value: OttlValue): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

const TOKEN =
  /\s*(?:("(?:[^"\\]|\\.)*")|(-?\d+(?:\.\d+)?)|([A-Za-z_][A-Za-z0-9_.]*)|(==|!=|<=|>=|<|>|[()[\],]))/y;

function tokens(source: string): Token[] {
  const out: Token[] = [];
  TOKEN.lastIndex = 0;
  let at = 0;
  while (source.slice(at).trim() !== "") {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(source);
    if (found === null) {
      throw new Error(
        `condition has invalid syntax: 1:${at + 1}: invalid input text ${JSON.stringify(source.slice(at))}`,
      );
    }
    const [whole, string, number, word, symbol] = found;
    const begin = at + whole.length - whole.trimStart().length;
    if (string !== undefined) out.push({ kind: "string", text: unquote(string), at: begin });
    else if (number !== undefined) out.push({ kind: "number", text: number, at: begin });
    else if (word !== undefined) out.push({ kind: "word", text: word, at: begin });
    else out.push({ kind: "symbol", text: symbol ?? "", at: begin });
    at = TOKEN.lastIndex;
  }
  return [...out, { kind: "end", text: "", at }];
}

function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/g, (_, c: string) => (c === "n" ? "\n" : c === "t" ? "\t" : c));
}
