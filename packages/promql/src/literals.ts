const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};
const UNITS = ["y", "w", "d", "h", "m", "s", "ms"];

/** Milliseconds of a Prometheus duration (`1h30m`; units from large to small, each once), or what is wrong with it. */
export function parseDuration(text: string): number | { error: string } {
  if (text === "0") return 0;
  if (text === "") return { error: "empty duration string" };
  if (!/^(?:[0-9]+(?:ms|[smhdwy]))+$/.test(text))
    return { error: `not a valid duration string: ${JSON.stringify(text)}` };
  let total = 0;
  let largest = -1;
  for (const [, count, unit = ""] of text.matchAll(/([0-9]+)(ms|[smhdwy])/g)) {
    const rank = UNITS.indexOf(unit);
    if (rank <= largest) return { error: `not a valid duration string: ${JSON.stringify(text)}` };
    largest = rank;
    total += Number(count) * (UNIT_MS[unit] ?? 0);
  }
  // 64-bit nanoseconds hold 292 years.
  return total > 9_223_372_036_854 ? { error: "duration out of range" } : total;
}

/** Milliseconds as Prometheus prints them: `1h30m`, `0s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0s";
  if (ms < 0) return `-${formatDuration(-ms)}`;
  let rest = ms;
  let text = "";
  for (const unit of UNITS) {
    const size = UNIT_MS[unit] ?? 1;
    // Years, weeks and days only when nothing is left over, as Prometheus does: 90m stays 1h30m, 8d stays 8d.
    const whole = unit === "y" || unit === "w";
    if (whole && rest % size !== 0) continue;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}

/** A number literal; `undefined` when it is none. */
export function parseNumber(text: string): number | undefined {
  const lower = text.toLowerCase();
  if (lower === "inf" || lower === "+inf") return Number.POSITIVE_INFINITY;
  if (lower === "-inf") return Number.NEGATIVE_INFINITY;
  if (lower === "nan") return Number.NaN;
  const plain = text.replaceAll("_", "");
  if (/^0[xX][0-9a-fA-F]+$/.test(plain)) return Number(plain);
  if (/^0[0-7]+$/.test(plain)) return Number.parseInt(plain, 8);
  return /^(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/.test(plain) ? Number(plain) : undefined;
}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
};

/** The value of a quoted string in Go's syntax; `undefined` when an escape is malformed. */
export function unquote(raw: string): string | undefined {
  const body = raw.slice(1, -1);
  if (raw[0] === "`") return body;
  const quote = raw[0];
  let value = "";
  let bytes: number[] = [];
  const flush = () => {
    if (bytes.length > 0) value += Buffer.from(bytes).toString("utf8");
    bytes = [];
  };
  for (let i = 0; i < body.length; i++) {
    const char = body[i] ?? "";
    if (char !== "\\") {
      flush();
      value += char;
      continue;
    }
    const escaped = body[++i] ?? "";
    const simple = SIMPLE_ESCAPES[escaped];
    if (simple !== undefined) {
      // Only the quote that delimits the string may be escaped.
      if ((escaped === "'" || escaped === '"') && escaped !== quote) return undefined;
      flush();
      value += simple;
      continue;
    }
    const digits = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))/.exec(
      body.slice(i),
    );
    if (digits === null) return undefined;
    const [whole, hex, short, long, octal] = digits;
    const code =
      octal === undefined ? Number.parseInt(hex ?? short ?? long ?? "", 16) : Number.parseInt(octal, 8);
    if (code > 0x10ffff || (octal !== undefined && code > 255)) return undefined;
    if (hex !== undefined || octal !== undefined) bytes.push(code);
    else {
      flush();
      value += String.fromCodePoint(code);
    }
    i += whole.length - 1;
  }
  flush();
  return value;
}
