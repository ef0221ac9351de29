import { Labels, METRIC_NAME } from "@tracegate/contracts";

/** Which of the two text formats a body is in. */
export type ExpositionFormat = "text" | "openmetrics";

export type MetricType =
  | "counter"
  | "gauge"
  | "histogram"
  | "gaugehistogram"
  | "summary"
  | "info"
  | "stateset"
  | "unknown";

/** Called while a body is read. Nothing is made of a sample line but numbers; the series is given as its bytes. */
export interface ExpositionSink {
  /** The series is written in `body[start, end)`, as `parseSeries` reads it. Without an own time, `timeMs` is NaN. */
  sample(start: number, end: number, value: number, timeMs: number): void;
  metadata(metric: string, field: "type" | "help" | "unit", text: string): void;
}

/** A body that is not what it says it is. */
export class ExpositionError extends Error {
  constructor(line: number, what: string) {
    super(`line ${line}: ${what}`);
    this.name = "ExpositionError";
  }
}

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const TAB = 9;
const QUOTE = 34;
const HASH = 35;
const OPEN = 123;
const CLOSE = 125;
const BACKSLASH = 92;

/** Reads a body line by line. Throws `ExpositionError`; samples before the fault have been handed over by then. */
export function parseExposition(body: Buffer, format: ExpositionFormat, sink: ExpositionSink): void {
  let at = 0;
  let line = 0;
  let ended = false;
  while (at < body.length) {
    line++;
    let end = body.indexOf(NEWLINE, at);
    if (end < 0) {
      if (format === "text") throw new ExpositionError(line, "the last line does not end in a newline");
      end = body.length;
    }
    if (ended) throw new ExpositionError(line, "data after # EOF");
    const first = body[at];
    if (first === HASH) ended = comment(body, at, end, format, sink);
    else if (at < end) sampleLine(body, at, end, line, format, sink);
    at = end + 1;
  }
  if (format === "openmetrics" && !ended) throw new ExpositionError(line, "data does not end with # EOF");
}

/** Handles `# TYPE`, `# HELP`, `# UNIT`; whether this was OpenMetrics' `# EOF`. */
function comment(
  body: Buffer,
  at: number,
  end: number,
  format: ExpositionFormat,
  sink: ExpositionSink,
): boolean {
  const text = body.toString("utf8", at, end).trimEnd();
  if (format === "openmetrics" && text === "# EOF") return true;
  const found = /^#[ \t]+(TYPE|HELP|UNIT)[ \t]+("(?:[^"\\]|\\.)*"|\S+)(?:[ \t]+(.*))?$/.exec(text);
  if (found === null) return false;
  const [, kind = "", rawName = "", rest = ""] = found;
  const name = rawName.startsWith('"') ? unescaped(rawName.slice(1, -1)) : rawName;
  if (kind === "HELP") sink.metadata(name, "help", unescaped(rest));
  else if (kind === "UNIT") sink.metadata(name, "unit", rest);
  else sink.metadata(name, "type", rest === "untyped" ? "unknown" : rest);
  return false;
}

function sampleLine(
  body: Buffer,
  start: number,
  lineEnd: number,
  line: number,
  format: ExpositionFormat,
  sink: ExpositionSink,
): void {
  let end = body[lineEnd - 1] === CARRIAGE_RETURN ? lineEnd - 1 : lineEnd;
  let at = start;
  while (at < end && isBlank(body[at])) at++;
  if (at === end) return;
  const seriesStart = at;
  const seriesEnd = endOfSeries(body, at, end);
  if (seriesEnd < 0) throw new ExpositionError(line, "the label braces are not closed");
  at = seriesEnd;
  if (format === "openmetrics") end = beforeExemplar(body, at, end);
  while (at < end && isBlank(body[at])) at++;
  const valueStart = at;
  while (at < end && !isBlank(body[at])) at++;
  const value = parseFloatBytes(body, valueStart, at);
  if (value === undefined) {
    throw new ExpositionError(
      line,
      `expected a value, got ${JSON.stringify(body.toString("utf8", valueStart, at))}`,
    );
  }
  while (at < end && isBlank(body[at])) at++;
  let time = Number.NaN;
  if (at < end) {
    const timeStart = at;
    while (at < end && !isBlank(body[at])) at++;
    const given = parseFloatBytes(body, timeStart, at);
    if (given === undefined || !Number.isFinite(given)) {
      const shown = JSON.stringify(body.toString("utf8", timeStart, at));
      throw new ExpositionError(line, `expected a timestamp, got ${shown}`);
    }
    time = format === "openmetrics" ? Math.round(given * 1000) : given;
    while (at < end && isBlank(body[at])) at++;
    if (at < end) throw new ExpositionError(line, "unexpected text after the timestamp");
  }
  sink.sample(seriesStart, seriesEnd, value, time);
}

const isBlank = (byte: number | undefined) => byte === SPACE || byte === TAB;

/** Past the name and, if there are any, the braces (blanks between the two allowed). −1: the braces stay open. */
function endOfSeries(body: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && body[at] !== OPEN && !isBlank(body[at])) at++;
  const nameEnd = at;
  while (at < end && isBlank(body[at])) at++;
  if (body[at] !== OPEN || at >= end) return nameEnd;
  let quoted = false;
  for (at++; at < end; at++) {
    const byte = body[at];
    if (byte === BACKSLASH && quoted) at++;
    else if (byte === QUOTE) quoted = !quoted;
    else if (byte === CLOSE && !quoted) return at + 1;
  }
  return -1;
}

/** Exemplars (` # {…} value`) are not stored; the line ends before them. */
function beforeExemplar(body: Buffer, at: number, end: number): number {
  const hash = body.indexOf(HASH, at);
  return hash < 0 || hash >= end ? end : hash;
}

const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, power) => 10 ** power);

/** A Go float without hexadecimals, or `undefined`. Plain decimals are read without making a string. */
export function parseFloatBytes(body: Buffer, start: number, end: number): number | undefined {
  let at = start;
  const negative = body[at] === 45;
  if (negative) at++;
  let digits = 0;
  let mantissa = 0;
  let fraction = -1;
  for (; at < end; at++) {
    const byte = body[at] ?? 0;
    if (byte >= 48 && byte <= 57) {
      mantissa = mantissa * 10 + (byte - 48);
      digits++;
      if (fraction >= 0) fraction++;
    } else if (byte === 46 && fraction < 0) fraction = 0;
    else break;
  }
  // Up to 15 digits and a power of ten up to 22 are exact, so one division rounds correctly.
  if (at === end && digits > 0 && digits <= 15) {
    const value = fraction > 0 ? mantissa / (POWERS_OF_TEN[fraction] ?? 1) : mantissa;
    return negative ? -value : value;
  }
  return parseFloatText(body.toString("latin1", start, end));
}

function parseFloatText(text: string): number | undefined {
  if (/^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/.test(text)) return Number(text);
  switch (text.toLowerCase()) {
    case "nan":
      return Number.NaN;
    case "inf":
    case "+inf":
    case "infinity":
    case "+infinity":
      return Number.POSITIVE_INFINITY;
    case "-inf":
    case "-infinity":
      return Number.NEGATIVE_INFINITY;
    default:
      return undefined;
  }
}

/** The labels of a series as it stands in a body; `typeOf` tells a family's type, for the spelling of `le`. */
export function parseSeries(
  text: string,
  typeOf: (metric: string) => MetricType | undefined,
): Labels | string {
  const open = text.indexOf("{");
  const pairs: [string, string][] = [];
  let name = (open < 0 ? text : text.slice(0, open)).trim();
  if (open >= 0) {
    const token =
      /\s*(?:("(?:[^"\\]|\\.)*")|([a-zA-Z_][a-zA-Z0-9_.:-]*))\s*(?:=\s*("(?:[^"\\]|\\.)*"))?\s*(,|(?=\}))/gsy;
    let at = open + 1;
    while (!/^\s*\}$/.test(text.slice(at))) {
      token.lastIndex = at;
      const found = token.exec(text);
      if (found === null) return `malformed labels in ${JSON.stringify(text)}`;
      const [, quoted, plain, value] = found;
      const label = quoted === undefined ? (plain ?? "") : unescaped(quoted.slice(1, -1));
      if (value !== undefined) pairs.push([label, unescaped(value.slice(1, -1))]);
      else if (quoted !== undefined && name === "") name = label;
      else return `label ${JSON.stringify(label)} has no value in ${JSON.stringify(text)}`;
      at = token.lastIndex;
    }
  }
  if (name === "") return `${JSON.stringify(text)} has no metric name`;
  if (open < 0 && !/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name))
    return `${JSON.stringify(name)} is not a metric name`;
  if (new Set(pairs.map(([label]) => label)).size < pairs.length)
    return `a label is given twice in ${JSON.stringify(text)}`;
  pairs.push([METRIC_NAME, name]);
  return Labels.from(
    pairs.map(([label, value]): [string, string] => [label, spelled(name, label, value, typeOf)]),
  );
}

/** `le="1"` and `le="1.0"` are one bucket: both are stored as `1.0`, as Prometheus 3 does; `quantile` likewise. */
function spelled(
  name: string,
  label: string,
  value: string,
  typeOf: (metric: string) => MetricType | undefined,
): string {
  const histogram =
    label === "le" && name.endsWith("_bucket") && typeOf(name.slice(0, -"_bucket".length)) === "histogram";
  const summary = label === "quantile" && typeOf(name) === "summary";
  if (!histogram && !summary) return value;
  const number = parseFloatText(value);
  return number === undefined ? value : openMetricsFloat(number);
}

/** A float with a fraction or an exponent, always. */
export function openMetricsFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  const text = goGeneral(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** Go's shortest %g: exponents below 1e-4 and from 1e21 on, at least two digits. */
function goGeneral(value: number): string {
  const size = Math.abs(value);
  const text = size !== 0 && size < 1e-4 ? value.toExponential() : String(value);
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replaceAll(/\\(.)/gs, (whole, char: string) =>
    char === "n" ? "\n" : char === "\\" || char === '"' ? char : whole,
  );
}
