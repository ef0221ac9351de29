import type {
  Exemplar,
  ExponentialHistogramDataPoint,
  HistogramDataPoint,
  LogRecord,
  Metric,
  NumberDataPoint,
  Payload,
  Span,
  SummaryDataPoint,
} from "@tracegate/otlp";
import { STATUS_CODES } from "@tracegate/otlp";
import { isSignal } from "../../payload-signal.ts";
import { attributeLines, fixed, goTime, scopeLines, typedValue } from "./values.ts";

/** Every field of every item, laid out as the Collector does. */
export function detailed(payload: Payload): string {
  const lines: string[] = [];
  if (isSignal(payload, "traces")) tracesLines(lines, payload);
  else if (isSignal(payload, "metrics")) metricsLines(lines, payload);
  else if (isSignal(payload, "logs")) logsLines(lines, payload);
  return `${lines.join("\n")}\n`;
}

function tracesLines(lines: string[], payload: Payload<"traces">): void {
  payload.model().resourceSpans.forEach((resourceSpans, i) => {
    lines.push(`ResourceSpans #${i}`, `Resource SchemaURL: ${resourceSpans.schemaUrl}`);
    lines.push(...attributeLines("Resource attributes:", resourceSpans.resource.attributes));
    resourceSpans.scopeSpans.forEach((scopeSpans, j) => {
      lines.push(`ScopeSpans #${j}`, `ScopeSpans SchemaURL: ${scopeSpans.schemaUrl}`);
      lines.push(...scopeLines(scopeSpans.scope));
      scopeSpans.spans.forEach((span, k) => {
        lines.push(`Span #${k}`, ...spanLines(span));
      });
    });
  });
}

const KINDS = ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"];

function spanLines(span: Span): string[] {
  const status = STATUS_CODES[span.status.code] ?? "UNSET";
  return [
    field("Trace ID", span.traceId),
    field("Parent ID", span.parentSpanId),
    field("ID", span.spanId),
    field("Name", span.name),
    field("Kind", KINDS[span.kind] ?? ""),
    ...(span.traceState === "" ? [] : [field("TraceState", span.traceState)]),
    field("Start time", goTime(span.startTimeUnixNano)),
    field("End time", goTime(span.endTimeUnixNano)),
    field("Status code", status.charAt(0) + status.slice(1).toLowerCase()),
    field("Status message", span.status.message),
    `    DroppedAttributesCount: ${span.droppedAttributesCount}`,
    `    DroppedEventsCount: ${span.droppedEventsCount}`,
    `    DroppedLinksCount: ${span.droppedLinksCount}`,
    ...attributeLines("Attributes:", span.attributes),
    ...eventLines(span),
    ...linkLines(span),
  ];
}

function field(name: string, value: string): string {
  return `    ${name.padEnd(15)}: ${value}`;
}

function eventLines(span: Span): string[] {
  if (span.events.length === 0) return [];
  const each = span.events.flatMap((event, i) => [
    `SpanEvent #${i}`,
    `     -> Name: ${event.name}`,
    `     -> Timestamp: ${goTime(event.timeUnixNano)}`,
    `     -> DroppedAttributesCount: ${event.droppedAttributesCount}`,
    ...attributeLines("     -> Attributes::", event.attributes, "          "),
  ]);
  return ["Events:", ...each];
}

function linkLines(span: Span): string[] {
  if (span.links.length === 0) return [];
  const each = span.links.flatMap((link, i) => [
    `SpanLink #${i}`,
    `     -> Trace ID: ${link.traceId}`,
    `     -> ID: ${link.spanId}`,
    `     -> TraceState: ${link.traceState}`,
    `     -> DroppedAttributesCount: ${link.droppedAttributesCount}`,
    ...attributeLines("     -> Attributes::", link.attributes, "          "),
  ]);
  return ["Links:", ...each];
}

function metricsLines(lines: string[], payload: Payload<"metrics">): void {
  payload.model().resourceMetrics.forEach((resourceMetrics, i) => {
    lines.push(`ResourceMetrics #${i}`, `Resource SchemaURL: ${resourceMetrics.schemaUrl}`);
    lines.push(...attributeLines("Resource attributes:", resourceMetrics.resource.attributes));
    resourceMetrics.scopeMetrics.forEach((scopeMetrics, j) => {
      lines.push(`ScopeMetrics #${j}`, `ScopeMetrics SchemaURL: ${scopeMetrics.schemaUrl}`);
      lines.push(...scopeLines(scopeMetrics.scope));
      scopeMetrics.metrics.forEach((metric, k) => {
        lines.push(`Metric #${k}`, "Descriptor:", ...metricLines(metric));
      });
    });
  });
}

const TEMPORALITIES = ["Unspecified", "Delta", "Cumulative"];

function metricLines(metric: Metric): string[] {
  const head = (type: string) => [
    `     -> Name: ${metric.name}`,
    `     -> Description: ${metric.description}`,
    `     -> Unit: ${metric.unit}`,
    `     -> DataType: ${type}`,
  ];
  const temporality = (of: number) => `     -> AggregationTemporality: ${TEMPORALITIES[of] ?? ""}`;
  if (metric.gauge)
    return [...head("Gauge"), ...points("NumberDataPoints", metric.gauge.dataPoints, numberLines)];
  if (metric.sum) {
    const { isMonotonic, aggregationTemporality, dataPoints } = metric.sum;
    const monotonic = `     -> IsMonotonic: ${isMonotonic}`;
    return [
      ...head("Sum"),
      monotonic,
      temporality(aggregationTemporality),
      ...points("NumberDataPoints", dataPoints, numberLines),
    ];
  }
  if (metric.histogram) {
    const { aggregationTemporality, dataPoints } = metric.histogram;
    return [
      ...head("Histogram"),
      temporality(aggregationTemporality),
      ...points("HistogramDataPoints", dataPoints, histogramLines),
    ];
  }
  if (metric.exponentialHistogram) {
    const { aggregationTemporality, dataPoints } = metric.exponentialHistogram;
    const lines = points("ExponentialHistogramDataPoints", dataPoints, exponentialLines);
    return [...head("ExponentialHistogram"), temporality(aggregationTemporality), ...lines];
  }
  if (metric.summary)
    return [...head("Summary"), ...points("SummaryDataPoints", metric.summary.dataPoints, summaryLines)];
  return head("Empty");
}

interface Timed {
  readonly startTimeUnixNano: bigint;
  readonly timeUnixNano: bigint;
  readonly attributes: NumberDataPoint["attributes"];
}

function points<P extends Timed>(title: string, all: readonly P[], body: (point: P) => string[]): string[] {
  return all.flatMap((point, i) => [
    `${title} #${i}`,
    ...attributeLines("Data point attributes:", point.attributes),
    `StartTimestamp: ${goTime(point.startTimeUnixNano)}`,
    `Timestamp: ${goTime(point.timeUnixNano)}`,
    ...body(point),
  ]);
}

function numberLines(point: NumberDataPoint): string[] {
  const value = point.asInt === undefined ? fixed(point.asDouble ?? 0) : String(point.asInt);
  return [`Value: ${value}`, ...exemplarLines(point.exemplars)];
}

function extremes(point: { readonly sum?: number; readonly min?: number; readonly max?: number }): string[] {
  return [
    ...(point.sum === undefined ? [] : [`Sum: ${fixed(point.sum)}`]),
    ...(point.min === undefined ? [] : [`Min: ${fixed(point.min)}`]),
    ...(point.max === undefined ? [] : [`Max: ${fixed(point.max)}`]),
  ];
}

function histogramLines(point: HistogramDataPoint): string[] {
  return [
    `Count: ${point.count}`,
    ...extremes(point),
    ...point.explicitBounds.map((bound, i) => `ExplicitBounds #${i}: ${fixed(bound)}`),
    ...point.bucketCounts.map((count, i) => `Buckets #${i}, Count: ${count}`),
    ...exemplarLines(point.exemplars),
  ];
}

function exponentialLines(point: ExponentialHistogramDataPoint): string[] {
  const base = 2 ** (2 ** -point.scale);
  const bound = (index: number) => fixed(base ** index);
  const { positive, negative } = point;
  const negatives = negative.bucketCounts.map((count, i) => {
    const index = negative.offset + i;
    return `Bucket [-${bound(index + 1)}, -${bound(index)}), Count: ${count}`;
  });
  const positives = positive.bucketCounts.map((count, i) => {
    const index = positive.offset + i;
    return `Bucket (${bound(index)}, ${bound(index + 1)}], Count: ${count}`;
  });
  const zero = point.zeroCount === 0 ? [] : [`Bucket [0, 0], Count: ${point.zeroCount}`];
  const all = [...negatives.toReversed(), ...zero, ...positives];
  return [`Count: ${point.count}`, ...extremes(point), ...all, ...exemplarLines(point.exemplars)];
}

function summaryLines(point: SummaryDataPoint): string[] {
  const quantiles = point.quantileValues.map(
    ({ quantile, value }, i) => `QuantileValue #${i}: Quantile ${fixed(quantile)}, Value ${fixed(value)}`,
  );
  return [`Count: ${point.count}`, `Sum: ${fixed(point.sum)}`, ...quantiles];
}

function exemplarLines(exemplars: readonly Exemplar[]): string[] {
  if (exemplars.length === 0) return [];
  const each = exemplars.flatMap((exemplar, i) => [
    `Exemplar #${i}`,
    `     -> Trace ID: ${exemplar.traceId}`,
    `     -> Span ID: ${exemplar.spanId}`,
    `     -> Timestamp: ${goTime(exemplar.timeUnixNano)}`,
    `     -> Value: ${exemplar.asInt === undefined ? fixed(exemplar.asDouble ?? 0) : exemplar.asInt}`,
    ...attributeLines("     -> FilteredAttributes:", exemplar.filteredAttributes, "          "),
  ]);
  return ["Exemplars:", ...each];
}

function logsLines(lines: string[], payload: Payload<"logs">): void {
  payload.model().resourceLogs.forEach((resourceLogs, i) => {
    lines.push(`ResourceLog #${i}`, `Resource SchemaURL: ${resourceLogs.schemaUrl}`);
    lines.push(...attributeLines("Resource attributes:", resourceLogs.resource.attributes));
    resourceLogs.scopeLogs.forEach((scopeLogs, j) => {
      lines.push(`ScopeLogs #${j}`, `ScopeLogs SchemaURL: ${scopeLogs.schemaUrl}`);
      lines.push(...scopeLines(scopeLogs.scope));
      scopeLogs.logRecords.forEach((record, k) => {
        lines.push(`LogRecord #${k}`, ...recordLines(record));
      });
    });
  });
}

const SEVERITIES = ["Trace", "Debug", "Info", "Warn", "Error", "Fatal"];

function recordLines(record: LogRecord): string[] {
  return [
    `ObservedTimestamp: ${goTime(record.observedTimeUnixNano)}`,
    `Timestamp: ${goTime(record.timeUnixNano)}`,
    `SeverityText: ${record.severityText}`,
    `SeverityNumber: ${severityName(record.severityNumber)}(${record.severityNumber})`,
    ...(record.eventName === "" ? [] : [`EventName: ${record.eventName}`]),
    `Body: ${typedValue(record.body)}`,
    ...attributeLines("Attributes:", record.attributes),
    `Trace ID: ${record.traceId}`,
    `Span ID: ${record.spanId}`,
    `Flags: ${record.flags}`,
  ];
}

function severityName(severity: number): string {
  if (severity < 1 || severity > 24) return "Unspecified";
  const name = SEVERITIES[Math.floor((severity - 1) / 4)] ?? "";
  const step = ((severity - 1) % 4) + 1;
  return step === 1 ? name : `${name}${step}`;
}
