/** OpenTelemetry names as Prometheus ones (the rules of prometheus/otlptranslator that the Collector uses). */

export type MetricKind = "counter" | "gauge" | "histogram" | "summary";

const UNITS: Readonly<Record<string, string>> = {
  d: "days",
  h: "hours",
  min: "minutes",
  s: "seconds",
  ms: "milliseconds",
  us: "microseconds",
  ns: "nanoseconds",
  By: "bytes",
  KiBy: "kibibytes",
  MiBy: "mebibytes",
  GiBy: "gibibytes",
  TiBy: "tibibytes",
  KBy: "kilobytes",
  MBy: "megabytes",
  GBy: "gigabytes",
  TBy: "terabytes",
  m: "meters",
  V: "volts",
  A: "amperes",
  J: "joules",
  W: "watts",
  g: "grams",
  Cel: "celsius",
  Hz: "hertz",
  "%": "percent",
  "1": "",
};

const PER_UNITS: Readonly<Record<string, string>> = {
  s: "second",
  m: "minute",
  h: "hour",
  d: "day",
  w: "week",
  mo: "month",
  y: "year",
};

export interface NameOptions {
  readonly namespace: string;
  /** Append unit and `_total`, and replace what older Prometheus does not allow. */
  readonly suffixes: boolean;
}

export function metricName(name: string, unit: string, kind: MetricKind, options: NameOptions): string {
  const built = options.suffixes ? withSuffixes(name, unit, kind) : name.replace(/[^A-Za-z0-9_:]/gu, "_");
  const prefix = options.namespace === "" ? "" : `${sanitize(options.namespace)}_`;
  const full = prefix + built;
  return /^\d/.test(full) ? `_${full}` : full;
}

export function labelName(name: string): string {
  const clean = name.replace(/[^A-Za-z0-9]/gu, "_");
  if (/^\d/.test(clean)) return `key_${clean}`;
  if (clean.startsWith("_") && !clean.startsWith("__")) return `key${clean}`;
  return clean;
}

function withSuffixes(name: string, unit: string, kind: MetricKind): string {
  let tokens = name.split(/[^A-Za-z0-9:]+/u).filter((t) => t !== "");
  const [main = "", per = ""] = unit.split("/", 2);
  append(tokens, unitToken(main, UNITS));
  const perToken = unitToken(per, PER_UNITS);
  if (perToken !== "" && !tokens.includes(perToken)) tokens.push("per", perToken);
  if (kind === "counter") tokens = [...tokens.filter((t) => t !== "total"), "total"];
  else if (kind === "gauge" && unit === "1") tokens = [...tokens.filter((t) => t !== "ratio"), "ratio"];
  return tokens.join("_");
}

function append(tokens: string[], token: string): void {
  if (token !== "" && !tokens.includes(token)) tokens.push(token);
}

function unitToken(unit: string, known: Readonly<Record<string, string>>): string {
  const trimmed = unit.trim();
  if (trimmed === "" || /[{}]/.test(trimmed)) return "";
  return Object.hasOwn(known, trimmed) ? (known[trimmed] ?? "") : sanitize(trimmed);
}

function sanitize(text: string): string {
  return text
    .split(/[^A-Za-z0-9:]+/u)
    .filter((t) => t !== "")
    .join("_");
}
