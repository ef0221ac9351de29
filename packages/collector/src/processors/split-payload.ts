import type { MetricsData, Payload } from "@tracegate/otlp";
import { Payload as Payloads } from "@tracegate/otlp";
import { isSignal } from "../payload-signal.ts";

/** A payload in parts of at most `max` items, except that one metric's points stay together. */
export function splitPayload(payload: Payload, max: number): Payload[] {
  if (payload.items <= max) return [payload];
  if (isSignal(payload, "traces")) {
    const singles = payload
      .model()
      .resourceSpans.flatMap((r) =>
        r.scopeSpans.flatMap((s) =>
          chunks(s.spans, max).map((spans) => ({ ...r, scopeSpans: [{ ...s, spans }] })),
        ),
      );
    const parts = singles.map((r) => ({ item: r, size: r.scopeSpans[0]?.spans.length ?? 0 }));
    return pack(parts, max).map((resourceSpans) => Payloads.fromModel("traces", { resourceSpans }));
  }
  if (isSignal(payload, "logs")) {
    const singles = payload
      .model()
      .resourceLogs.flatMap((r) =>
        r.scopeLogs.flatMap((s) =>
          chunks(s.logRecords, max).map((logRecords) => ({ ...r, scopeLogs: [{ ...s, logRecords }] })),
        ),
      );
    const parts = singles.map((r) => ({ item: r, size: r.scopeLogs[0]?.logRecords.length ?? 0 }));
    return pack(parts, max).map((resourceLogs) => Payloads.fromModel("logs", { resourceLogs }));
  }
  return isSignal(payload, "metrics") ? splitMetrics(payload.model(), max) : [payload];
}

function splitMetrics({ resourceMetrics }: MetricsData, max: number): Payload[] {
  const parts = resourceMetrics.flatMap((r) =>
    r.scopeMetrics.flatMap((s) =>
      s.metrics.map((metric) => {
        const points =
          metric.gauge ?? metric.sum ?? metric.histogram ?? metric.exponentialHistogram ?? metric.summary;
        return {
          item: { ...r, scopeMetrics: [{ ...s, metrics: [metric] }] },
          size: points?.dataPoints.length ?? 0,
        };
      }),
    ),
  );
  return pack(parts, max).map((packed) => Payloads.fromModel("metrics", { resourceMetrics: packed }));
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const out: T[][] = [];
  for (let i = 0; i < items.length; i += size) out.push(items.slice(i, i + size));
  return out;
}

/** Neighbours together as long as they fit. */
function pack<T>(parts: readonly { readonly item: T; readonly size: number }[], max: number): T[][] {
  const out: T[][] = [];
  let room = 0;
  for (const { item, size } of parts) {
    const last = out.at(-1);
    if (last === undefined || size > room) {
      out.push([item]);
      room = max - size;
    } else {
      last.push(item);
      room -= size;
    }
  }
  return out;
}
