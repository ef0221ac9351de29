import { ExprError } from "./error.ts";
import * as T from "./types.ts";
import { Duration, equal, goText, goType, isList, isMap, isNumber, Time, type Value } from "./values.ts";

/** A function of the language. `check` answers with the result's type or throws; `call` computes. */
export interface Builtin {
  readonly min: number;
  readonly max: number;
  check(args: readonly T.Type[]): T.Type;
  call(args: readonly Value[], now: number): Value;
}

type Kinds = readonly T.Type["kind"][];

function accepts(name: string, kinds: Kinds, args: readonly T.Type[]): void {
  const [first] = args;
  if (first !== undefined && !T.isOpen(first) && !kinds.includes(first.kind))
    throw new ExprError(`invalid argument for ${name} (type ${T.typeName(first)})`);
}

function define(
  name: string,
  arity: readonly [number, number],
  kinds: Kinds,
  result: T.Type | ((args: readonly T.Type[]) => T.Type),
  call: (args: readonly Value[], now: number) => Value,
): [string, Builtin] {
  return [
    name,
    {
      min: arity[0],
      max: arity[1],
      check(args) {
        accepts(name, kinds, args);
        return typeof result === "function" ? result(args) : result;
      },
      call,
    },
  ];
}

const bad = (name: string, value: Value): never => {
  throw new ExprError(`invalid argument for ${name} (type ${goType(value)})`);
};
export const listOf = (name: string, value: Value): readonly Value[] =>
  isList(value) ? Array.from(value as Iterable<Value>) : bad(name, value);
const textOf = (name: string, value: Value): string => (typeof value === "string" ? value : bad(name, value));
const numberOf = (name: string, value: Value): number => (isNumber(value) ? Number(value) : bad(name, value));
const intOf = (name: string, value: Value): bigint => (typeof value === "bigint" ? value : bad(name, value));
const element = (args: readonly T.Type[]): T.Type => args[0]?.of ?? T.any;
const same = (args: readonly T.Type[]): T.Type => args[0] ?? T.any;
const int = (value: number): bigint => BigInt(Math.trunc(value));
const keepKind = (list: Value, items: readonly Value[]): Value =>
  list instanceof Float64Array
    ? Float64Array.from(items as readonly number[]) /* elements of a []float64 */
    : items;

/** Numbers of the arguments, with lists among them flattened, as max, min, mean, median and sum take them. */
const numbers = (name: string, args: readonly Value[]): Value[] =>
  args.flatMap((value) =>
    isList(value) ? numbers(name, listOf(name, value)) : isNumber(value) ? [value] : [bad(name, value)],
  );

const compare = (a: Value, b: Value): number =>
  isNumber(a) && isNumber(b)
    ? Number(a) - Number(b)
    : typeof a === "string" && typeof b === "string"
      ? a < b
        ? -1
        : a > b
          ? 1
          : 0
      : 0;

export const sorted = (items: readonly Value[], order: Value | undefined): Value[] =>
  items.toSorted((a, b) => (order === "desc" ? compare(b, a) : compare(a, b)));

function extreme(name: "max" | "min", args: readonly Value[]): Value {
  const all = numbers(name, args);
  if (all.length === 0) throw new ExprError(`not enough arguments to call ${name}`);
  return all.reduce((best, value) =>
    (name === "max" ? compare(value, best) > 0 : compare(value, best) < 0) ? value : best,
  );
}

function median(args: readonly Value[]): number {
  const all = numbers("median", args)
    .map(Number)
    .sort((a, b) => a - b);
  const middle = all.length >> 1;
  if (all.length === 0) return 0;
  return all.length % 2 === 1 ? (all[middle] ?? 0) : ((all[middle - 1] ?? 0) + (all[middle] ?? 0)) / 2;
}

export function sum(values: readonly Value[]): Value {
  const all = numbers("sum", values);
  return all.every((value) => typeof value === "bigint")
    ? all.reduce<bigint>((total, value) => total + BigInt(value as bigint) /* all are */, 0n)
    : all.reduce<number>((total, value) => total + Number(value), 0);
}

const units: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** Nanoseconds of a Go duration such as `1h30m` or `-1.5s`; undefined where it is none. */
export function goDurationNs(text: string): number | undefined {
  if (
    !/^[+-]?(?:0|(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))*$/.test(
      text,
    )
  )
    return undefined;
  let total = 0;
  for (const [, amount = "0", unit = ""] of text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g))
    total += Number(amount) * (units[unit] ?? 0);
  return text.startsWith("-") ? -total : total;
}

function parseDuration(text: string): Duration {
  const ns = goDurationNs(text);
  if (ns === undefined) throw new ExprError(`time: invalid duration ${JSON.stringify(text)}`);
  return new Duration(ns);
}

function parseDate(text: string): Time {
  const iso = /^\d{4}-\d{2}-\d{2}$/.test(text)
    ? `${text}T00:00:00Z`
    : text.replace(/^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})$/, "$1T$2Z");
  const ms = Date.parse(iso);
  if (Number.isNaN(ms)) throw new ExprError(`invalid date ${text}`);
  return new Time(ms);
}

function parseFloat64(value: Value): number {
  if (isNumber(value)) return Number(value);
  const text = textOf("float", value);
  return strictFloat(text);
}

export function strictFloat(text: string): number {
  const lower = text.toLowerCase();
  if (/^[+-]?inf(inity)?$/.test(lower)) return lower.startsWith("-") ? -Infinity : Infinity;
  if (lower === "nan") return Number.NaN;
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/.test(lower))
    throw new ExprError(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

export function strictInt(text: string, caller = "ParseInt"): bigint {
  if (!/^[+-]?\d+$/.test(text))
    throw new ExprError(`strconv.${caller}: parsing ${JSON.stringify(text)}: invalid syntax`);
  return BigInt(text);
}

function toInt(value: Value): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return int(value);
  const text = textOf("int", value);
  if (!/^[+-]?\d+$/.test(text)) throw new ExprError(`invalid operation: int(${text})`);
  return BigInt(text);
}

const json = (value: Value): unknown =>
  typeof value === "bigint"
    ? Number(value)
    : isList(value)
      ? Array.from(value as Iterable<Value>, json)
      : isMap(value)
        ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, json(item)]))
        : value;

function fetch(from: Value, key: Value): Value {
  if (isList(from) && isNumber(key)) {
    const items = listOf("get", from);
    const index = Number(key);
    return items[index < 0 ? items.length + index : index] ?? null;
  }
  return isMap(from) && typeof key === "string" && Object.hasOwn(from, key) ? (from[key] ?? null) : null;
}

const flat = (items: readonly Value[]): Value[] =>
  items.flatMap((item) => (isList(item) ? flat(listOf("flatten", item)) : [item]));
const text1 = (name: string, change: (text: string) => string) =>
  define(name, [1, 1], ["string"], T.string, ([a = null]) => change(textOf(name, a)));
const round = (name: string, change: (value: number) => number) =>
  define(name, [1, 1], ["int", "float"], T.float, ([a = null]) => change(numberOf(name, a)));
const bits = (name: string, change: (a: bigint, b: bigint) => bigint) =>
  define(name, [2, 2], ["int"], T.int, ([a = null, b = null]) =>
    BigInt.asIntN(64, change(intOf(name, a), intOf(name, b))),
  );
const trim = (text: string, set: string | undefined, sides: string): string => {
  let [from, to] = [0, text.length];
  const drop = (char: string) => (set === undefined ? /\s/.test(char) : set.includes(char));
  while (sides.includes("l") && from < to && drop(text.charAt(from))) from++;
  while (sides.includes("r") && to > from && drop(text.charAt(to - 1))) to--;
  return text.slice(from, to);
};

/** All functions but the predicates, by name. */
export const builtins: ReadonlyMap<string, Builtin> = new Map([
  define("len", [1, 1], ["array", "map", "string"], T.int, ([a = null]) =>
    typeof a === "string"
      ? BigInt([...a].length)
      : isList(a)
        ? BigInt(a.length)
        : isMap(a)
          ? BigInt(Object.keys(a).length)
          : bad("len", a),
  ),
  define(
    "type",
    [1, 1],
    ["bool", "int", "float", "string", "array", "map", "time", "duration"],
    T.string,
    ([a = null]) => typeWord(a),
  ),
  define("abs", [1, 1], ["int", "float"], same, ([a = null]) =>
    typeof a === "bigint" ? (a < 0n ? -a : a) : Math.abs(numberOf("abs", a)),
  ),
  round("ceil", Math.ceil),
  round("floor", Math.floor),
  round("round", (value) => (value < 0 ? -Math.round(-value) : Math.round(value))),
  define("int", [1, 1], ["int", "float", "string"], T.int, ([a = null]) => toInt(a)),
  define("float", [1, 1], ["int", "float", "string"], T.float, ([a = null]) => parseFloat64(a)),
  define(
    "string",
    [1, 1],
    ["bool", "int", "float", "string", "array", "map", "time", "duration"],
    T.string,
    ([a = null]) => goText(a),
  ),
  define("trim", [1, 2], ["string"], T.string, ([a = null, b]) =>
    trim(textOf("trim", a), b === undefined ? undefined : textOf("trim", b), "lr"),
  ),
  define("trimPrefix", [1, 2], ["string"], T.string, ([a = null, b = " "]) => {
    const prefix = textOf("trimPrefix", b);
    const text = textOf("trimPrefix", a);
    return text.startsWith(prefix) ? text.slice(prefix.length) : text;
  }),
  define("trimSuffix", [1, 2], ["string"], T.string, ([a = null, b = " "]) => {
    const suffix = textOf("trimSuffix", b);
    const text = textOf("trimSuffix", a);
    return suffix !== "" && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;
  }),
  text1("upper", (text) => text.toUpperCase()),
  text1("lower", (text) => text.toLowerCase()),
  define("split", [2, 3], ["string"], T.arrayOf(T.string), ([a = null, b = null, n]) => {
    const parts = textOf("split", a).split(textOf("split", b));
    const limit = n === undefined ? -1 : Number(n);
    return limit < 0 || parts.length <= limit
      ? parts
      : [...parts.slice(0, limit - 1), parts.slice(limit - 1).join(textOf("split", b))];
  }),
  define("splitAfter", [2, 2], ["string"], T.arrayOf(T.string), ([a = null, b = null]) => {
    const mark = textOf("splitAfter", b);
    const parts = textOf("splitAfter", a).split(mark);
    return parts.map((part, i) => (i < parts.length - 1 ? part + mark : part));
  }),
  define("replace", [3, 3], ["string"], T.string, ([a = null, b = null, c = null]) =>
    textOf("replace", a).replaceAll(textOf("replace", b), () => textOf("replace", c)),
  ),
  define("repeat", [2, 2], ["string"], T.string, ([a = null, n = null]) => {
    const times = Number(intOf("repeat", n));
    if (times < 0)
      throw new ExprError(`invalid argument for repeat (expected positive integer, got ${times})`);
    if (times * textOf("repeat", a).length > 1e6) throw new ExprError("memory budget exceeded");
    return textOf("repeat", a).repeat(times);
  }),
  define("indexOf", [2, 2], ["string"], T.int, ([a = null, b = null]) =>
    BigInt(textOf("indexOf", a).indexOf(textOf("indexOf", b))),
  ),
  define("lastIndexOf", [2, 2], ["string"], T.int, ([a = null, b = null]) =>
    BigInt(textOf("lastIndexOf", a).lastIndexOf(textOf("lastIndexOf", b))),
  ),
  define("hasPrefix", [2, 2], ["string"], T.bool, ([a = null, b = null]) =>
    textOf("hasPrefix", a).startsWith(textOf("hasPrefix", b)),
  ),
  define("hasSuffix", [2, 2], ["string"], T.bool, ([a = null, b = null]) =>
    textOf("hasSuffix", a).endsWith(textOf("hasSuffix", b)),
  ),
  define(
    "max",
    [1, 100],
    ["int", "float", "array"],
    (args) => (args.length === 1 && args[0]?.kind === "array" ? element(args) : T.any),
    (args) => extreme("max", args),
  ),
  define(
    "min",
    [1, 100],
    ["int", "float", "array"],
    (args) => (args.length === 1 && args[0]?.kind === "array" ? element(args) : T.any),
    (args) => extreme("min", args),
  ),
  define("mean", [1, 100], ["int", "float", "array"], T.float, (args) => {
    const all = numbers("mean", args).map(Number);
    return all.length === 0 ? 0 : all.reduce((a, b) => a + b, 0) / all.length;
  }),
  define("median", [1, 100], ["int", "float", "array"], T.float, median),
  define("toJSON", [1, 1], ["bool", "int", "float", "string", "array", "map"], T.string, ([a = null]) =>
    JSON.stringify(json(a), null, 2),
  ),
  define("fromJSON", [1, 1], ["string"], T.any, ([a = null]) => {
    try {
      return JSON.parse(textOf("fromJSON", a)) as Value; // JSON has no other shapes
    } catch {
      throw new ExprError("invalid character in JSON");
    }
  }),
  text1("toBase64", (text) => Buffer.from(text).toString("base64")),
  text1("fromBase64", (text) => Buffer.from(text, "base64").toString()),
  define("now", [0, 0], [], T.time, (_, now) => new Time(now)),
  define("duration", [1, 1], ["string"], T.duration, ([a = null]) => parseDuration(textOf("duration", a))),
  define("date", [1, 1], ["string"], T.time, ([a = null]) => parseDate(textOf("date", a))),
  define("first", [1, 1], ["array"], element, ([a = null]) => fetch(a, 0n)),
  define("last", [1, 1], ["array"], element, ([a = null]) => fetch(a, -1n)),
  define("get", [2, 2], ["array", "map"], element, ([a = null, b = null]) => fetch(a, b)),
  define("take", [2, 2], ["array"], same, ([a = null, n = null]) =>
    keepKind(a, listOf("take", a).slice(0, Math.max(0, Number(intOf("take", n))))),
  ),
  define("keys", [1, 1], ["map"], T.anyArray, ([a = null]) => (isMap(a) ? Object.keys(a) : bad("keys", a))),
  define("values", [1, 1], ["map"], T.anyArray, ([a = null]) =>
    isMap(a) ? Object.values(a) : bad("values", a),
  ),
  define("toPairs", [1, 1], ["map"], T.anyArray, ([a = null]) =>
    isMap(a) ? Object.entries(a) : bad("toPairs", a),
  ),
  define("fromPairs", [1, 1], ["array"], T.mapOf(T.any), ([a = null]) =>
    Object.fromEntries(listOf("fromPairs", a).map((pair) => [goText(fetch(pair, 0n)), fetch(pair, 1n)])),
  ),
  define("reverse", [1, 1], ["array"], same, ([a = null]) => keepKind(a, listOf("reverse", a).toReversed())),
  define("uniq", [1, 1], ["array"], same, ([a = null]) =>
    keepKind(
      a,
      listOf("uniq", a).filter((item, i, all) => all.findIndex((other) => equal(item, other)) === i),
    ),
  ),
  define("concat", [1, 100], ["array"], T.anyArray, (args) => args.flatMap((item) => listOf("concat", item))),
  define("flatten", [1, 1], ["array"], T.anyArray, ([a = null]) => flat(listOf("flatten", a))),
  define("join", [1, 2], ["array"], T.string, ([a = null, b = ""]) =>
    listOf("join", a)
      .map((item) => textOf("join", item))
      .join(textOf("join", b)),
  ),
  define("sort", [1, 2], ["array"], same, ([a = null, order]) =>
    keepKind(a, sorted(listOf("sort", a), order)),
  ),
  bits("bitand", (a, b) => a & b),
  bits("bitor", (a, b) => a | b),
  bits("bitxor", (a, b) => a ^ b),
  bits("bitnand", (a, b) => a & ~b),
  bits("bitshl", (a, b) => a << (b > 63n ? 64n : b)),
  bits("bitshr", (a, b) => a >> (b > 63n ? 63n : b)),
  bits("bitushr", (a, b) => BigInt.asUintN(64, a) >> (b > 63n ? 64n : b)),
  define("bitnot", [1, 1], ["int"], T.int, ([a = null]) => ~intOf("bitnot", a)),
]);

function typeWord(value: Value): string {
  if (value === null) return "nil";
  if (typeof value === "number") return "float";
  if (typeof value === "bigint") return "int";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "string") return "string";
  return isList(value) ? "array" : isMap(value) ? "map" : goType(value);
}
