import { messages, messageToJson } from "@tracegate/otlp";
import type { StoredSpan, Trace, TraceQuery } from "../trace.ts";
import type { TraceStore } from "../trace-store.ts";
import type { Answer } from "./api.ts";
import { operationsOf } from "./api.ts";
import { parseDuration, parseInteger, parseTime } from "./go-values.ts";
import { BadRequest, parseTags, parseTraceId, wrapped } from "./parameters.ts";

/** Jaeger's API in OTLP's terms (`/api/v3/…`). Undefined for a path that is none of its. */
export function answerApiV3(
  [resource, id, ...rest]: readonly string[],
  params: URLSearchParams,
  store: TraceStore,
): Answer | undefined {
  if (rest.length > 0) return undefined;
  try {
    if (resource === "services" && id === undefined) return json({ services: store.services() });
    if (resource === "operations" && id === undefined) return operations(params, store);
    if (resource === "traces" && id !== undefined) {
      const trace = store.trace(wrapped("malformed parameter trace_id", () => parseTraceId(id)));
      return trace === undefined ? failure(404, "trace not found") : json({ result: tracesData([trace]) });
    }
    if (resource === "traces") {
      const wanted = query(params);
      // Jaeger's memory store takes no service for a service without a name.
      return json({ result: tracesData(wanted.service === "" ? [] : store.find(wanted)) });
    }
    if (resource === "trace-summaries" && id === undefined) {
      return json({ summaries: store.find(query(params)).map(summary) });
    }
    return undefined;
  } catch (error) {
    if (error instanceof BadRequest) return failure(400, error.message);
    throw error;
  }
}

function operations(params: URLSearchParams, store: TraceStore): Answer {
  const kind = params.get("span_kind") ?? params.get("spanKind") ?? "";
  const found = operationsOf(store, params.get("service") ?? "", kind);
  return json({ operations: found.map((o) => (o.spanKind === "" ? { name: o.name } : o)) });
}

/** Parameters come in snake_case or, as later versions have it, in camelCase, some under other names. */
function query(params: URLSearchParams): TraceQuery {
  const named = (...names: string[]) =>
    names.find((name) => (params.get(`query.${name}`) ?? "") !== "") ?? "";
  const get = (...names: string[]) => params.get(`query.${named(...names)}`) ?? "";
  const read = <T>(names: readonly string[], fallback: T, parse: (text: string) => T): T => {
    const name = `query.${named(...names)}`;
    const text = params.get(name) ?? "";
    return text === "" ? fallback : wrapped(`malformed parameter ${name}`, () => parse(text));
  };
  const min = ["start_time_min", "startTimeMin"];
  const max = ["start_time_max", "startTimeMax"];
  if (named(...min) === "" || named(...max) === "") {
    throw new BadRequest("query.start_time_min and query.start_time_max are required");
  }
  const startUs = read(min, 0, micros);
  const endUs = read(max, 0, micros);
  const limit = read(["num_traces", "numTraces", "search_depth", "searchDepth"], 0, (text) =>
    parseInteger(text, 64, "Atoi"),
  );
  const minDurationUs = read(["duration_min", "durationMin"], 0, parseDuration) || undefined;
  const maxDurationUs = read(["duration_max", "durationMax"], 0, parseDuration) || undefined;
  const attributes = get("attributes");
  return {
    service: get("service_name", "serviceName"),
    operation: get("operation_name", "operationName", "span_name", "spanName"),
    startUs,
    endUs,
    minDurationUs,
    maxDurationUs,
    tags: attributes === "" ? {} : parseTags(attributes, "query.attributes"),
    limit,
  };
}

const micros = (text: string): number => parseTime(text) * 1000;

/** Spans grouped again under their resource and scope. */
function tracesData(traces: readonly Trace[]): object {
  const resources = new Map<
    string,
    { readonly first: StoredSpan; readonly scopes: Map<string, StoredSpan[]> }
  >();
  for (const stored of traces.flatMap((t) => t.spans)) {
    const key = JSON.stringify([messageToJson(messages.resource, stored.resource), stored.resourceSchemaUrl]);
    const group = resources.get(key) ?? { first: stored, scopes: new Map<string, StoredSpan[]>() };
    resources.set(key, group);
    const scopeKey = JSON.stringify([messageToJson(messages.scope, stored.scope), stored.scopeSchemaUrl]);
    group.scopes.set(scopeKey, [...(group.scopes.get(scopeKey) ?? []), stored]);
  }
  const resourceSpans = Array.from(resources.values(), ({ first, scopes }) => ({
    resource: messageToJson(messages.resource, first.resource),
    scopeSpans: Array.from(scopes.values(), (spans) => ({
      scope: spans[0] === undefined ? {} : messageToJson(messages.scope, spans[0].scope),
      spans: spans.map(spanOf),
    })),
  }));
  return { resourceSpans };
}

function spanOf(stored: StoredSpan): object {
  const format = { key: "internal.span.format", value: { stringValue: "otlp" } };
  const { flags: _, ...span } = messageToJson(messages.span, {
    ...stored.span,
    attributes: [...stored.span.attributes, format],
  });
  return { ...span, parentSpanId: stored.span.parentSpanId };
}

function summary({ traceId, spans }: Trace): object {
  const ids = new Set(spans.map((s) => s.span.spanId));
  const roots = spans.filter((s) => s.span.parentSpanId === "");
  const root = roots.toSorted((a, b) => (a.span.startTimeUnixNano < b.span.startTimeUnixNano ? -1 : 1))[0];
  const starts = spans.map((s) => s.span.startTimeUnixNano);
  const ends = spans.map((s) => s.span.endTimeUnixNano);
  const services = new Map<string, { spanCount: number; errorSpanCount: number }>();
  for (const { service, span } of spans) {
    const counts = services.get(service) ?? { spanCount: 0, errorSpanCount: 0 };
    counts.spanCount++;
    if (span.status.code === 2) counts.errorSpanCount++;
    services.set(service, counts);
  }
  return {
    traceId,
    traceID: traceId,
    rootServiceName: root?.service ?? "",
    rootOperationName: root?.span.name ?? "",
    minStartTimeUnixNano: String(starts.toSorted(compareBigInt)[0] ?? 0n),
    maxEndTimeUnixNano: String(ends.toSorted(compareBigInt).at(-1) ?? 0n),
    spanCount: spans.length,
    errorSpanCount: spans.filter((s) => s.span.status.code === 2).length,
    orphanSpanCount: spans.filter((s) => s.span.parentSpanId !== "" && !ids.has(s.span.parentSpanId)).length,
    services: [...services]
      .map(([name, counts]) => ({ name, ...counts }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

function compareBigInt(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function json(body: object): Answer {
  return { status: 200, contentType: "application/json", body: JSON.stringify(body) };
}

function failure(httpCode: number, message: string): Answer {
  const body = `${JSON.stringify({ error: { httpCode, message } })}\n`;
  return { status: httpCode, contentType: "text/plain; charset=utf-8", body };
}
