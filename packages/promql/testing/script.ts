import { Labels, METRIC_NAME, setStale } from "@tracegate/contracts";
import { parseDuration, parseNumber, unquote } from "../src/literals.ts";

/** A series of a `load`, or an expected one: samples by slot; a slot that is absent has none. */
export interface ScriptSeries {
  readonly labels: Labels;
  /** Slot numbers, ascending. */
  readonly slots: readonly number[];
  readonly values: Float64Array;
}

export type Expectation =
  | { readonly kind: "series"; readonly series: readonly ScriptSeries[]; readonly ordered: boolean }
  | { readonly kind: "scalar"; readonly value: number }
  | { readonly kind: "string"; readonly text: string }
  | { readonly kind: "fail"; readonly message?: string; readonly pattern?: string };

/** What must be true of warnings or infos: none, some, or exactly such texts. */
export interface AnnotationRule {
  readonly none: boolean;
  readonly some: boolean;
  readonly messages: readonly string[];
  readonly patterns: readonly string[];
}

export interface Evaluation {
  readonly kind: "eval";
  readonly line: number;
  readonly query: string;
  readonly at:
    | { readonly kind: "instant"; readonly time: number }
    | { readonly kind: "range"; readonly start: number; readonly end: number; readonly stepMs: number };
  /** Times of an expected matrix of an instant query. */
  readonly matrixTimes?: { readonly start: number; readonly stepMs: number };
  readonly expected: Expectation;
  readonly warnings: AnnotationRule;
  readonly infos: AnnotationRule;
}

export type Command =
  | { readonly kind: "clear" }
  | {
      readonly kind: "load";
      readonly line: number;
      readonly stepMs: number;
      readonly series: readonly ScriptSeries[];
    }
  | Evaluation;

/** A script that is not written as the language wants it. */
export class ScriptError extends Error {
  constructor(line: number, what: string) {
    super(`line ${line}: ${what}`);
    this.name = "ScriptError";
  }
}

/** Native histograms, which scripts may use and we do not store. */
export class UnsupportedScript extends ScriptError {}

/** Reads a script of the promqltest language (load, clear, eval). */
export function parseScript(text: string): Command[] {
  const lines = text.split("\n").map((line) => line.trim());
  const commands: Command[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    if (line === "" || line.startsWith("#")) continue;
    const number = at + 1;
    const block: { text: string; number: number }[] = [];
    const takeBlock = () => {
      while (at + 1 < lines.length && lines[at + 1] !== "") {
        at++;
        const inner = lines[at] ?? "";
        if (!inner.startsWith("#")) block.push({ text: inner, number: at + 1 });
      }
      return block;
    };
    if (line === "clear") commands.push({ kind: "clear" });
    else if (line.startsWith("load")) commands.push(parseLoad(line, number, takeBlock()));
    else if (line.startsWith("eval")) commands.push(parseEval(line, number, takeBlock()));
    else throw new ScriptError(number, `invalid command ${JSON.stringify(line)}`);
  }
  return commands;
}

type Block = readonly { readonly text: string; readonly number: number }[];

function parseLoad(line: string, number: number, block: Block): Command {
  const found = /^load\s+(\S+)$/.exec(line);
  if (line.startsWith("load_with_nhcb"))
    throw new UnsupportedScript(number, "native histograms are not supported");
  if (found === null) throw new ScriptError(number, `invalid load ${JSON.stringify(line)}`);
  const stepMs = durationOf(found[1] ?? "", number);
  return {
    kind: "load",
    line: number,
    stepMs,
    series: block.map(({ text, number }) => parseSeriesLine(text, number)),
  };
}

function parseEval(line: string, number: number, block: Block): Evaluation {
  const found =
    /^eval(?:_(fail|warn|info|ordered))?\s+instant\s+(?:at\s+(\S+)\s+)?(.+)$/.exec(line) ??
    /^eval(?:_(fail|warn|info|ordered))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)$/.exec(
      line,
    );
  if (found === null) throw new ScriptError(number, `invalid eval ${JSON.stringify(line)}`);
  const suffix = found[1];
  const instant = found.length === 4;
  const at = instant
    ? ({ kind: "instant", time: durationOf(found[2] ?? "0", number) } as const)
    : ({
        kind: "range",
        start: durationOf(found[2] ?? "", number),
        end: durationOf(found[3] ?? "", number),
        stepMs: durationOf(found[4] ?? "", number),
      } as const);
  const query = (instant ? found[3] : found[5]) ?? "";
  const rules = { warn: newRule(suffix === "warn"), info: newRule(suffix === "info") };
  let fail: Expectation | undefined = suffix === "fail" ? { kind: "fail" } : undefined;
  let ordered = suffix === "ordered";
  let single: Expectation | undefined;
  let matrixTimes: { start: number; stepMs: number } | undefined;
  const series: ScriptSeries[] = [];

  for (const { text, number: at } of block) {
    const expect =
      /^expect(?:ed)?[ _](fail_message|fail_regexp|fail|warn|info|no_warn|no_info|ordered|string|range vector)(.*)$/.exec(
        text,
      );
    if (expect === null) {
      const value = series.length === 0 ? scalarOf(text) : undefined;
      if (value !== undefined) single = { kind: "scalar", value };
      else series.push(parseSeriesLine(text, at));
      continue;
    }
    const rest = (expect[2] ?? "").trim();
    switch (expect[1]) {
      case "fail":
        fail = { kind: "fail", ...messageOf(rest) };
        break;
      case "fail_message":
        fail = { kind: "fail", message: rest };
        break;
      case "fail_regexp":
        fail = { kind: "fail", pattern: rest };
        break;
      case "warn":
      case "info":
        rules[expect[1]].add(messageOf(rest));
        break;
      case "no_warn":
        rules.warn.none = true;
        break;
      case "no_info":
        rules.info.none = true;
        break;
      case "ordered":
        ordered = true;
        break;
      case "string":
        single = { kind: "string", text: unquote(rest) ?? rest };
        break;
      default: {
        const times = /^from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)$/.exec(rest);
        if (times === null) throw new ScriptError(at, `invalid range ${JSON.stringify(rest)}`);
        matrixTimes = { start: durationOf(times[1] ?? "", at), stepMs: durationOf(times[3] ?? "", at) };
      }
    }
  }
  return {
    kind: "eval",
    line: number,
    query,
    at,
    ...(matrixTimes === undefined ? {} : { matrixTimes }),
    expected: fail ?? single ?? { kind: "series", series, ordered },
    warnings: rules.warn,
    infos: rules.info,
  };
}

class Rule implements AnnotationRule {
  none = false;
  some: boolean;
  readonly messages: string[] = [];
  readonly patterns: string[] = [];

  constructor(some: boolean) {
    this.some = some;
  }

  add({ message, pattern }: { message?: string; pattern?: string }): void {
    this.some = true;
    if (message !== undefined) this.messages.push(message);
    if (pattern !== undefined) this.patterns.push(pattern);
  }
}

const newRule = (some: boolean) => new Rule(some);

function messageOf(rest: string): { message?: string; pattern?: string } {
  if (rest.startsWith("msg:")) return { message: rest.slice(4).trim() };
  if (rest.startsWith("regex:")) return { pattern: rest.slice(6).trim() };
  return {};
}

function durationOf(text: string, line: number): number {
  const negative = text.startsWith("-");
  const ms = parseDuration(negative ? text.slice(1) : text);
  if (typeof ms === "number") return negative ? -ms : ms;
  const seconds = parseNumber(text);
  if (seconds !== undefined) return seconds * 1000;
  throw new ScriptError(line, `${JSON.stringify(text)} is not a duration`);
}

/** `metric{label="value", …} item item …` */
export function parseSeriesLine(text: string, line: number): ScriptSeries {
  if (text.includes("{{")) throw new UnsupportedScript(line, "native histograms are not supported");
  const { labels, rest } = parseMetric(text, line);
  if (rest.startsWith("@st")) throw new UnsupportedScript(line, "start timestamps are not supported");
  const slots: number[] = [];
  const numbers: (number | "stale")[] = [];
  let slot = 0;
  for (const item of rest.split(/\s+/).filter((part) => part !== "")) {
    for (const value of expandItem(item, line)) {
      if (value !== undefined) {
        slots.push(slot);
        numbers.push(value);
      }
      slot++;
    }
  }
  const values = new Float64Array(numbers.length);
  numbers.forEach((value, i) => {
    if (value === "stale") setStale(values, i);
    else values[i] = value;
  });
  return { labels, slots, values };
}

/** Reads the metric; the rest of the line is what follows. */
function parseMetric(text: string, line: number): { labels: Labels; rest: string } {
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(text)?.[0] ?? "";
  const pairs: [string, string][] = name === "" ? [] : [[METRIC_NAME, name]];
  let at = name.length;
  if (text[at] !== "{") return { labels: Labels.from(pairs), rest: text.slice(at).trim() };
  at++;
  const pair =
    /\s*(?:([a-zA-Z_][a-zA-Z0-9_]*)|("(?:[^"\\]|\\.)*"))\s*(?:=\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`))?\s*,?/y;
  while (!/^\s*\}/.test(text.slice(at))) {
    pair.lastIndex = at;
    const found = pair.exec(text);
    if (found === null) throw new ScriptError(line, `malformed labels in ${JSON.stringify(text)}`);
    const label = found[1] ?? unquote(found[2] ?? "") ?? "";
    if (found[3] === undefined) pairs.push([METRIC_NAME, label]);
    else pairs.push([label, unquote(found[3]) ?? ""]);
    at = pair.lastIndex;
  }
  return { labels: Labels.from(pairs), rest: text.slice(text.indexOf("}", at) + 1).trim() };
}

const NUMBER =
  "(?:[0-9]+\\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\\.[0-9]+(?:[eE][+-]?[0-9]+)?|[iI]nf|[nN]a[nN]|[0-9]+(?:ms|[smhdwy]))";
const SEQUENCE = new RegExp(`^([+-]?${NUMBER})(?:([+-]${NUMBER}))?x([0-9]+)$`);

/** One item as its slots; `undefined` is a slot without a sample. */
function expandItem(item: string, line: number): (number | "stale" | undefined)[] {
  if (item === "_") return [undefined];
  const blanks = /^_x(\d+)$/.exec(item);
  if (blanks !== null) return Array.from({ length: Number(blanks[1]) }, () => undefined);
  if (item === "stale") return ["stale"];
  const staleRun = /^stalex(\d+)$/.exec(item);
  if (staleRun !== null) return Array.from({ length: Number(staleRun[1]) + 1 }, () => "stale" as const);
  const value = scalarOf(item);
  if (value !== undefined) return [value];
  const sequence = SEQUENCE.exec(item);
  const first = scalarOf(sequence?.[1] ?? "");
  if (sequence === null || first === undefined)
    throw new ScriptError(line, `${JSON.stringify(item)} is not a value`);
  const step = scalarOf(sequence[2] ?? "0") ?? 0;
  const values: number[] = [];
  let next = first;
  for (let i = 0; i <= Number(sequence[3]); i++) {
    values.push(next);
    next += step;
  }
  return values;
}

function scalarOf(text: string): number | undefined {
  const negative = text.startsWith("-");
  const size = /^[+-]/.test(text) ? text.slice(1) : text;
  // 0x20 is 21 zeros here, not 32.
  if (size === "" || /^0[xX]/.test(size)) return undefined;
  const ms = /[smhdwy]$/.test(size) ? parseDuration(size) : undefined;
  const value = typeof ms === "number" ? ms / 1000 : parseNumber(size);
  return value === undefined ? undefined : negative ? -value : value;
}
