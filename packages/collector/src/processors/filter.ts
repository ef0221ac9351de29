import type {
  AnyValue,
  Attributes,
  LogRecord,
  Metric,
  NumberDataPoint,
  Payload,
  Resource,
  Scope,
  Span,
} from "@tracegate/otlp";
import { attribute, Payload as Payloads, valueText } from "@tracegate/otlp";
import type { ProcessorFactory } from "../component.ts";
import type { Config } from "../config/fields.ts";
import { list, struct, text, unsupported } from "../config/fields.ts";
import type { Condition, OttlValue, Paths } from "../ottl/condition.ts";
import { compileCondition } from "../ottl/condition.ts";
import { isSignal } from "../payload-signal.ts";

const conditions = list(text());

const filterConfig = struct({
  /** Conditions of this subset cannot fail while they run, so the modes do not differ. */
  error_mode: text("propagate"),
  traces: struct({ span: conditions, spanevent: conditions }),
  metrics: struct({
    metric: conditions,
    datapoint: conditions,
    include: unsupported,
    exclude: unsupported,
    resource: unsupported,
  }),
  logs: struct({ log_record: conditions, include: unsupported, exclude: unsupported }),
  spans: unsupported,
});

type FilterConfig = Config<typeof filterConfig>;

/** Drops what satisfies any of its conditions, and what is empty after that. */
export const filterProcessor: ProcessorFactory<FilterConfig> = {
  type: "filter",
  config: filterConfig,
  signals: ["traces", "metrics", "logs"],
  validate(config) {
    const problems: string[] = [];
    if (!["propagate", "ignore", "silent"].includes(config.error_mode)) {
      problems.push(`error_mode: unknown error mode ${config.error_mode}`);
    }
    try {
      compile(config);
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
    return problems;
  },
  create(config, context, next) {
    const filters = compile(config);
    const items = { traces: "spans", metrics: "datapoints", logs: "logs" } as const;
    return {
      async consume(payload) {
        const kept = filtered(payload, filters);
        const dropped = payload.items - kept.items;
        if (dropped > 0) {
          context.meter.add(`processor_filter_${items[payload.signal]}_filtered`, dropped, {
            filter: context.id,
          });
        }
        if (kept.items > 0) await next.consume(kept);
      },
    };
  },
};

/** What is looked at, with what it was sent under. */
interface Item<T> {
  readonly one: T;
  readonly scope: Scope;
  readonly resource: Resource;
}

type Filters = ReturnType<typeof compile>;

function compile({ traces, metrics, logs }: FilterConfig) {
  return {
    span: any(traces.span, SPAN_PATHS, readSpan),
    event: any(traces.spanevent, EVENT_PATHS, readEvent),
    metric: any(metrics.metric, METRIC_PATHS, readMetric),
    point: any(metrics.datapoint, POINT_PATHS, readPoint),
    record: any(logs.log_record, LOG_PATHS, readLog),
  };
}

function any<T>(
  sources: readonly string[],
  paths: Paths,
  read: (one: T, path: string, key: string) => OttlValue,
): Condition<Item<T>> {
  const all = { ...paths, "resource.attributes": true, "instrumentation_scope.name": false };
  const compiled = sources.map((source) =>
    compileCondition<Item<T>>(source, all, ({ one, scope, resource }, path, key = "") => {
      if (path === "resource.attributes") return plain(attribute(resource.attributes, key));
      return path === "instrumentation_scope.name" ? scope.name : read(one, path, key);
    }),
  );
  return (item) => compiled.some((condition) => condition(item));
}

const SPAN_PATHS: Paths = {
  attributes: true,
  "span.attributes": true,
  name: false,
  "span.name": false,
  kind: false,
  "span.kind": false,
  "status.code": false,
  "span.status.code": false,
};

function readSpan(span: Span, path: string, key: string): OttlValue {
  switch (path.replace(/^span\./, "")) {
    case "name":
      return span.name;
    case "kind":
      return span.kind;
    case "status.code":
      return span.status.code;
    default:
      return plain(attribute(span.attributes, key));
  }
}

const EVENT_PATHS: Paths = {
  attributes: true,
  "spanevent.attributes": true,
  name: false,
  "spanevent.name": false,
};

function readEvent(
  event: { readonly name: string; readonly attributes: Attributes },
  path: string,
  key: string,
): OttlValue {
  return path.endsWith("name") ? event.name : plain(attribute(event.attributes, key));
}

const METRIC_PATHS: Paths = { name: false, "metric.name": false, unit: false, "metric.unit": false };

function readMetric(metric: Metric, path: string): OttlValue {
  return path.endsWith("unit") ? metric.unit : metric.name;
}

const POINT_PATHS: Paths = { attributes: true, "datapoint.attributes": true, "metric.name": false };

interface PointOf {
  readonly metric: Metric;
  readonly attributes: Attributes;
}

function readPoint({ metric, attributes }: PointOf, path: string, key: string): OttlValue {
  return path === "metric.name" ? metric.name : plain(attribute(attributes, key));
}

const LOG_PATHS: Paths = {
  attributes: true,
  "log.attributes": true,
  body: false,
  "log.body": false,
  severity_number: false,
  "log.severity_number": false,
  severity_text: false,
  "log.severity_text": false,
};

function readLog(record: LogRecord, path: string, key: string): OttlValue {
  switch (path.replace(/^log\./, "")) {
    case "body":
      return plain(record.body);
    case "severity_number":
      return record.severityNumber;
    case "severity_text":
      return record.severityText;
    default:
      return plain(attribute(record.attributes, key));
  }
}

function plain(value: AnyValue | undefined): OttlValue {
  if (value === undefined) return undefined;
  return value.intValue ?? value.doubleValue ?? value.boolValue ?? valueText(value);
}

function filtered(payload: Payload, filters: Filters): Payload {
  if (isSignal(payload, "traces")) return filteredTraces(payload, filters);
  if (isSignal(payload, "metrics")) return filteredMetrics(payload, filters);
  return isSignal(payload, "logs") ? filteredLogs(payload, filters) : payload;
}

function filteredTraces(payload: Payload<"traces">, { span, event }: Filters): Payload<"traces"> {
  const resourceSpans = payload
    .model()
    .resourceSpans.map((r) => ({
      ...r,
      scopeSpans: r.scopeSpans
        .map((s) => ({
          ...s,
          spans: s.spans
            .filter((one) => !span({ one, scope: s.scope, resource: r.resource }))
            .map((kept) => ({
              ...kept,
              events: kept.events.filter((one) => !event({ one, scope: s.scope, resource: r.resource })),
            })),
        }))
        .filter((s) => s.spans.length > 0),
    }))
    .filter((r) => r.scopeSpans.length > 0);
  return Payloads.fromModel("traces", { resourceSpans });
}

function filteredMetrics(payload: Payload<"metrics">, { metric, point }: Filters): Payload<"metrics"> {
  const resourceMetrics = payload
    .model()
    .resourceMetrics.map((r) => ({
      ...r,
      scopeMetrics: r.scopeMetrics
        .map((s) => ({
          ...s,
          metrics: s.metrics
            .filter((one) => !metric({ one, scope: s.scope, resource: r.resource }))
            .flatMap((kept) =>
              withPoints(
                kept,
                ({ attributes }) =>
                  !point({ one: { metric: kept, attributes }, scope: s.scope, resource: r.resource }),
              ),
            ),
        }))
        .filter((s) => s.metrics.length > 0),
    }))
    .filter((r) => r.scopeMetrics.length > 0);
  return Payloads.fromModel("metrics", { resourceMetrics });
}

/** The metric with the points that stay; nothing when none does. */
function withPoints(
  metric: Metric,
  stays: (point: Pick<NumberDataPoint, "attributes">) => boolean,
): Metric[] {
  const { gauge, sum, histogram, exponentialHistogram, summary } = metric;
  const kept = <
    P extends Pick<NumberDataPoint, "attributes">,
    D extends { readonly dataPoints: readonly P[] },
  >(
    data: D,
  ) => ({
    ...data,
    dataPoints: data.dataPoints.filter(stays),
  });
  const made: Metric = {
    ...metric,
    ...(gauge ? { gauge: kept(gauge) } : {}),
    ...(sum ? { sum: kept(sum) } : {}),
    ...(histogram ? { histogram: kept(histogram) } : {}),
    ...(exponentialHistogram ? { exponentialHistogram: kept(exponentialHistogram) } : {}),
    ...(summary ? { summary: kept(summary) } : {}),
  };
  const data = made.gauge ?? made.sum ?? made.histogram ?? made.exponentialHistogram ?? made.summary;
  return data === undefined || data.dataPoints.length > 0 ? [made] : [];
}

function filteredLogs(payload: Payload<"logs">, { record }: Filters): Payload<"logs"> {
  const resourceLogs = payload
    .model()
    .resourceLogs.map((r) => ({
      ...r,
      scopeLogs: r.scopeLogs
        .map((s) => ({
          ...s,
          logRecords: s.logRecords.filter((one) => !record({ one, scope: s.scope, resource: r.resource })),
        }))
        .filter((s) => s.logRecords.length > 0),
    }))
    .filter((r) => r.scopeLogs.length > 0);
  return Payloads.fromModel("logs", { resourceLogs });
}
