import type { Exemplar } from "@tracegate/otlp";
import { valueText } from "@tracegate/otlp";
import { numberOf } from "./accumulator.ts";
import type { Family, Labels, Sample } from "./families.ts";
import { labelName } from "./names.ts";

export type Format = "text" | "openmetrics";

export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
};

/** The exposition as Prometheus' own client library writes it. */
export function exposition(families: readonly Family[], format: Format): string {
  const lines: string[] = [];
  for (const family of families) writeFamily(lines, family, format);
  if (format === "openmetrics") lines.push("# EOF");
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

function writeFamily(lines: string[], family: Family, format: Format): void {
  const open = format === "openmetrics";
  const isCounter = family.kind === "counter";
  const withTotal = family.name.endsWith("_total");
  const headName = open && isCounter && withTotal ? family.name.slice(0, -"_total".length) : family.name;
  const type = open && isCounter && !withTotal ? "unknown" : family.kind;
  lines.push(`# HELP ${headName} ${escapeHelp(family.help, open)}`);
  lines.push(`# TYPE ${headName} ${type}`);
  for (const sample of family.samples) writeSample(lines, family, sample, open);
}

function writeSample(
  lines: string[],
  { name, kind }: Family,
  { labels, timestampMs, value }: Sample,
  open: boolean,
): void {
  const float = open ? openMetricsNumber : formatNumber;
  const count = open ? String : formatNumber;
  const at = timestampMs === undefined ? "" : ` ${open ? timestampMs / 1000 : timestampMs}`;
  const line = (suffix: string, extra: string, text: string, exemplar?: Exemplar) => {
    const tail = open && exemplar !== undefined ? ` # ${formatExemplar(exemplar)}` : "";
    lines.push(`${name}${suffix}${formatLabels(labels, extra)} ${text}${at}${tail}`);
  };
  switch (value.kind) {
    case "number":
      line("", "", float(value.value), kind === "counter" ? value.exemplar : undefined);
      return;
    case "histogram":
      for (const b of value.buckets) line("_bucket", `le="${float(b.le)}"`, count(b.count), b.exemplar);
      break;
    case "summary":
      for (const q of value.quantiles) line("", `quantile="${float(q.quantile)}"`, float(q.value));
      break;
  }
  line("_sum", "", float(value.sum));
  line("_count", "", count(value.count));
}

function formatLabels(labels: Labels, extra: string): string {
  const parts = labels.map(([name, value]) => `${name}="${escapeValue(value)}"`);
  if (extra !== "") parts.push(extra);
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

function formatExemplar(exemplar: Exemplar): string {
  const labels: [string, string][] = exemplar.filteredAttributes.map((a) => [
    labelName(a.key),
    valueText(a.value),
  ]);
  if (exemplar.spanId !== "") labels.push(["span_id", exemplar.spanId]);
  if (exemplar.traceId !== "") labels.push(["trace_id", exemplar.traceId]);
  const seconds = Number(exemplar.timeUnixNano / 1_000_000n) / 1000;
  return `${formatLabels(labels, "") || "{}"} ${openMetricsNumber(numberOf(exemplar))} ${formatNumber(seconds)}`;
}

function openMetricsNumber(value: number): string {
  const text = formatNumber(value);
  return /[.e]|Inf|NaN/.test(text) ? text : `${text}.0`;
}

/** Shortest digits that read back the same, with an exponent where Go's `%g` has one: below 1e-4 and from 1e+06. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [digits = "0", exponentText = "0"] = value.toExponential().split("e");
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 6) return String(value);
  const sign = exponent < 0 ? "-" : "+";
  return `${digits}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

function escapeHelp(text: string, open: boolean): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return open ? escaped.replaceAll('"', '\\"') : escaped;
}

function escapeValue(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
