/**
 * Go's values as this language sees them. The dynamic type decides what compiles and how errors read, so each Go type
 * has its own JavaScript shape:
 *
 * | Go | here |
 * |---|---|
 * | float64 | number |
 * | int | bigint |
 * | string, bool | string, boolean |
 * | nil | null |
 * | []float64 | Float64Array |
 * | []any | array |
 * | map[string]any | plain object |
 * | time.Time, time.Duration | Time, Duration |
 */
export type Value =
  | number
  | bigint
  | string
  | boolean
  | null
  | Float64Array
  | readonly Value[]
  | Time
  | Duration
  | { readonly [key: string]: Value };

/** An instant, in milliseconds since the epoch. */
export class Time {
  readonly ms: number;
  constructor(ms: number) {
    this.ms = ms;
  }
}

/** A span of time, in nanoseconds as Go keeps it. */
export class Duration {
  readonly ns: number;
  constructor(ns: number) {
    this.ns = ns;
  }
}

export const isList = (value: Value): value is Float64Array | readonly Value[] =>
  Array.isArray(value) || value instanceof Float64Array;

export const isMap = (value: Value): value is { readonly [key: string]: Value } =>
  typeof value === "object" &&
  value !== null &&
  !isList(value) &&
  !(value instanceof Time) &&
  !(value instanceof Duration);

/** What `%T` prints. */
export function goType(value: Value): string {
  if (value === null) return "<nil>";
  if (typeof value === "number") return "float64";
  if (typeof value === "bigint") return "int";
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (value instanceof Float64Array) return "[]float64";
  if (value instanceof Time) return "time.Time";
  if (value instanceof Duration) return "time.Duration";
  return Array.isArray(value) ? "[]interface {}" : "map[string]interface {}";
}

/** What `%v` prints. */
export function goText(value: Value): string {
  if (value === null) return "<nil>";
  if (typeof value === "number") return floatText(value);
  if (isList(value)) return `[${Array.from(value as Iterable<Value>, goText).join(" ")}]`;
  if (value instanceof Time) return new Date(value.ms).toISOString();
  if (value instanceof Duration) return `${value.ns / 1e9}s`;
  if (isMap(value))
    return `map[${Object.keys(value)
      .sort()
      .map((key) => `${key}:${goText(value[key] ?? null)}`)
      .join(" ")}]`;
  return String(value);
}

/** A float64 as Go's shortest decimal without exponent: `NaN`, `+Inf`, `-Inf`, `0.000001`. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (Object.is(value, -0)) return "-0";
  const text = String(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (match === null) return text;
  const [, sign = "", first = "", rest = "", exponent = "0"] = match;
  const power = Number(exponent);
  const digits = first + rest;
  if (power < 0) return `${sign}0.${"0".repeat(-power - 1)}${digits}`;
  return sign + digits.padEnd(power + 1, "0");
}

/** JSON as it came over the wire: numbers become float64. */
export function fromJson(json: unknown): Value {
  if (json === null || json === undefined) return null;
  if (typeof json === "number" || typeof json === "string" || typeof json === "boolean") return json;
  if (Array.isArray(json)) return json.map(fromJson);
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, fromJson(value)]));
}

export function equal(a: Value, b: Value): boolean {
  if (isNumber(a) && isNumber(b)) return Number(a) === Number(b);
  if (isList(a) && isList(b))
    return (
      a.length === b.length && Array.from(a as Iterable<Value>).every((item, i) => equal(item, b[i] ?? null))
    );
  if (a instanceof Time && b instanceof Time) return a.ms === b.ms;
  if (a instanceof Duration && b instanceof Duration) return a.ns === b.ns;
  if (isMap(a) && isMap(b)) {
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => key in b && equal(a[key] ?? null, b[key] ?? null))
    );
  }
  return a === b;
}

export const isNumber = (value: Value): value is number | bigint =>
  typeof value === "number" || typeof value === "bigint";
