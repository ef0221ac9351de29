import { AssertionError } from "node:assert";
import { isStale, type Labels } from "@tracegate/contracts";
import type { Expr } from "../src/ast.ts";
import { instantQuery, rangeQuery } from "../src/engine.ts";
import { parse } from "../src/parser.ts";
import { print } from "../src/printer.ts";
import { evaluatesTime } from "../src/step-invariance.ts";
import type { QueryResult, Value } from "../src/value.ts";
import { MemorySource } from "./memory-source.ts";
import {
  type AnnotationRule,
  type Evaluation,
  type Expectation,
  parseScript,
  type ScriptSeries,
} from "./script.ts";

/** What a script is run against: the engine itself, or a server in front of it. */
export interface ScriptTarget {
  clear(): void | Promise<void>;
  load(series: readonly ScriptSeries[], stepMs: number): void | Promise<void>;
  instant(query: string, time: number): QueryResult | Promise<QueryResult>;
  range(
    query: string,
    range: { start: number; end: number; stepMs: number },
  ): QueryResult | Promise<QueryResult>;
}

/** The bare engine over a store in memory, with everything switched on. */
export function engineTarget(): ScriptTarget {
  const source = new MemorySource();
  const options = { experimental: true };
  return {
    clear: () => source.clear(),
    load(series, stepMs) {
      for (const { labels, slots, values } of series) {
        source.add(
          labels,
          Float64Array.from(slots, (slot) => slot * stepMs),
          values,
        );
      }
    },
    instant: (query, time) => instantQuery(source, query, time, options),
    range: (query, range) => rangeQuery(source, query, range, options),
  };
}

/** Runs a script; rejects at the first expectation that does not hold, naming its line. */
export async function runScript(text: string, target: ScriptTarget = engineTarget()): Promise<void> {
  await runCommands(text, target, (error) => {
    throw error;
  });
}

/** Runs a script to its end and hands each broken expectation over. */
export async function runCommands(
  text: string,
  target: ScriptTarget,
  broken: (error: AssertionError) => void,
): Promise<void> {
  for (const command of parseScript(text)) {
    if (command.kind === "clear") await target.clear();
    else if (command.kind === "load") await target.load(command.series, command.stepMs);
    else {
      try {
        await check(command, target);
      } catch (error) {
        const told = error instanceof Error ? error.message : String(error);
        broken(new AssertionError({ message: `line ${command.line}: ${command.query}: ${told}` }));
      }
    }
  }
}

async function check(evaluation: Evaluation, target: ScriptTarget): Promise<void> {
  const { at, query, expected } = evaluation;
  const run = async () =>
    at.kind === "instant" ? await target.instant(query, at.time) : await target.range(query, at);
  if (expected.kind === "fail") return checkFailure(expected, run);
  const result = await run();
  compare(result.value, evaluation);
  checkAnnotations("warning", result.warnings, evaluation.warnings);
  checkAnnotations("info", result.infos, evaluation.infos);
  if (at.kind === "instant") await checkAgain(evaluation, at.time, target);
}

async function checkFailure(
  expected: Expectation & { kind: "fail" },
  run: () => Promise<QueryResult>,
): Promise<void> {
  let told: string;
  try {
    await run();
  } catch (error) {
    told = (error instanceof Error ? error.message : String(error)).trim();
    if (expected.message !== undefined && told !== expected.message) {
      throw new Error(`expected the error ${JSON.stringify(expected.message)}, got ${JSON.stringify(told)}`);
    }
    if (expected.pattern !== undefined && !new RegExp(expected.pattern).test(told)) {
      throw new Error(`expected an error like /${expected.pattern}/, got ${JSON.stringify(told)}`);
    }
    return;
  }
  throw new Error("expected an error, got a result");
}

/** Every instant query must say the same when pinned by `@` and asked at other times, and inside a range query. */
async function checkAgain(evaluation: Evaluation, time: number, target: ScriptTarget): Promise<void> {
  const expr = parse(evaluation.query, { experimental: true });
  if (!evaluatesTime(expr)) {
    const pinned = print(pin(expr, time));
    const others = time === 0 ? [-1000, 0, 1000] : [-10 * time, 0, time / 5, time, 10 * time];
    for (const other of others) {
      const { value } = await target.instant(pinned, other);
      try {
        compare(value, evaluation);
      } catch (error) {
        throw new Error(`as ${pinned} at ${other} ms: ${error instanceof Error ? error.message : error}`);
      }
    }
  }
  const { expected, query } = evaluation;
  if (expected.kind !== "series" || evaluation.matrixTimes !== undefined) return;
  const { value } = await target.range(query, { start: time - 60_000, end: time + 60_000, stepMs: 60_000 });
  if (value.type !== "matrix") throw new Error("a range query gave no matrix");
  const samples = value.series.flatMap(({ labels, times, values }) => {
    const i = times.indexOf(time);
    return i < 0 ? [] : [{ labels, value: values[i] ?? Number.NaN }];
  });
  try {
    compareVector({ type: "vector", time, samples }, expected.series, false);
  } catch (error) {
    throw new Error(`as the middle of a range query: ${error instanceof Error ? error.message : error}`);
  }
}

/** The expression with `@ time` on every selector and outermost subquery that has none. */
function pin(expr: Expr, time: number): Expr {
  switch (expr.kind) {
    case "number":
    case "string":
      return expr;
    case "vector":
    case "subquery":
      return { ...expr, shift: { at: time, ...expr.shift } };
    case "matrix":
      return { ...expr, selector: { ...expr.selector, shift: { at: time, ...expr.selector.shift } } };
    case "paren":
    case "unary":
      return { ...expr, expr: pin(expr.expr, time) };
    case "binary":
      return { ...expr, lhs: pin(expr.lhs, time), rhs: pin(expr.rhs, time) };
    case "call":
      return { ...expr, args: expr.args.map((arg) => pin(arg, time)) };
    case "aggregation": {
      const param = expr.param === undefined ? {} : { param: pin(expr.param, time) };
      return { ...expr, expr: pin(expr.expr, time), ...param };
    }
  }
}

function compare(value: Value, { expected, at, matrixTimes }: Evaluation): void {
  if (expected.kind === "scalar") {
    if (value.type !== "scalar") throw new Error(`expected a scalar, got ${describe(value)}`);
    if (!almostEqual(value.value, expected.value))
      throw new Error(`expected ${expected.value}, got ${value.value}`);
  } else if (expected.kind === "string") {
    if (value.type !== "string" || value.text !== expected.text) {
      throw new Error(`expected the string ${JSON.stringify(expected.text)}, got ${describe(value)}`);
    }
  } else if (expected.kind === "series") {
    if (value.type === "vector") compareVector(value, expected.series, expected.ordered);
    else if (value.type === "matrix") {
      const grid = matrixTimes ?? (at.kind === "range" ? at : { start: at.time, stepMs: 1 });
      compareMatrix(value, expected.series, grid);
    } else throw new Error(`expected series, got ${describe(value)}`);
  }
}

function compareVector(
  { samples }: Value & { type: "vector" },
  expected: readonly ScriptSeries[],
  ordered: boolean,
): void {
  const byKey = new Map(samples.map((sample, i) => [sample.labels.key, { ...sample, place: i }]));
  expected.forEach(({ labels, values }, i) => {
    const found = byKey.get(labels.key);
    if (found === undefined)
      throw new Error(`${labels} is missing; got ${list(samples.map((s) => s.labels))}`);
    if (ordered && found.place !== i) throw new Error(`${labels} is at place ${found.place}, not ${i}`);
    if (!almostEqual(found.value, values[0] ?? Number.NaN)) {
      throw new Error(`${labels} is ${found.value}, expected ${values[0]}`);
    }
    byKey.delete(labels.key);
  });
  if (byKey.size > 0) throw new Error(`unexpected ${list([...byKey.values()].map(({ labels }) => labels))}`);
}

function compareMatrix(
  { series }: Value & { type: "matrix" },
  expected: readonly ScriptSeries[],
  grid: { readonly start: number; readonly stepMs: number },
): void {
  const byKey = new Map(series.map((one) => [one.labels.key, one]));
  for (const { labels, slots, values } of expected) {
    if (slots.length === 0) continue;
    const found = byKey.get(labels.key);
    if (found === undefined)
      throw new Error(`${labels} is missing; got ${list(series.map((s) => s.labels))}`);
    byKey.delete(labels.key);
    const got = [...found.times].map((time, i) => `${time}:${found.values[i]}`).join(" ");
    if (found.times.length !== slots.length) {
      throw new Error(`${labels} has ${found.times.length} samples, expected ${slots.length}: ${got}`);
    }
    slots.forEach((slot, i) => {
      const time = grid.start + slot * grid.stepMs;
      const sameTime = found.times[i] === time;
      const bothStale = isStale(values, i) && isStale(found.values, i);
      if (!sameTime || !(bothStale || almostEqual(found.values[i] ?? 0, values[i] ?? 0))) {
        throw new Error(`${labels} at ${time} should be ${values[i]}: ${got}`);
      }
    });
  }
  if (byKey.size > 0) throw new Error(`unexpected ${list([...byKey.values()].map(({ labels }) => labels))}`);
}

function checkAnnotations(kind: "warning" | "info", told: readonly string[], rule: AnnotationRule): void {
  if (rule.none && told.length > 0) throw new Error(`expected no ${kind}, got ${JSON.stringify(told)}`);
  if (rule.some && told.length === 0) throw new Error(`expected a ${kind}`);
  if (rule.messages.length + rule.patterns.length === 0) return;
  const fits = (text: string) =>
    rule.messages.includes(text) || rule.patterns.some((pattern) => new RegExp(pattern).test(text));
  const odd = told.find((text) => !fits(text));
  if (odd !== undefined) throw new Error(`unexpected ${kind} ${JSON.stringify(odd)}`);
  const unmet = rule.messages.find((text) => !told.includes(text));
  if (unmet !== undefined) throw new Error(`expected the ${kind} ${JSON.stringify(unmet)}`);
  const silent = rule.patterns.find((pattern) => !told.some((text) => new RegExp(pattern).test(text)));
  if (silent !== undefined) throw new Error(`expected a ${kind} like /${silent}/`);
}

/** Equal, both NaN, or within a millionth of their size. */
export function almostEqual(a: number, b: number): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  const size = Math.abs(a) + Math.abs(b);
  return Number.isFinite(size) && Math.abs(a - b) / size < 1e-6;
}

const list = (labels: readonly Labels[]) => (labels.length === 0 ? "nothing" : labels.map(String).join(" "));

function describe(value: Value): string {
  switch (value.type) {
    case "scalar":
      return `the scalar ${value.value}`;
    case "string":
      return `the string ${JSON.stringify(value.text)}`;
    case "vector":
      return `a vector of ${list(value.samples.map(({ labels }) => labels))}`;
    case "matrix":
      return `a matrix of ${list(value.series.map(({ labels }) => labels))}`;
  }
}
