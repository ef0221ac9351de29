import type { Attributes, Metric, Payload } from "@tracegate/otlp";
import { Payload as Payloads } from "@tracegate/otlp";
import type { ProcessorFactory } from "../component.ts";
import type { Config } from "../config/fields.ts";
import { optional, struct } from "../config/fields.ts";
import { isSignal } from "../payload-signal.ts";
import type { Edit } from "./attribute-actions.ts";
import { actionProblems, actions, compileActions } from "./attribute-actions.ts";
import type { Match } from "./match.ts";
import { compileMatch, matchSettings } from "./match.ts";

const attributesConfig = struct({
  actions,
  include: optional(matchSettings),
  exclude: optional(matchSettings),
});

type AttributesConfig = Config<typeof attributesConfig>;

/** Edits the attributes of spans, data points and log records. */
export const attributesProcessor: ProcessorFactory<AttributesConfig> = {
  type: "attributes",
  config: attributesConfig,
  signals: ["traces", "metrics", "logs"],
  validate(config) {
    if (config.actions.length === 0) return ['missing required field "actions"'];
    try {
      compileTouched(config);
    } catch (error) {
      return [error instanceof Error ? error.message : String(error)];
    }
    return actionProblems(config.actions);
  },
  create(config, _context, next, signal) {
    if (signal === "metrics" && (config.include ?? config.exclude) !== undefined) {
      throw new Error(
        "include and exclude of the attributes processor are not supported for metrics by this collector",
      );
    }
    const edit = compileActions(config.actions);
    const touched = compileTouched(config);
    return { consume: (payload) => next.consume(withAttributes(payload, edit, touched)) };
  },
};

/** Included, and not excluded. */
function compileTouched({ include, exclude }: AttributesConfig): Match {
  const included = include === undefined ? () => true : compileMatch(include);
  const excluded = exclude === undefined ? () => false : compileMatch(exclude);
  return (candidate) => included(candidate) && !excluded(candidate);
}

function withAttributes(payload: Payload, edit: Edit, touched: Match): Payload {
  const edited = <T extends { readonly attributes: Attributes }>(one: T): T => ({
    ...one,
    attributes: edit(one.attributes),
  });
  if (isSignal(payload, "traces")) {
    const resourceSpans = payload.model().resourceSpans.map((r) => ({
      ...r,
      scopeSpans: r.scopeSpans.map((s) => ({
        ...s,
        spans: s.spans.map((span) =>
          touched({ resource: r.resource, scope: s.scope, span }) ? edited(span) : span,
        ),
      })),
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
    scopeLogs: r.scopeLogs.map((s) => ({
      ...s,
      logRecords: s.logRecords.map((record) =>
        touched({ resource: r.resource, scope: s.scope, record }) ? edited(record) : record,
      ),
    })),
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
