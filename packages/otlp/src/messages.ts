import type { Signal } from "./model.ts";
import { FIXED32, FIXED64, LENGTH_DELIMITED, VARINT } from "./proto-reader.ts";

/**
 * OTLP's messages as one table: field numbers of opentelemetry-proto, names of its JSON mapping. Everything generic
 * (protobuf, JSON, the wire check) is driven by it; only the spanmetrics hot path reads the wire by hand.
 */

export type ScalarType =
  | "string"
  | "bytes"
  | "traceId"
  | "spanId"
  | "bool"
  | "enum"
  | "uint32"
  | "sint32"
  | "fixed32"
  | "int64"
  | "fixed64"
  | "sfixed64"
  | "count64"
  | "double";

/** Packed on the wire, accepted unpacked too. `counts` are fixed64, `varints` uint64. */
export type PackedType = "counts" | "varints" | "doubles";

export interface FieldSpec {
  readonly number: number;
  readonly name: string;
  readonly type: ScalarType | PackedType | "message" | "messages";
  /** Of one value; packed lists come length-delimited too. */
  readonly wireType: number;
  readonly message?: MessageSpec;
  /** Absent is not zero: the field is left out of the model when not sent. */
  readonly optional?: boolean;
  /** Setting one member of a oneof clears the others. */
  readonly oneof?: readonly string[];
  /** Names the JSON mapping accepts for an enum, by value. */
  readonly names?: readonly string[];
}

export interface MessageSpec {
  readonly name: string;
  /** Indexed by field number. Filled after construction where messages refer to themselves. */
  readonly byNumber: (FieldSpec | undefined)[];
  readonly fields: FieldSpec[];
  /** Counts as one item of its signal: a span, a data point, a log record. */
  isItem: boolean;
}

type Row = readonly [number: number, name: string, type: FieldSpec["type"], rest?: Partial<FieldSpec>];

function message(name: string, rows: readonly Row[] = []): MessageSpec {
  const spec: MessageSpec = { name, byNumber: [], fields: [], isItem: false };
  define(spec, rows);
  return spec;
}

function define(spec: MessageSpec, rows: readonly Row[]): void {
  for (const [number, name, type, rest] of rows) {
    const field: FieldSpec = { number, name, type, wireType: wireTypeOf(type), ...rest };
    spec.fields.push(field);
    spec.byNumber[number] = field;
  }
}

function wireTypeOf(type: FieldSpec["type"]): number {
  switch (type) {
    case "string":
    case "bytes":
    case "traceId":
    case "spanId":
    case "message":
    case "messages":
      return LENGTH_DELIMITED;
    case "fixed32":
      return FIXED32;
    case "fixed64":
    case "sfixed64":
    case "count64":
    case "double":
    case "counts":
    case "doubles":
      return FIXED64;
    default:
      return VARINT;
  }
}

const of = (spec: MessageSpec) => ({ message: spec });
const optional = { optional: true };
const enumOf = (prefix: string, names: readonly string[]) => ({ names: names.map((n) => prefix + n) });

export const anyValue = message("AnyValue");
export const keyValue = message("KeyValue", [
  [1, "key", "string"],
  [2, "value", "message", of(anyValue)],
]);
const arrayValue = message("ArrayValue", [[1, "values", "messages", of(anyValue)]]);
const keyValueList = message("KeyValueList", [[1, "values", "messages", of(keyValue)]]);
const ANY_VALUE_FIELDS = [
  "stringValue",
  "boolValue",
  "intValue",
  "doubleValue",
  "arrayValue",
  "kvlistValue",
  "bytesValue",
];
const any = { optional: true, oneof: ANY_VALUE_FIELDS };
define(anyValue, [
  [1, "stringValue", "string", any],
  [2, "boolValue", "bool", any],
  [3, "intValue", "int64", any],
  [4, "doubleValue", "double", any],
  [5, "arrayValue", "message", { ...any, message: arrayValue }],
  [6, "kvlistValue", "message", { ...any, message: keyValueList }],
  [7, "bytesValue", "bytes", any],
]);

const attributes = of(keyValue);

export const resource = message("Resource", [
  [1, "attributes", "messages", attributes],
  [2, "droppedAttributesCount", "uint32"],
]);

export const scope = message("InstrumentationScope", [
  [1, "name", "string"],
  [2, "version", "string"],
  [3, "attributes", "messages", attributes],
  [4, "droppedAttributesCount", "uint32"],
]);

export const event = message("Event", [
  [1, "timeUnixNano", "fixed64"],
  [2, "name", "string"],
  [3, "attributes", "messages", attributes],
  [4, "droppedAttributesCount", "uint32"],
]);

const link = message("Link", [
  [1, "traceId", "traceId"],
  [2, "spanId", "spanId"],
  [3, "traceState", "string"],
  [4, "attributes", "messages", attributes],
  [5, "droppedAttributesCount", "uint32"],
  [6, "flags", "fixed32"],
]);

const status = message("Status", [
  [2, "message", "string"],
  [3, "code", "enum", enumOf("STATUS_CODE_", ["UNSET", "OK", "ERROR"])],
]);

const KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];

export const span = message("Span", [
  [1, "traceId", "traceId"],
  [2, "spanId", "spanId"],
  [3, "traceState", "string"],
  [4, "parentSpanId", "spanId"],
  [16, "flags", "fixed32"],
  [5, "name", "string"],
  [6, "kind", "enum", enumOf("SPAN_KIND_", KINDS)],
  [7, "startTimeUnixNano", "fixed64"],
  [8, "endTimeUnixNano", "fixed64"],
  [9, "attributes", "messages", attributes],
  [10, "droppedAttributesCount", "uint32"],
  [11, "events", "messages", of(event)],
  [12, "droppedEventsCount", "uint32"],
  [13, "links", "messages", of(link)],
  [14, "droppedLinksCount", "uint32"],
  [15, "status", "message", of(status)],
]);

const scopeSpans = message("ScopeSpans", [
  [1, "scope", "message", of(scope)],
  [2, "spans", "messages", of(span)],
  [3, "schemaUrl", "string"],
]);

const resourceSpans = message("ResourceSpans", [
  [1, "resource", "message", of(resource)],
  [2, "scopeSpans", "messages", of(scopeSpans)],
  [3, "schemaUrl", "string"],
]);

const number = { optional: true, oneof: ["asDouble", "asInt"] };

const exemplar = message("Exemplar", [
  [2, "timeUnixNano", "fixed64"],
  [3, "asDouble", "double", number],
  [6, "asInt", "sfixed64", number],
  [4, "spanId", "spanId"],
  [5, "traceId", "traceId"],
  [7, "filteredAttributes", "messages", attributes],
]);

export const numberDataPoint = message("NumberDataPoint", [
  [7, "attributes", "messages", attributes],
  [2, "startTimeUnixNano", "fixed64"],
  [3, "timeUnixNano", "fixed64"],
  [4, "asDouble", "double", number],
  [6, "asInt", "sfixed64", number],
  [5, "exemplars", "messages", of(exemplar)],
  [8, "flags", "uint32"],
]);

export const histogramDataPoint = message("HistogramDataPoint", [
  [9, "attributes", "messages", attributes],
  [2, "startTimeUnixNano", "fixed64"],
  [3, "timeUnixNano", "fixed64"],
  [4, "count", "count64"],
  [5, "sum", "double", optional],
  [6, "bucketCounts", "counts"],
  [7, "explicitBounds", "doubles"],
  [8, "exemplars", "messages", of(exemplar)],
  [10, "flags", "uint32"],
  [11, "min", "double", optional],
  [12, "max", "double", optional],
]);

const buckets = message("Buckets", [
  [1, "offset", "sint32"],
  [2, "bucketCounts", "varints"],
]);

export const exponentialHistogramDataPoint = message("ExponentialHistogramDataPoint", [
  [1, "attributes", "messages", attributes],
  [2, "startTimeUnixNano", "fixed64"],
  [3, "timeUnixNano", "fixed64"],
  [4, "count", "count64"],
  [5, "sum", "double", optional],
  [6, "scale", "sint32"],
  [7, "zeroCount", "count64"],
  [8, "positive", "message", of(buckets)],
  [9, "negative", "message", of(buckets)],
  [10, "flags", "uint32"],
  [11, "exemplars", "messages", of(exemplar)],
  [12, "min", "double", optional],
  [13, "max", "double", optional],
  [14, "zeroThreshold", "double"],
]);

const quantile = message("ValueAtQuantile", [
  [1, "quantile", "double"],
  [2, "value", "double"],
]);

export const summaryDataPoint = message("SummaryDataPoint", [
  [7, "attributes", "messages", attributes],
  [2, "startTimeUnixNano", "fixed64"],
  [3, "timeUnixNano", "fixed64"],
  [4, "count", "count64"],
  [5, "sum", "double"],
  [6, "quantileValues", "messages", of(quantile)],
  [8, "flags", "uint32"],
]);

const TEMPORALITIES = enumOf("AGGREGATION_TEMPORALITY_", ["UNSPECIFIED", "DELTA", "CUMULATIVE"]);

const gauge = message("Gauge", [[1, "dataPoints", "messages", of(numberDataPoint)]]);
const sum = message("Sum", [
  [1, "dataPoints", "messages", of(numberDataPoint)],
  [2, "aggregationTemporality", "enum", TEMPORALITIES],
  [3, "isMonotonic", "bool"],
]);
const histogram = message("Histogram", [
  [1, "dataPoints", "messages", of(histogramDataPoint)],
  [2, "aggregationTemporality", "enum", TEMPORALITIES],
]);
const exponentialHistogram = message("ExponentialHistogram", [
  [1, "dataPoints", "messages", of(exponentialHistogramDataPoint)],
  [2, "aggregationTemporality", "enum", TEMPORALITIES],
]);
const summary = message("Summary", [[1, "dataPoints", "messages", of(summaryDataPoint)]]);

const data = { optional: true, oneof: ["gauge", "sum", "histogram", "exponentialHistogram", "summary"] };

const metric = message("Metric", [
  [1, "name", "string"],
  [2, "description", "string"],
  [3, "unit", "string"],
  [5, "gauge", "message", { ...data, message: gauge }],
  [7, "sum", "message", { ...data, message: sum }],
  [9, "histogram", "message", { ...data, message: histogram }],
  [10, "exponentialHistogram", "message", { ...data, message: exponentialHistogram }],
  [11, "summary", "message", { ...data, message: summary }],
  [12, "metadata", "messages", attributes],
]);

const scopeMetrics = message("ScopeMetrics", [
  [1, "scope", "message", of(scope)],
  [2, "metrics", "messages", of(metric)],
  [3, "schemaUrl", "string"],
]);

const resourceMetrics = message("ResourceMetrics", [
  [1, "resource", "message", of(resource)],
  [2, "scopeMetrics", "messages", of(scopeMetrics)],
  [3, "schemaUrl", "string"],
]);

const SEVERITIES = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"].flatMap((name) => [
  name,
  `${name}2`,
  `${name}3`,
  `${name}4`,
]);

export const logRecord = message("LogRecord", [
  [1, "timeUnixNano", "fixed64"],
  [11, "observedTimeUnixNano", "fixed64"],
  [2, "severityNumber", "enum", enumOf("SEVERITY_NUMBER_", ["UNSPECIFIED", ...SEVERITIES])],
  [3, "severityText", "string"],
  [5, "body", "message", of(anyValue)],
  [6, "attributes", "messages", attributes],
  [7, "droppedAttributesCount", "uint32"],
  [8, "flags", "fixed32"],
  [9, "traceId", "traceId"],
  [10, "spanId", "spanId"],
  [12, "eventName", "string"],
]);

const scopeLogs = message("ScopeLogs", [
  [1, "scope", "message", of(scope)],
  [2, "logRecords", "messages", of(logRecord)],
  [3, "schemaUrl", "string"],
]);

const resourceLogs = message("ResourceLogs", [
  [1, "resource", "message", of(resource)],
  [2, "scopeLogs", "messages", of(scopeLogs)],
  [3, "schemaUrl", "string"],
]);

/** The export request of each signal. */
export const REQUESTS: Readonly<Record<Signal, MessageSpec>> = {
  traces: message("ExportTraceServiceRequest", [[1, "resourceSpans", "messages", of(resourceSpans)]]),
  metrics: message("ExportMetricsServiceRequest", [[1, "resourceMetrics", "messages", of(resourceMetrics)]]),
  logs: message("ExportLogsServiceRequest", [[1, "resourceLogs", "messages", of(resourceLogs)]]),
};

const ITEMS = [
  span,
  numberDataPoint,
  histogramDataPoint,
  exponentialHistogramDataPoint,
  summaryDataPoint,
  logRecord,
];
for (const item of ITEMS) item.isItem = true;
