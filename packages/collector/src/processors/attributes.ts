import type { Attributes, Metric, Payload } from "@tracegate/otlp";
import { Payload as Payloads } from "@tracegate/otlp";
import type { ProcessorFactory } from "../component.ts";
import type { Config } from "../config/fields.ts";
import { struct, unsupported } from "../config/fields.ts";
import { isSignal } from "../payload-signal.ts";
import type { Edit } from "./attribute-actions.ts";
import { actionProblems, actions, compileActions } from "./attribute-actions.ts";

const attributesConfig = struct({ actions, include: unsupported, exclude: unsupported });

/** Edits the attributes of spans, data points and log records. */
export const attributesProcessor: ProcessorFactory<Config<typeof attributesConfig>> = {
  type: "attributes",
  config: attributesConfig,
  signals: ["traces", "metrics", "logs"],
  validate: ({ actions: list }) =>
    list.length === 0 ? ['missing required field "actions"'] : actionProblems(list),
  create({ actions: list }, _context, next) {
    const edit = compileActions(list);
    return { consume: (payload) => next.consume(withAttributes(payload, edit)) };
  },
};

function withAttributes(payload: Payload, edit: Edit): Payload {
  const edited = <T extends { readonly attributes: Attributes }>(one: T): T => ({
    ...one,
    attributes: edit(one.attributes),
  });
  if (isSignal(payload, "traces")) {
    const resourceSpans = payload.model().resourceSpans.map((r) => ({
      ...r,
      scopeSpans: r.scopeSpans.map((s) => ({ ...s, spans: s.spans.map(edited) })),
    }));
    return Payloads.fromModel("traces", { resourceSpans });
  }
  if (isSignal(payload, "metrics")) {
    const resourceMetrics = payload.model().resourceMetrics.map((r) => ({
      ...r,
      scopeMetrics: r.scopeMetrics.map((s) => ({
        ...s,
        metrics: s.metrics.map((m) => withPoints(m, edited)),
      })),
    }));
    return Payloads.fromModel("metrics", { resourceMetrics });
  }
  if (!isSignal(payload, "logs")) return payload;
  const resourceLogs = payload.model().resourceLogs.map((r) => ({
    ...r,
    scopeLogs: r.scopeLogs.map((s) => ({ ...s, logRecords: s.logRecords.map(edited) })),
  }));
  return Payloads.fromModel("logs", { resourceLogs });
}

function withPoints(
  metric: Metric,
  edited: <T extends { readonly attributes: Attributes }>(point: T) => T,
): Metric {
  const { gauge, sum, histogram, exponentialHistogram, summary } = metric;
  if (gauge) return { ...metric, gauge: { dataPoints: gauge.dataPoints.map(edited) } };
  if (sum) return { ...metric, sum: { ...sum, dataPoints: sum.dataPoints.map(edited) } };
  if (histogram)
    return { ...metric, histogram: { ...histogram, dataPoints: histogram.dataPoints.map(edited) } };
  if (exponentialHistogram) {
    const dataPoints = exponentialHistogram.dataPoints.map(edited);
    return { ...metric, exponentialHistogram: { ...exponentialHistogram, dataPoints } };
  }
  return summary ? { ...metric, summary: { dataPoints: summary.dataPoints.map(edited) } } : metric;
}
