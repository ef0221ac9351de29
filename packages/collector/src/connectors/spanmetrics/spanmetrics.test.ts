import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { MetricsData, NumberDataPoint } from "@tracegate/otlp";
import { decodeJson, encodeProto, valueText } from "@tracegate/otlp";
import { Aggregator } from "./aggregator.ts";
import { spanMetricsConfig } from "./config.ts";
import { flush, LastFlush } from "./flush.ts";

interface SpanSketch {
  readonly name: string;
  readonly ms?: number;
  readonly kind?: number;
  readonly status?: number;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly events?: readonly Readonly<Record<string, string>>[];
}

const attributesOf = (from: Readonly<Record<string, string>> = {}) =>
  Object.entries(from).map(([key, stringValue]) => ({ key, value: { stringValue } }));

function request(
  resource: Readonly<Record<string, string>>,
  spans: readonly SpanSketch[],
  scope = "",
): Uint8Array {
  const made = spans.map(({ name, ms = 1, kind = 2, status = 0, attributes, events = [] }) => ({
    name,
    kind,
    traceId: "11112222333344445555666677778888",
    spanId: "a1a1a1a1a1a1a1a1",
    startTimeUnixNano: "1765800000000000000",
    endTimeUnixNano: String(1765800000000000000n + BigInt(Math.round(ms * 1e6))),
    status: { code: status },
    attributes: attributesOf(attributes),
    events: events.map((e) => ({ name: "e", attributes: attributesOf(e) })),
  }));
  const json = {
    resourceSpans: [
      {
        resource: { attributes: attributesOf(resource) },
        scopeSpans: [{ scope: { name: scope, version: "1" }, spans: made }],
      },
    ],
  };
  return encodeProto("traces", decodeJson("traces", JSON.stringify(json)));
}

function setUp(settings: object) {
  const errors: string[] = [];
  const config = spanMetricsConfig.read(settings, "", errors);
  assert.deepEqual(errors, []);
  const aggregator = new Aggregator(config);
  const lastFlush = new LastFlush(1000);
  return {
    add: aggregator.add.bind(aggregator),
    flush: (now: number) => flush(aggregator, config, lastFlush, now),
  };
}

/** Each point of a metric as `label=value,… → value`. */
function sums(data: MetricsData, name: string): string[] {
  return points(data, name)
    .map((p) => `${labels(p)} ${p.asInt}`)
    .sort();
}

function points(data: MetricsData, name: string): NumberDataPoint[] {
  const metrics = data.resourceMetrics.flatMap((r) => r.scopeMetrics.flatMap((s) => s.metrics));
  return metrics.filter((m) => m.name === name).flatMap((m) => [...(m.sum?.dataPoints ?? [])]);
}

function labels(point: Pick<NumberDataPoint, "attributes">): string {
  return point.attributes.map(({ key, value }) => `${key}=${valueText(value)}`).join(",");
}

const SHOP = { "service.name": "shop" };
const CALLS = "traces.span.metrics.calls";

describe("span metrics", () => {
  test("a new counter shows 0 first, and its count from the second flush on", () => {
    const { add, flush } = setUp({});
    add(request(SHOP, [{ name: "a" }, { name: "a" }]), 0);
    const series = "service.name=shop,span.name=a,span.kind=SPAN_KIND_SERVER,status.code=STATUS_CODE_UNSET";
    assert.deepEqual(sums(flush(1000), CALLS), [`${series} 0`]);
    assert.deepEqual(sums(flush(2000), CALLS), [`${series} 2`]);
    add(request(SHOP, [{ name: "a" }]), 2500);
    assert.deepEqual(sums(flush(3000), CALLS), [`${series} 3`]);
  });

  test("durations fall into the first bucket whose bound is not below them", () => {
    const { add, flush } = setUp({ histogram: { explicit: { buckets: ["2ms", "10ms"] } } });
    add(
      request(
        SHOP,
        [2, 2.000001, 10, 11, -5].map((ms) => ({ name: "a", ms })),
      ),
      0,
    );
    const point = flush(1000).resourceMetrics[0]?.scopeMetrics[0]?.metrics.find((m) => m.histogram)?.histogram
      ?.dataPoints[0];
    assert.deepEqual(point?.bucketCounts, [2, 2, 1]);
    assert.equal(point?.count, 5);
    assert.equal(point?.sum, 2 + 2.000001 + 10 + 11);
  });

  test("seconds divide bounds and values alike", () => {
    const { add, flush } = setUp({ histogram: { unit: "s" } });
    add(request(SHOP, [{ name: "a", ms: 1500 }]), 0);
    const metric = flush(1000).resourceMetrics[0]?.scopeMetrics[0]?.metrics.find((m) => m.histogram);
    assert.equal(metric?.unit, "s");
    assert.equal(metric?.histogram?.dataPoints[0]?.sum, 1.5);
    assert.deepEqual(metric?.histogram?.dataPoints[0]?.explicitBounds.slice(0, 2), [0.002, 0.004]);
  });

  test("a dimension comes from the span, else its resource, else the default, else not at all", () => {
    const { add, flush } = setUp({
      dimensions: [{ name: "d" }, { name: "e", default: "none" }],
      exclude_dimensions: ["span.kind", "status.code", "service.name"],
    });
    add(request({ ...SHOP, d: "resource" }, [{ name: "a", attributes: { d: "span" } }, { name: "b" }]), 0);
    add(request({ "service.name": "other" }, [{ name: "c", attributes: { e: "" } }]), 0);
    flush(1000);
    assert.deepEqual(sums(flush(2000), CALLS), [
      "span.name=a,d=span,e=none 1",
      "span.name=b,d=resource,e=none 1",
      "span.name=c,e= 1",
    ]);
  });

  test("exponential histograms carry scale, buckets and extremes", () => {
    const { add, flush } = setUp({ histogram: { exponential: { max_size: 4 } } });
    add(
      request(
        SHOP,
        [1, 2, 4, 16].map((ms) => ({ name: "a", ms })),
      ),
      0,
    );
    const metric = flush(1000).resourceMetrics[0]?.scopeMetrics[0]?.metrics.find(
      (m) => m.exponentialHistogram,
    );
    const point = metric?.exponentialHistogram?.dataPoints[0];
    assert.deepEqual([point?.count, point?.sum, point?.min, point?.max], [4, 23, 1, 16]);
    assert.deepEqual([point?.scale, point?.positive], [-1, { offset: -1, bucketCounts: [1, 2, 1] }]);
  });

  test("resources without service.name are left out", () => {
    const { add, flush } = setUp({});
    add(request({ other: "x" }, [{ name: "a" }]), 0);
    assert.deepEqual(flush(1000).resourceMetrics, []);
  });

  test("the order of a resource's attributes makes no second group", () => {
    const { add, flush } = setUp({});
    add(request({ ...SHOP, a: "1", b: "2" }, [{ name: "a" }]), 0);
    add(request({ b: "2", a: "1", ...SHOP }, [{ name: "a" }]), 0);
    flush(1000);
    const again = flush(2000);
    assert.equal(again.resourceMetrics.length, 1);
    assert.equal(points(again, CALLS)[0]?.asInt, 2n);
  });

  test("past the cardinality limit everything new is counted in one overflow series", () => {
    const { add, flush } = setUp({ aggregation_cardinality_limit: 2 });
    add(
      request(
        SHOP,
        ["a", "b", "c", "d", "a"].map((name) => ({ name })),
      ),
      0,
    );
    flush(1000);
    const counted = sums(flush(2000), CALLS);
    assert.equal(counted.length, 3);
    assert.ok(counted.includes("otel.metric.overflow=true 2"), counted.join("\n"));
  });

  test("delta counts start anew with each flush and begin where the last one ended", () => {
    const { add, flush } = setUp({ aggregation_temporality: "AGGREGATION_TEMPORALITY_DELTA" });
    add(request(SHOP, [{ name: "a" }, { name: "a" }]), 500);
    const first = points(flush(1000), CALLS)[0];
    assert.deepEqual([first?.asInt, first?.startTimeUnixNano], [2n, 500_000_000n]);
    assert.deepEqual(flush(2000).resourceMetrics, []);
    add(request(SHOP, [{ name: "a" }]), 2500);
    const third = points(flush(3000), CALLS)[0];
    assert.deepEqual([third?.asInt, third?.startTimeUnixNano], [1n, 1_000_000_000n]);
  });

  test("a group idle for metrics_expiration is dropped, and starts anew when it returns", () => {
    const { add, flush } = setUp({ metrics_expiration: "5s" });
    add(request(SHOP, [{ name: "a" }]), 0);
    flush(1000);
    assert.equal(flush(6000).resourceMetrics.length, 1);
    assert.equal(flush(7000).resourceMetrics.length, 0);
    add(request(SHOP, [{ name: "a" }]), 8000);
    flush(9000);
    assert.equal(points(flush(10_000), CALLS)[0]?.asInt, 1n);
  });

  test("a group pushed out by newer ones is emitted once more", () => {
    const { add, flush } = setUp({ resource_metrics_cache_size: 1 });
    add(request({ "service.name": "a" }, [{ name: "a" }]), 0);
    add(request({ "service.name": "b" }, [{ name: "b" }]), 0);
    assert.equal(flush(1000).resourceMetrics.length, 2);
    assert.equal(flush(2000).resourceMetrics.length, 1);
  });

  test("events are counted by their own attributes, never by the span's", () => {
    const { add, flush } = setUp({
      events: { enabled: true, dimensions: [{ name: "x" }] },
      exclude_dimensions: ["span.kind", "status.code"],
    });
    add(request(SHOP, [{ name: "a", attributes: { x: "span" }, events: [{ x: "1" }, { x: "1" }, {}] }]), 0);
    flush(1000);
    assert.deepEqual(sums(flush(2000), "traces.span.metrics.events"), [
      "service.name=shop,span.name=a 1",
      "service.name=shop,span.name=a,x=1 2",
    ]);
  });

  test("exemplars carry the span's ids, at most so many a flush", () => {
    const { add, flush } = setUp({ exemplars: { enabled: true, max_per_data_point: 2 } });
    add(request(SHOP, [{ name: "a" }, { name: "a" }, { name: "a" }]), 0);
    const exemplars = points(flush(1000), CALLS)[0]?.exemplars ?? [];
    assert.equal(exemplars.length, 2);
    assert.deepEqual(
      [exemplars[0]?.spanId, exemplars[0]?.timeUnixNano],
      ["a1a1a1a1a1a1a1a1", 1_000_000_000n],
    );
    assert.deepEqual(points(flush(2000), CALLS)[0]?.exemplars, []);
  });

  test("named scopes appear as dimensions", () => {
    const { add, flush } = setUp({
      include_instrumentation_scope: ["s"],
      exclude_dimensions: ["span.kind", "status.code"],
    });
    add(request(SHOP, [{ name: "a" }], "s"), 0);
    add(request(SHOP, [{ name: "a" }], "t"), 0);
    flush(1000);
    assert.deepEqual(sums(flush(2000), CALLS), [
      "service.name=shop,span.name=a 1",
      "service.name=shop,span.name=a,span.instrumentation.scope.name=s,span.instrumentation.scope.version=1 1",
    ]);
  });
});
