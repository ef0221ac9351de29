import { hostname } from "node:os";
import { type Attributes, type Context, type Span, type Tracer, trace } from "@opentelemetry/api";
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  type SpanExporter,
  type SpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";

/** The pseudo services have resources of their own, as the real HotROD gives them. */
export type TracedService = "frontend" | "customer" | "driver" | "route" | "mysql" | "redis-manual";

/** What each service makes its spans and log lines with. */
export interface Telemetry {
  tracer(service: TracedService, scope: string): Tracer;
  logger(service: TracedService): Logger;
  /** Sends what is still buffered. */
  shutdown(): Promise<void>;
}

/** Writes a line and, where the context carries a span, adds it as an event: name = message, attributes = fields + level. */
export type Logger = (level: "info" | "error", ctx: Context, message: string, fields?: Attributes) => void;

export const propagator = new CompositePropagator({
  propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()],
});

/**
 * OTLP over HTTP to OTEL_EXPORTER_OTLP_ENDPOINT. `observers` see every span too (the metrics).
 * `exporter` replaces the one over the network in tests.
 */
export function createTelemetry(options: {
  env: Readonly<Record<string, string | undefined>>;
  observers: readonly SpanProcessor[];
  write: (line: string) => void;
  exporter?: SpanExporter;
}): Telemetry {
  const { env, observers, write } = options;
  const endpoint = env["OTEL_EXPORTER_OTLP_ENDPOINT"] ?? "http://localhost:4318";
  const exporter =
    options.exporter ?? new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, "")}/v1/traces` });
  const batches = new BatchSpanProcessor({
    exporter,
    // A second, not the SDK's five: gates look at spans of the last seconds.
    scheduledDelayMillis: Number(env["OTEL_BSP_SCHEDULE_DELAY"] ?? 1000),
  });
  const common = {
    ...resourceAttributes(env["OTEL_RESOURCE_ATTRIBUTES"]),
    "host.name": hostname(),
    "os.type": "linux",
    "telemetry.sdk.language": "nodejs",
    "telemetry.sdk.name": "opentelemetry",
  };
  const providers = new Map<TracedService, TracerProvider>();
  const providerOf = (service: TracedService): TracerProvider => {
    const known = providers.get(service);
    if (known !== undefined) return known;
    const provider = new TracerProvider({
      resource: resourceFromAttributes({ ...common, "service.name": service }),
      spanProcessors: [...observers, batches],
    });
    providers.set(service, provider);
    return provider;
  };
  return {
    tracer: (service, scope) => providerOf(service).getTracer(scope),
    logger: (service) => (level, ctx, message, fields) => {
      const shown = JSON.stringify({ service, ...fields });
      write(`${new Date().toISOString()}\t${level.toUpperCase()}\t${service}\t${message}\t${shown}\n`);
      trace.getSpan(ctx)?.addEvent(message, { ...fields, level });
    },
    shutdown: () => batches.shutdown(),
  };
}

/** `key=value,key=value`, percent-encoded values (OpenTelemetry's environment variable specification). */
function resourceAttributes(text: string | undefined): Attributes {
  const attributes: Attributes = {};
  for (const pair of text?.split(",") ?? []) {
    const equals = pair.indexOf("=");
    if (equals < 1) continue;
    attributes[pair.slice(0, equals).trim()] = decodeURIComponent(pair.slice(equals + 1).trim());
  }
  return attributes;
}

/** Runs `body` in a span and ends it; a rejection is left to the caller, who knows what it means for the span. */
export async function inSpan<T>(
  span: Span,
  ctx: Context,
  body: (ctx: Context, span: Span) => Promise<T>,
): Promise<T> {
  try {
    return await body(trace.setSpan(ctx, span), span);
  } finally {
    span.end();
  }
}
