import { messages, messageToJson } from "@tracegate/otlp";
import type { StoredSpan, Trace, TraceQuery } from "../trace.ts";
import type { TraceStore } from "../trace-store.ts";
import type { Answer } from "./api.ts";
import { operationsOf } from "./api.ts";
import { BadRequest, durationToMicros, parseTags, parseTraceId } from "./parameters.ts";

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
      const trace = store.trace(parseTraceId(id));
      return trace === undefined ? failure(404, "No traces found") : json({ result: tracesData([trace]) });
    }
    if (resource === "traces") {
      const found = store.find(query(params));
      return found.length === 0 ? failure(404, "No traces found") : json({ result: tracesData(found) });
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
  const service = params.get("service") ?? "";
  if (service === "") throw new BadRequest("malformed parameter service: it is required");
  const kind = params.get("spanKind") ?? params.get("span_kind") ?? "";
  const found = operationsOf(store, service, kind);
  return json({
    operations: found.map((o) => ({ ...o, spanKind: o.spanKind === "" ? "internal" : o.spanKind })),
  });
}

/** Parameters come in camelCase or snake_case, some under older names. */
function query(params: URLSearchParams): TraceQuery {
  const get = (...names: string[]) => names.map((n) => params.get(`query.${n}`) ?? "").find((v) => v !== "");
  const min = get("startTimeMin", "start_time_min");
  const max = get("startTimeMax", "start_time_max");
  if (min === undefined || max === undefined) {
    throw new BadRequest("query.startTimeMin and query.startTimeMax are required");
  }
  const startUs = time("query.startTimeMin", min);
  const endUs = time("query.startTimeMax", max);
  if (startUs > endUs) throw new BadRequest("query.startTimeMin must be before query.startTimeMax");
  const depth = get("searchDepth", "search_depth", "numTraces", "num_traces") ?? "100";
  if (!/^\d+$/.test(depth))
    throw new BadRequest(`malformed parameter query.searchDepth: ${JSON.stringify(depth)}`);
  const attributes = get("attributes");
  return {
    service: get("serviceName", "service_name") ?? "",
    operation: get("operationName", "operation_name", "spanName", "span_name") ?? "",
    startUs,
    endUs,
    minDurationUs: duration("query.durationMin", get("durationMin", "duration_min")),
    maxDurationUs: duration("query.durationMax", get("durationMax", "duration_max")),
    tags: attributes === undefined ? {} : parseTags(attributes, "query.attributes"),
    limit: Number(depth),
  };
}

function time(name: string, text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms))
    throw new BadRequest(`malformed parameter ${name}: cannot parse ${JSON.stringify(text)} as a time`);
  return ms * 1000;
}

function duration(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const us = durationToMicros(text);
  if (us === undefined)
    throw new BadRequest(`malformed parameter ${name}: time: invalid duration ${JSON.stringify(text)}`);
  return us;
}

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
  const body = JSON.stringify({ error: { httpCode, message } });
  return { status: httpCode, contentType: "application/json", body };
}
