import type { Metric, Payload, Scope } from "@tracegate/otlp";
import { valueText } from "@tracegate/otlp";
import { isSignal } from "../../payload-signal.ts";
import { inlineAttributes } from "./values.ts";

/** One line an item. */
export function normal(payload: Payload): string {
  const lines: string[] = [];
  if (isSignal(payload, "traces")) {
    payload.model().resourceSpans.forEach(({ resource, scopeSpans, schemaUrl }, i) => {
      lines.push(headLine("ResourceTraces", i, schemaUrl, resource.attributes));
      for (const { scope, spans, schemaUrl } of scopeSpans) {
        lines.push(scopeLine("ScopeTraces", i, schemaUrl, scope));
        for (const span of spans) {
          lines.push(`${span.name} ${span.traceId} ${span.spanId}${inlineAttributes(span.attributes)}`);
        }
      }
    });
  } else if (isSignal(payload, "metrics")) {
    payload.model().resourceMetrics.forEach(({ resource, scopeMetrics, schemaUrl }, i) => {
      lines.push(headLine("ResourceMetrics", i, schemaUrl, resource.attributes));
      for (const { scope, metrics, schemaUrl } of scopeMetrics) {
        lines.push(scopeLine("ScopeMetrics", i, schemaUrl, scope));
        for (const metric of metrics) lines.push(...metricLines(metric));
      }
    });
  } else if (isSignal(payload, "logs")) {
    payload.model().resourceLogs.forEach(({ resource, scopeLogs, schemaUrl }, i) => {
      lines.push(headLine("ResourceLog", i, schemaUrl, resource.attributes));
      for (const { scope, logRecords, schemaUrl } of scopeLogs) {
        lines.push(scopeLine("ScopeLog", i, schemaUrl, scope));
        for (const record of logRecords)
          lines.push(`${valueText(record.body)}${inlineAttributes(record.attributes)}`);
      }
    });
  }
  return `${lines.join("\n")}\n`;
}

function headLine(title: string, index: number, schemaUrl: string, attributes: Scope["attributes"]): string {
  return `${title} #${index}${schemaUrl === "" ? "" : ` [${schemaUrl}]`}${inlineAttributes(attributes)}`;
}

function scopeLine(title: string, index: number, schemaUrl: string, scope: Scope): string {
  const name = `${scope.name}${scope.version === "" ? "" : `@${scope.version}`}`;
  const schema = schemaUrl === "" ? "" : ` [${schemaUrl}]`;
  return `${title} #${index}${name === "" ? "" : ` ${name}`}${schema}${inlineAttributes(scope.attributes)}`;
}

function metricLines(metric: Metric): string[] {
  const line = (attributes: Scope["attributes"], value: string) =>
    `${metric.name}{${attributes.map(({ key, value }) => `${key}=${valueText(value)}`).join(",")}} ${value}`;
  const numbers = metric.gauge ?? metric.sum;
  if (numbers) return numbers.dataPoints.map((p) => line(p.attributes, String(p.asInt ?? p.asDouble ?? 0)));
  if (metric.histogram) {
    return metric.histogram.dataPoints.map((p) => {
      const buckets = p.bucketCounts.map((count, i) => {
        const bound = p.explicitBounds[i];
        return bound === undefined ? String(count) : `le${bound}=${count}`;
      });
      return line(p.attributes, [`count=${p.count}`, ...totals(p), ...buckets].join(" "));
    });
  }
  if (metric.exponentialHistogram) {
    return metric.exponentialHistogram.dataPoints.map((p) =>
      line(p.attributes, [`count=${p.count}`, ...totals(p)].join(" ")),
    );
  }
  return (metric.summary?.dataPoints ?? []).map((p) => {
    const quantiles = p.quantileValues.map(({ quantile, value }) => `q${quantile}=${value}`);
    return line(p.attributes, [`count=${p.count}`, `sum=${p.sum}`, ...quantiles].join(" "));
  });
}

function totals(point: { readonly sum?: number; readonly min?: number; readonly max?: number }): string[] {
  return (["sum", "min", "max"] as const).flatMap((k) =>
    point[k] === undefined ? [] : [`${k}=${point[k]}`],
  );
}
