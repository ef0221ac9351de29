import type {
  Exemplar,
  ExponentialHistogramDataPoint,
  HistogramDataPoint,
  Metric,
  MetricsData,
  NumberDataPoint,
  ResourceMetrics,
} from "@tracegate/otlp";
import { TEMPORALITY_CUMULATIVE, TEMPORALITY_DELTA } from "@tracegate/otlp";
import type { Aggregator } from "./aggregator.ts";
import type { SpanMetricsConfig } from "./config.ts";
import { isDelta } from "./config.ts";
import type { ResourceGroup } from "./resource-groups.ts";
import type { HistogramSeries, SumSeries } from "./series.ts";

/** Start times of delta series: each interval starts where the one before ended. Bounded, oldest forgotten. */
export class LastFlush {
  readonly #capacity: number;
  readonly #times = new Map<string, number>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** When this series was last flushed; remembers `nowMs` for the next time. */
  replace(key: string, nowMs: number): number | undefined {
    const before = this.#times.get(key);
    this.#times.delete(key);
    this.#times.set(key, nowMs);
    if (this.#times.size > this.#capacity) {
      const [oldest] = this.#times.keys();
      if (oldest !== undefined) this.#times.delete(oldest);
    }
    return before;
  }
}

/** Everything counted so far as metrics, and the counters made ready for the next interval. */
export function flush(
  aggregator: Aggregator,
  config: SpanMetricsConfig,
  lastFlush: LastFlush,
  nowMs: number,
): MetricsData {
  const { groups } = aggregator;
  groups.nowMs = nowMs;
  const resourceMetrics: ResourceMetrics[] = [];
  for (const group of groups.all()) {
    const metrics = groupMetrics(group, aggregator.bounds, config, lastFlush, nowMs);
    if (metrics.length === 0) continue;
    resourceMetrics.push({
      resource: group.resource,
      scopeMetrics: [
        {
          scope: { name: "spanmetricsconnector", version: "", attributes: [], droppedAttributesCount: 0 },
          metrics,
          schemaUrl: "",
        },
      ],
      schemaUrl: "",
    });
  }
  if (isDelta(config)) {
    groups.clear();
    aggregator.forget();
  } else groups.settle(config.metrics_expiration);
  return { resourceMetrics };
}

function groupMetrics(
  group: ResourceGroup,
  bounds: readonly number[],
  config: SpanMetricsConfig,
  lastFlush: LastFlush,
  nowMs: number,
): Metric[] {
  const prefix = config.namespace === "" ? "" : `${config.namespace}.`;
  const delta = isDelta(config);
  const aggregationTemporality = delta ? TEMPORALITY_DELTA : TEMPORALITY_CUMULATIVE;
  const start = (metric: string, key: string, startMs: number) =>
    delta ? (lastFlush.replace(`${metric}\u0003${group.key}\u0003${key}`, nowMs) ?? startMs) : startMs;
  const metrics: Metric[] = [];
  const addSum = (name: string, set: ReadonlyMap<string, SumSeries>) => {
    if (set.size === 0) return;
    const dataPoints = Array.from(set, ([key, s]) => sumPoint(s, start(name, key, s.startMs), nowMs, delta));
    metrics.push(
      metric(prefix + name, "", { sum: { dataPoints, aggregationTemporality, isMonotonic: true } }),
    );
  };
  const durationPoints = <P>(
    point: (s: HistogramSeries, bounds: readonly number[], start: number, now: number) => P,
  ) =>
    Array.from(group.duration.byKey, ([key, s]) =>
      point(s, bounds, start("duration", key, s.startMs), nowMs),
    );
  addSum("calls", group.calls.byKey);
  if (group.duration.byKey.size > 0) {
    const data: Partial<Metric> =
      config.histogram.exponential === undefined
        ? { histogram: { dataPoints: durationPoints(histogramPoint), aggregationTemporality } }
        : { exponentialHistogram: { dataPoints: durationPoints(exponentialPoint), aggregationTemporality } };
    metrics.push(metric(`${prefix}duration`, config.histogram.unit.toLowerCase(), data));
  }
  if (config.events.enabled) addSum("events", group.events.byKey);
  return metrics;
}

function metric(name: string, unit: string, data: Partial<Metric>): Metric {
  return { name, unit, description: "", metadata: [], ...data };
}

function sumPoint(series: SumSeries, startMs: number, nowMs: number, delta: boolean): NumberDataPoint {
  const value = series.fresh && !delta ? 0 : series.value;
  series.fresh = false;
  return {
    attributes: series.attributes,
    startTimeUnixNano: nanos(startMs),
    timeUnixNano: nanos(nowMs),
    asInt: BigInt(value),
    exemplars: takeExemplars(series, nowMs),
    flags: 0,
  };
}

function histogramPoint(
  series: HistogramSeries,
  explicitBounds: readonly number[],
  startMs: number,
  nowMs: number,
): HistogramDataPoint {
  return {
    attributes: series.attributes,
    startTimeUnixNano: nanos(startMs),
    timeUnixNano: nanos(nowMs),
    count: series.count,
    sum: series.sum,
    bucketCounts: Array.from(series.buckets),
    explicitBounds,
    exemplars: takeExemplars(series, nowMs),
    flags: 0,
  };
}

function exponentialPoint(
  series: HistogramSeries,
  _bounds: readonly number[],
  startMs: number,
  nowMs: number,
): ExponentialHistogramDataPoint {
  const { exponential } = series;
  const some = exponential !== undefined && series.count > 0;
  return {
    attributes: series.attributes,
    startTimeUnixNano: nanos(startMs),
    timeUnixNano: nanos(nowMs),
    count: series.count,
    sum: series.sum,
    scale: exponential?.scale ?? 0,
    zeroCount: exponential?.zeroCount ?? 0,
    positive: exponential?.buckets() ?? { offset: 0, bucketCounts: [] },
    negative: { offset: 0, bucketCounts: [] },
    ...(some ? { min: exponential.min, max: exponential.max } : {}),
    zeroThreshold: 0,
    exemplars: takeExemplars(series, nowMs),
    flags: 0,
  };
}

function takeExemplars(series: { exemplars: Exemplar[] }, nowMs: number): readonly Exemplar[] {
  const taken = series.exemplars.map((e) => ({ ...e, timeUnixNano: nanos(nowMs) }));
  if (taken.length > 0) series.exemplars = [];
  return taken;
}

function nanos(ms: number): bigint {
  return BigInt(Math.round(ms)) * 1_000_000n;
}
