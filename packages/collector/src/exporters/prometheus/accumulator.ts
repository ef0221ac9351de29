import type {
  Attributes,
  HistogramDataPoint,
  Metric,
  MetricsData,
  NumberDataPoint,
  Resource,
  ResourceMetrics,
  Scope,
  SummaryDataPoint,
} from "@tracegate/otlp";
import {
  attributeText,
  FLAG_NO_RECORDED_VALUE,
  TEMPORALITY_CUMULATIVE,
  TEMPORALITY_DELTA,
  valueText,
} from "@tracegate/otlp";

export type Point =
  | { readonly kind: "counter" | "gauge"; readonly point: NumberDataPoint }
  | { readonly kind: "histogram"; readonly point: HistogramDataPoint }
  | { readonly kind: "summary"; readonly point: SummaryDataPoint };

/** The last value of one series, with all that its exposition needs. */
export type Accumulated = Point & {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  readonly scope: Scope;
  readonly scopeSchemaUrl: string;
  readonly resource: Resource;
  readonly job: string;
  readonly instance: string;
  readonly updatedMs: number;
};

/**
 * Keeps the last value per series. A series is metric name and kind, scope, point attributes, job and instance; other
 * resource attributes do not tell series apart, as in the Collector.
 */
export class Accumulator {
  readonly #series = new Map<string, Accumulated>();
  readonly #expirationMs: number;

  constructor(expirationMs: number) {
    this.#expirationMs = expirationMs;
  }

  /** Takes all points in; answers how many. */
  add(data: MetricsData, nowMs: number): number {
    let taken = 0;
    for (const resourceMetrics of data.resourceMetrics) {
      for (const { scope, metrics, schemaUrl } of resourceMetrics.scopeMetrics) {
        for (const metric of metrics) {
          for (const point of pointsOf(metric)) {
            if (this.#addPoint(metric, point, resourceMetrics, scope, schemaUrl, nowMs)) taken++;
          }
        }
      }
    }
    return taken;
  }

  /** The series updated within the expiration; older ones are forgotten. */
  collect(nowMs: number): Accumulated[] {
    const alive: Accumulated[] = [];
    for (const [key, series] of this.#series) {
      if (nowMs - series.updatedMs > this.#expirationMs) this.#series.delete(key);
      else alive.push(series);
    }
    return alive;
  }

  #addPoint(
    metric: Metric,
    { point, temporality }: { readonly point: Point; readonly temporality: number },
    { resource }: ResourceMetrics,
    scope: Scope,
    scopeSchemaUrl: string,
    nowMs: number,
  ): boolean {
    const job = jobOf(resource.attributes);
    const instance = attributeText(resource.attributes, "service.instance.id");
    const key = JSON.stringify([
      metric.name,
      point.kind,
      scope.name,
      scope.version,
      identity(scope.attributes),
      identity(point.point.attributes),
      job,
      instance,
    ]);
    if ((point.point.flags & FLAG_NO_RECORDED_VALUE) !== 0) return this.#series.delete(key);
    const before = this.#series.get(key);
    const merged = temporality === TEMPORALITY_DELTA ? accumulateDelta(before, point) : newest(before, point);
    if (merged === undefined) return false;
    this.#series.set(key, {
      ...merged,
      name: metric.name,
      unit: metric.unit,
      description: metric.description,
      scope,
      scopeSchemaUrl,
      resource,
      job,
      instance,
      updatedMs: nowMs,
    });
    return true;
  }
}

export function jobOf(attributes: Attributes): string {
  const name = attributeText(attributes, "service.name");
  const namespace = attributeText(attributes, "service.namespace");
  return name !== "" && namespace !== "" ? `${namespace}/${name}` : name;
}

/** The points that can be exposed. Delta gauges-like sums and unspecified temporality cannot. */
function* pointsOf(metric: Metric): Iterable<{ point: Point; temporality: number }> {
  const cumulative = TEMPORALITY_CUMULATIVE;
  for (const point of metric.gauge?.dataPoints ?? []) {
    yield { point: { kind: "gauge", point }, temporality: cumulative };
  }
  if (metric.sum !== undefined) {
    const { aggregationTemporality: temporality, isMonotonic, dataPoints } = metric.sum;
    const exposable = temporality === cumulative || (temporality === TEMPORALITY_DELTA && isMonotonic);
    const kind = isMonotonic ? "counter" : "gauge";
    if (exposable) for (const point of dataPoints) yield { point: { kind, point }, temporality };
  }
  if (metric.histogram !== undefined && metric.histogram.aggregationTemporality !== 0) {
    const temporality = metric.histogram.aggregationTemporality;
    for (const point of metric.histogram.dataPoints)
      yield { point: { kind: "histogram", point }, temporality };
  }
  // Text has no native histograms: what remains of an exponential one is its count, its sum and the bucket of all.
  for (const point of metric.exponentialHistogram?.dataPoints ?? []) {
    const temporality = metric.exponentialHistogram?.aggregationTemporality ?? 0;
    const { attributes, startTimeUnixNano, timeUnixNano, flags, count, sum = 0, exemplars } = point;
    const histogram = {
      attributes,
      startTimeUnixNano,
      timeUnixNano,
      flags,
      count,
      sum,
      exemplars,
      bucketCounts: [count],
      explicitBounds: [],
    };
    if (temporality !== 0) yield { point: { kind: "histogram", point: histogram }, temporality };
  }
  for (const point of metric.summary?.dataPoints ?? []) {
    yield { point: { kind: "summary", point }, temporality: cumulative };
  }
}

function identity(attributes: Attributes): string {
  return JSON.stringify(
    attributes
      .map(({ key, value }) => [key, valueText(value)])
      .sort((a, b) => ((a[0] ?? "") < (b[0] ?? "") ? -1 : 1)),
  );
}

/** A point older than what is known is ignored. */
function newest(before: Accumulated | undefined, point: Point): Point | undefined {
  const older = before !== undefined && point.point.timeUnixNano < before.point.timeUnixNano;
  return older ? undefined : point;
}

/** A delta adds up only where it starts when the known value ends; otherwise it starts anew. */
function accumulateDelta(before: Accumulated | undefined, point: Point): Point | undefined {
  if (before === undefined || before.point.timeUnixNano !== point.point.startTimeUnixNano) {
    return newest(before, point);
  }
  const startTimeUnixNano = before.point.startTimeUnixNano;
  if (point.kind === "histogram" && before.kind === "histogram") {
    const [a, b] = [before.point, point.point];
    if (a.explicitBounds.join() !== b.explicitBounds.join()) return point;
    const bucketCounts = b.bucketCounts.map((count, i) => count + (a.bucketCounts[i] ?? 0));
    const sum = (a.sum ?? 0) + (b.sum ?? 0);
    return {
      kind: "histogram",
      point: { ...b, startTimeUnixNano, bucketCounts, sum, count: a.count + b.count },
    };
  }
  if (point.kind === "counter" && before.kind === "counter") {
    return {
      kind: "counter",
      point: { ...point.point, startTimeUnixNano, ...add(before.point, point.point) },
    };
  }
  return point;
}

function add(a: NumberDataPoint, b: NumberDataPoint): Pick<NumberDataPoint, "asDouble" | "asInt"> {
  if (a.asInt !== undefined && b.asInt !== undefined) return { asInt: a.asInt + b.asInt };
  return { asDouble: numberOf(a) + numberOf(b) };
}

export function numberOf(point: Pick<NumberDataPoint, "asDouble" | "asInt">): number {
  return point.asDouble ?? Number(point.asInt ?? 0n);
}
