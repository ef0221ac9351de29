/** Reads what clients write as Go does, with its words for what is wrong: the texts reach people through Jaeger's answers. */
export class GoError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "GoError";
  }
}

/** `strconv.ParseInt` of base 10; also `Atoi`, which only names itself. */
export function parseInteger(text: string, bits: 32 | 64, func = "ParseInt"): number {
  if (!/^[+-]?\d+$/.test(text)) throw numberError(func, text, "invalid syntax");
  const value = BigInt(text.replace("+", ""));
  if (BigInt.asIntN(bits, value) !== value) throw numberError(func, text, "value out of range");
  return Number(value);
}

export function parseFloat64(text: string): number {
  const digits = text.replace(/^[+-]/, "");
  if (/^(inf|infinity|nan)$/i.test(digits)) return Number.NaN;
  if (!/^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(digits))
    throw numberError("ParseFloat", text, "invalid syntax");
  if (!Number.isFinite(Number(digits))) throw numberError("ParseFloat", text, "value out of range");
  return Number(text);
}

export function parseBoolean(text: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw numberError("ParseBool", text, "invalid syntax");
}

export const numberError = (func: string, text: string, why: string): GoError =>
  new GoError(`strconv.${func}: parsing ${JSON.stringify(text)}: ${why}`);

const UNITS_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 6e10,
  h: 3.6e12,
};

const MAX_NS = 2 ** 63;

/** `time.ParseDuration`, in microseconds. */
export function parseDuration(text: string): number {
  const quoted = quote(text);
  const invalid = () => new GoError(`time: invalid duration ${quoted}`);
  const sign = text.startsWith("-") ? -1 : 1;
  let rest = text.replace(/^[+-]/, "");
  if (rest === "0") return 0;
  if (rest === "") throw invalid();
  let total = 0;
  while (rest !== "") {
    const [number = "", digits = "", , fraction = ""] = /^(\d*)(\.(\d*))?/.exec(rest) ?? [];
    if (digits === "" && fraction === "") throw invalid();
    rest = rest.slice(number.length);
    const unit = /^[^.\d]*/.exec(rest)?.[0] ?? "";
    if (unit === "") throw new GoError(`time: missing unit in duration ${quoted}`);
    const ns = Object.hasOwn(UNITS_NS, unit) ? UNITS_NS[unit] : undefined;
    if (ns === undefined) throw new GoError(`time: unknown unit ${quote(unit)} in duration ${quoted}`);
    rest = rest.slice(unit.length);
    total += Number(number) * ns;
    if (total >= MAX_NS) throw invalid();
  }
  return (sign * total) / 1e3;
}

const LAYOUT = "2006-01-02T15:04:05.999999999Z07:00";

/** `time.Parse` of RFC 3339, in milliseconds. */
export function parseTime(text: string): number {
  const problem = (why: string) => new GoError(`parsing time ${quote(text)}${why}`);
  let rest = text;
  const fields: number[] = [];
  const take = (pattern: RegExp, name: string): string => {
    const [found] = pattern.exec(rest) ?? [];
    if (found === undefined)
      throw problem(` as ${quote(LAYOUT)}: cannot parse ${quote(rest)} as ${quote(name)}`);
    rest = rest.slice(found.length);
    return found;
  };
  const number = (pattern: RegExp, name: string, after: string) => {
    fields.push(Number(take(pattern, name)));
    if (after !== "") take(new RegExp(`^${after}`), after);
  };
  const range = (what: string, good: boolean) => {
    if (!good) throw problem(`: ${what} out of range`);
  };
  number(/^\d{4}/, "2006", "-");
  number(/^\d{2}/, "01", "");
  const [year = 0, month = 0] = fields;
  range("month", month >= 1 && month <= 12);
  take(/^-/, "-");
  number(/^\d{2}/, "02", "T");
  number(/^\d{2}/, "15", "");
  range("hour", (fields[3] ?? 0) < 24);
  take(/^:/, ":");
  number(/^\d{2}/, "04", "");
  range("minute", (fields[4] ?? 0) < 60);
  take(/^:/, ":");
  number(/^\d{2}/, "05", "");
  range("second", (fields[5] ?? 0) < 60);
  const [fraction = ""] = /^[.,]\d+/.exec(rest) ?? [];
  rest = rest.slice(fraction.length);
  const zone = take(/^(?:Z|[+-]\d{2}:\d{2})/, "Z07:00");
  const [zoneHours = 0, zoneMinutes = 0] = zone === "Z" ? [] : zone.slice(1).split(":").map(Number);
  range("time zone offset hour", zoneHours <= 24);
  range("time zone offset minute", zoneMinutes < 60);
  if (rest !== "") throw problem(`: extra text: ${quote(rest)}`);
  const [, , day = 0, hour = 0, minute = 0, second = 0] = fields;
  range("day", day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate());
  const offset = (zone.startsWith("-") ? -1 : 1) * (zoneHours * 60 + zoneMinutes);
  const part = fraction === "" ? 0 : Number(`0.${fraction.slice(1)}`) * 1000;
  return Date.UTC(year, month - 1, day, hour, minute - offset, second) + part;
}

/** Package `time` escapes what is not printable ASCII byte by byte. */
function quote(text: string): string {
  const inner = text.replace(/["\\]|[^ -~]+/g, (part) =>
    part === '"' || part === "\\"
      ? `\\${part}`
      : Array.from(Buffer.from(part), (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join(""),
  );
  return `"${inner}"`;
}

/** `json.Unmarshal` into a `map[string]string`. */
export function parseStringMap(json: string): Record<string, string> {
  new JsonCheck(json).check();
  const value: unknown = JSON.parse(json);
  if (value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw wrongType(value, "map[string]string");
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => {
      if (field !== null && typeof field !== "string") throw wrongType(field, "string");
      return [key, field ?? ""];
    }),
  );
}

function wrongType(value: unknown, wanted: string): GoError {
  const type = typeof value === "boolean" ? "bool" : Array.isArray(value) ? "array" : typeof value;
  return new GoError(`json: cannot unmarshal ${type} into Go value of type ${wanted}`);
}

/** Finds the first character that does not belong. */
class JsonCheck {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  check(): void {
    this.#value();
    if (this.#next() !== "") this.#fail("after top-level value");
  }

  #value(): void {
    const char = this.#next();
    if (char === "{") this.#list("}", "after object key:value pair", () => this.#field());
    else if (char === "[") this.#list("]", "after array element", () => this.#value());
    else if (char === '"') this.#string();
    else if (char === "t") this.#literal("true");
    else if (char === "f") this.#literal("false");
    else if (char === "n") this.#literal("null");
    else if (/^[-\d]$/.test(char)) this.#number();
    else this.#fail("looking for beginning of value");
  }

  #list(end: string, context: string, item: () => void): void {
    this.#at++;
    if (this.#next() === end) {
      this.#at++;
      return;
    }
    for (;;) {
      item();
      const char = this.#next();
      if (char !== end && char !== ",") this.#fail(context);
      this.#at++;
      if (char === end) return;
    }
  }

  #field(): void {
    if (this.#next() !== '"') this.#fail("looking for beginning of object key string");
    this.#string();
    if (this.#next() !== ":") this.#fail("after object key");
    this.#at++;
    this.#value();
  }

  #string(): void {
    this.#at++;
    for (let char = this.#char(); char !== '"'; char = this.#char()) {
      if (char < " ") this.#fail("in string literal");
      this.#at++;
      if (char === "\\") this.#escape();
    }
    this.#at++;
  }

  #escape(): void {
    const char = this.#char(" ");
    if (!/^["\\/bfnrtu]$/.test(char)) this.#fail("in string escape code", " ");
    this.#at++;
    for (let i = 0; char === "u" && i < 4; i++)
      this.#one(/^[\da-f]$/i, "in \\u hexadecimal character escape");
  }

  #literal(word: string): void {
    for (const letter of word) this.#one(new RegExp(letter), `in literal ${word} (expecting '${letter}')`);
  }

  #number(): void {
    if (this.#char() === "-") this.#at++;
    if (this.#char() === "0") this.#at++;
    else this.#digits("in numeric literal");
    if (this.#char() === ".") {
      this.#at++;
      this.#digits("after decimal point in numeric literal");
    }
    if (!/^e$/i.test(this.#char())) return;
    this.#at++;
    if (/^[+-]$/.test(this.#char())) this.#at++;
    this.#digits("in exponent of numeric literal");
  }

  #digits(context: string): void {
    this.#one(/^\d$/, context);
    while (/^\d$/.test(this.#char())) this.#at++;
  }

  #one(wanted: RegExp, context: string): void {
    if (!wanted.test(this.#char(" "))) this.#fail(context, " ");
    this.#at++;
  }

  /** The character here; `atEnd` where none is left. */
  #char(atEnd = ""): string {
    return this.#text[this.#at] ?? atEnd;
  }

  #next(): string {
    while (/^[ \t\r\n]$/.test(this.#char())) this.#at++;
    return this.#char();
  }

  /** Within a literal or number Go takes the end for a blank. */
  #fail(context: string, atEnd = ""): never {
    const char = this.#char(atEnd);
    if (char === "") throw new GoError("unexpected end of JSON input");
    const shown = char === "'" ? "\\'" : char === '"' ? '"' : JSON.stringify(char).slice(1, -1);
    throw new GoError(`invalid character '${shown}' ${context}`);
  }
}
