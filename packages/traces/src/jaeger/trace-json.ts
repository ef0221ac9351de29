import type { StoredSpan, Trace } from "../trace.ts";
import { durationMicros, toMicros } from "../trace.ts";
import type { Tag } from "./tags.ts";
import { attributeTags, processTags, sorted, spanTags } from "./tags.ts";

export interface TraceJson {
  readonly traceID: string;
  readonly spans: readonly SpanJson[];
  readonly processes: Readonly<Record<string, ProcessJson>>;
  readonly warnings: null;
}

interface ProcessJson {
  readonly serviceName: string;
  readonly tags: readonly Tag[];
}

interface SpanJson {
  readonly traceID: string;
  readonly spanID: string;
  readonly operationName: string;
  readonly references: readonly {
    readonly refType: string;
    readonly traceID: string;
    readonly spanID: string;
  }[];
  readonly startTime: number;
  readonly duration: number;
  readonly tags: readonly Tag[];
  readonly logs: readonly { readonly timestamp: number; readonly fields: readonly Tag[] }[];
  readonly processID: string;
  readonly warnings: null;
}

/** A trace as Jaeger's UI and Grafana read it. Processes are numbered in order of appearance. */
export function traceJson(trace: Trace): TraceJson {
  const processes: Record<string, ProcessJson> = {};
  const ids = new Map<string, string>();
  const spans = trace.spans.map((stored) => {
    const process = { serviceName: stored.service, tags: processTags(stored) };
    const key = JSON.stringify(process);
    const id = ids.get(key) ?? `p${ids.size + 1}`;
    ids.set(key, id);
    processes[id] = process;
    return spanJson(stored, id);
  });
  return { traceID: shortTraceId(trace.traceId), spans, processes, warnings: null };
}

function spanJson(stored: StoredSpan, processID: string): SpanJson {
  const { span } = stored;
  const traceID = shortTraceId(span.traceId);
  const parent =
    span.parentSpanId === "" ? [] : [{ refType: "CHILD_OF", traceID, spanID: span.parentSpanId }];
  const links = span.links
    .filter((l) => l.traceId !== "" && l.spanId !== "")
    .map((l) => ({ refType: "FOLLOWS_FROM", traceID: shortTraceId(l.traceId), spanID: l.spanId }));
  return {
    traceID,
    spanID: span.spanId,
    operationName: span.name,
    references: [...parent, ...links],
    startTime: toMicros(span.startTimeUnixNano),
    duration: durationMicros(span),
    tags: spanTags(stored),
    logs: span.events.map((event) => ({
      timestamp: toMicros(event.timeUnixNano),
      fields: sorted([
        ...(event.name === "" ? [] : [{ key: "event", type: "string" as const, value: event.name }]),
        ...attributeTags(event.attributes),
      ]),
    })),
    processID,
    warnings: null,
  };
}

/** 64-bit ids, from older clients, are shown with 16 digits. */
export function shortTraceId(traceId: string): string {
  return traceId.startsWith("0000000000000000") ? traceId.slice(16) : traceId;
}
