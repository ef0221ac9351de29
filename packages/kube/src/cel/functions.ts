import { isObject, jsonEqual } from "../json.ts";
import { goPattern } from "../values/go-pattern.ts";
import { compareQuantities, parseQuantity } from "../values/quantity.ts";
import { parseTime } from "../values/time.ts";

/** A rule that failed to give an answer: a missing key, a value of the wrong type. */
export class CelError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "CelError";
  }
}

/** A type as a value: what `type(x)` gives and `int` names. */
export class CelType {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

export const TYPES: ReadonlyMap<string, CelType> = new Map(
  ["int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type"].map((name) => [
    name,
    new CelType(name),
  ]),
);

type Fn = (...args: unknown[]) => unknown;

/** Functions by name; a method gets what it is called on as its first argument. */
export const FUNCTIONS: ReadonlyMap<string, Fn> = new Map<string, Fn>([
  ["size", size],
  ["type", (value) => TYPES.get(typeName(value))],
  ["dyn", (value) => value],
  [
    "string",
    (value) => (typeof value === "string" ? value : isObject(value) ? fail("string", value) : String(value)),
  ],
  ["int", (value) => Math.trunc(numeric("int", value))],
  ["uint", (value) => Math.trunc(numeric("uint", value))],
  ["double", (value) => numeric("double", value)],
  ["bool", (value) => (typeof value === "boolean" ? value : value === "true")],
  ["duration", (value) => durationMs(text("duration", value))],
  ["timestamp", (value) => parseTime(text("timestamp", value)) ?? fail("timestamp", value)],
  ["startsWith", (value, part) => text("startsWith", value).startsWith(text("startsWith", part))],
  ["endsWith", (value, part) => text("endsWith", value).endsWith(text("endsWith", part))],
  ["contains", (value, part) => text("contains", value).includes(text("contains", part))],
  ["matches", (value, pattern) => goPattern(text("matches", pattern)).test(text("matches", value))],
  ["find", (value, pattern) => goPattern(text("find", pattern)).find(text("find", value)) ?? ""],
  ["lowerAscii", (value) => text("lowerAscii", value).toLowerCase()],
  ["upperAscii", (value) => text("upperAscii", value).toUpperCase()],
  ["trim", (value) => text("trim", value).trim()],
  ["split", (value, by) => text("split", value).split(text("split", by))],
  [
    "replace",
    (value, from, to) => text("replace", value).replaceAll(text("replace", from), text("replace", to)),
  ],
  [
    "substring",
    (value, from, to) =>
      text("substring", value).slice(Number(from), to === undefined ? undefined : Number(to)),
  ],
  ["charAt", (value, at) => text("charAt", value).charAt(Number(at))],
  [
    "indexOf",
    (value, part) =>
      Array.isArray(value)
        ? value.findIndex((item) => jsonEqual(item, part))
        : text("indexOf", value).indexOf(text("indexOf", part)),
  ],
  ["lastIndexOf", (value, part) => text("lastIndexOf", value).lastIndexOf(text("lastIndexOf", part))],
  ["join", (value, by) => list("join", value).join(by === undefined ? "" : text("join", by))],
  [
    "isSorted",
    (value) => list("isSorted", value).every((item, i, all) => i === 0 || compare(all[i - 1], item) <= 0),
  ],
  ["sum", (value) => list("sum", value).reduce<number>((sum, item) => sum + Number(item), 0)],
  ["min", (value) => list("min", value).reduce((a, b) => (compare(a, b) <= 0 ? a : b))],
  ["max", (value) => list("max", value).reduce((a, b) => (compare(a, b) >= 0 ? a : b))],
  ["isURL", (value) => URL.canParse(text("isURL", value))],
  ["isQuantity", (value) => isQuantity(text("isQuantity", value))],
  ["quantity", (value) => new CelQuantity(text("quantity", value))],
  ["isLessThan", (a, b) => quantityOrder(a, b) < 0],
  ["isGreaterThan", (a, b) => quantityOrder(a, b) > 0],
  ["compareTo", (a, b) => quantityOrder(a, b)],
]);

/** Which of two values comes first; values of different types cannot be compared. */
export function compare(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  throw new CelError("no such overload");
}

class CelQuantity {
  readonly text: string;
  constructor(source: string) {
    if (!isQuantity(source))
      throw new CelError(`quantities must match the regular expression, got "${source}"`);
    this.text = source;
  }
}

function quantityOrder(a: unknown, b: unknown): number {
  if (a instanceof CelQuantity && b instanceof CelQuantity) return compareQuantities(a.text, b.text);
  throw new CelError("no such overload");
}

function isQuantity(source: string): boolean {
  try {
    parseQuantity(source);
    return true;
  } catch {
    return false;
  }
}

function size(value: unknown): number {
  if (typeof value === "string") return [...value].length;
  if (Array.isArray(value)) return value.length;
  return isObject(value) ? Object.keys(value).length : fail("size", value);
}

function typeName(value: unknown): string {
  if (value === null || value === undefined) return "null_type";
  if (Array.isArray(value)) return "list";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "double";
  return typeof value === "boolean" ? "bool" : typeof value === "string" ? "string" : "map";
}

const UNITS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
};

function durationMs(source: string): number {
  const parts = [...source.matchAll(/(\d+(?:\.\d*)?|\.\d+)(h|ms|m|s|us|µs|ns)/g)];
  if (parts.map(([part]) => part).join("") !== source.replace(/^[+-]/, "")) return fail("duration", source);
  const sum = parts.reduce((total, [, amount, unit = "s"]) => total + Number(amount) * (UNITS[unit] ?? 0), 0);
  return source.startsWith("-") ? -sum : sum;
}

function text(name: string, value: unknown): string {
  return typeof value === "string" ? value : fail(name, value);
}

function list(name: string, value: unknown): unknown[] {
  return Array.isArray(value) ? value : fail(name, value);
}

function numeric(name: string, value: unknown): number {
  const number = typeof value === "string" ? Number(value) : value;
  return typeof number === "number" && !Number.isNaN(number) ? number : fail(name, value);
}

function fail(name: string, _value: unknown): never {
  throw new CelError(`no such overload: ${name}`);
}
