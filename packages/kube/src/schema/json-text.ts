/**
 * Reads JSON as Go's decoder does: with its messages for what is malformed, and with the fields that occur twice
 * (`JSON.parse` keeps quiet about both).
 */
import { type JsonObject, setKey } from "../json.ts";

export interface JsonText {
  readonly value: unknown;
  /** Paths of fields that occur more than once: `data.a`, `spec.containers[0].name`. The last value counts. */
  readonly duplicates: readonly string[];
}

/** Malformed JSON; the message is that of Go's `encoding/json`. */
export class JsonSyntaxError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "JsonSyntaxError";
  }
}

/** Nesting deeper than this is refused, as Go does. */
const MAX_DEPTH = 10_000;

export function parseJsonText(text: string): JsonText {
  try {
    return new Parser(text).parse();
  } catch (error) {
    // Our own depth may be less than Go's.
    if (error instanceof RangeError) throw new JsonSyntaxError("invalid character '[' exceeded max depth");
    throw error;
  }
}

/** Within these Go takes the end for a blank. */
const ENDS_AS_BLANK = /numeric literal$|^in literal |^in string escape code$|^in \\u hexadecimal/;

class Parser {
  readonly #text: string;
  readonly #duplicates: string[] = [];
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): JsonText {
    const value = this.#value("");
    this.#skipBlanks();
    if (this.#at < this.#text.length) throw this.#unexpected("after top-level value");
    return { value, duplicates: this.#duplicates };
  }

  #value(path: string): unknown {
    this.#skipBlanks();
    const char = this.#text[this.#at];
    if (char === "{") return this.#nested(() => this.#object(path));
    if (char === "[") return this.#nested(() => this.#array(path));
    if (char === '"') return this.#string();
    if (char === "t") return this.#literal("true", true);
    if (char === "f") return this.#literal("false", false);
    if (char === "n") return this.#literal("null", null);
    if (char !== undefined && (char === "-" || isDigit(char))) return this.#number();
    throw this.#unexpected("looking for beginning of value");
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw this.#unexpected("exceeded max depth");
    const value = read();
    this.#depth--;
    return value;
  }

  #object(path: string): JsonObject {
    const object: JsonObject = {};
    this.#at++;
    this.#skipBlanks();
    if (this.#take("}")) return object;
    for (;;) {
      this.#skipBlanks();
      if (this.#text[this.#at] !== '"') throw this.#unexpected("looking for beginning of object key string");
      const key = this.#string();
      const below = path === "" ? key : `${path}.${key}`;
      this.#skipBlanks();
      if (!this.#take(":")) throw this.#unexpected("after object key");
      const value = this.#value(below);
      if (Object.hasOwn(object, key) && !this.#duplicates.includes(below)) this.#duplicates.push(below);
      setKey(object, key, value);
      this.#skipBlanks();
      if (this.#take("}")) return object;
      if (!this.#take(",")) throw this.#unexpected("after object key:value pair");
    }
  }

  #array(path: string): unknown[] {
    const array: unknown[] = [];
    this.#at++;
    this.#skipBlanks();
    if (this.#take("]")) return array;
    for (;;) {
      array.push(this.#value(`${path}[${array.length}]`));
      this.#skipBlanks();
      if (this.#take("]")) return array;
      if (!this.#take(",")) throw this.#unexpected("after array element");
    }
  }

  #string(): string {
    const start = this.#at++;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (Number.isNaN(code)) throw this.#unexpected("in string literal");
      if (code === 0x22) break;
      if (code < 0x20) throw this.#unexpected("in string literal");
      if (code === 0x5c) this.#escape();
      else this.#at++;
    }
    this.#at++;
    const literal = this.#text.slice(start, this.#at);
    return literal.includes("\\") ? String(JSON.parse(literal)).toWellFormed() : literal.slice(1, -1);
  }

  #escape(): void {
    this.#at++;
    const char = this.#text[this.#at] ?? "";
    if (char === "u") {
      for (let i = 0; i < 4; i++) {
        this.#at++;
        if (!/^[0-9a-fA-F]$/.test(this.#text[this.#at] ?? ""))
          throw this.#unexpected("in \\u hexadecimal character escape");
      }
    } else if (char === "" || !'"\\/bfnrt'.includes(char)) {
      throw this.#unexpected("in string escape code");
    }
    this.#at++;
  }

  #number(): number {
    const start = this.#at;
    if (this.#text[this.#at] === "-") this.#at++;
    if (this.#text[this.#at] === "0") this.#at++;
    else this.#digits("in numeric literal");
    if (this.#text[this.#at] === ".") {
      this.#at++;
      this.#digits("after decimal point in numeric literal");
    }
    if (this.#text[this.#at] === "e" || this.#text[this.#at] === "E") {
      this.#at++;
      if (this.#text[this.#at] === "+" || this.#text[this.#at] === "-") this.#at++;
      this.#digits("in exponent of numeric literal");
    }
    return Number(this.#text.slice(start, this.#at));
  }

  #digits(context: string): void {
    if (!isDigit(this.#text[this.#at] ?? "")) throw this.#unexpected(context);
    while (isDigit(this.#text[this.#at] ?? "")) this.#at++;
  }

  #literal<T>(word: string, value: T): T {
    for (let i = 0; i < word.length; i++) {
      if (this.#text[this.#at] !== word[i])
        throw this.#unexpected(`in literal ${word} (expecting '${word[i]}')`);
      this.#at++;
    }
    return value;
  }

  #skipBlanks(): void {
    for (;;) {
      const char = this.#text[this.#at];
      if (char !== " " && char !== "\n" && char !== "\r" && char !== "\t") return;
      this.#at++;
    }
  }

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #unexpected(context: string): JsonSyntaxError {
    const code = this.#text.codePointAt(this.#at) ?? (ENDS_AS_BLANK.test(context) ? 0x20 : undefined);
    if (code === undefined) return new JsonSyntaxError("unexpected end of JSON input");
    return new JsonSyntaxError(`invalid character ${goRune(code)} ${context}`);
  }
}

const isDigit = (char: string): boolean => char >= "0" && char <= "9" && char.length === 1;

/** A character in single quotes as Go prints it. */
function goRune(code: number): string {
  if (code === 0x27) return "'\\''";
  if (code === 0x22) return "'\"'";
  const named: Record<number, string> = {
    7: "a",
    8: "b",
    9: "t",
    10: "n",
    11: "v",
    12: "f",
    13: "r",
    92: "\\",
  };
  if (named[code] !== undefined) return `'\\${named[code]}'`;
  // Go looks at bytes.
  if (code >= 0x80) return `'${String.fromCodePoint(Buffer.from(String.fromCodePoint(code))[0] ?? code)}'`;
  if (code < 0x20 || code === 0x7f) return `'\\x${code.toString(16).padStart(2, "0")}'`;
  return `'${String.fromCodePoint(code)}'`;
}
