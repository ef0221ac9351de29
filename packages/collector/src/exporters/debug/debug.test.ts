import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decodeJson, Payload } from "@tracegate/otlp";
import { keptContext, ManualClock } from "../../../testing/index.ts";
import { detailed } from "./detailed.ts";
import { debugExporter } from "./exporter.ts";
import { normal } from "./normal.ts";

const TRACES = Payload.fromModel(
  "traces",
  decodeJson(
    "traces",
    `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"checkout"}}]},
      "scopeSpans":[{"scope":{"name":"demo"},"spans":[{"traceId":"11112222333344445555666677778888","spanId":"a1a1a1a1a1a1a1a1",
      "name":"POST /orders","kind":2,"startTimeUnixNano":"1765800000000000000","endTimeUnixNano":"1765800001500000000",
      "attributes":[{"key":"http.request.method","value":{"stringValue":"POST"}}],
      "events":[{"name":"e","timeUnixNano":"1765800000000000000","attributes":[{"key":"k","value":{"intValue":"5"}}]}]}]}]}]}`,
  ),
);

const METRICS = Payload.fromModel(
  "metrics",
  decodeJson(
    "metrics",
    `{"resourceMetrics":[{"scopeMetrics":[{"scope":{"name":"s","version":"1"},"metrics":[
      {"name":"calls","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[
        {"asInt":"5","attributes":[{"key":"a","value":{"stringValue":"b"}}],"timeUnixNano":"1765800000000000000"}]}},
      {"name":"duration","unit":"ms","histogram":{"aggregationTemporality":2,"dataPoints":[
        {"count":"2","sum":1507,"bucketCounts":["0","2"],"explicitBounds":[2]}]}}]}]}]}`,
  ),
);

describe("the debug exporter", () => {
  test("lays a span out in detail", () => {
    assert.equal(
      detailed(TRACES),
      `ResourceSpans #0
Resource SchemaURL: 
Resource attributes:
     -> service.name: Str(checkout)
ScopeSpans #0
ScopeSpans SchemaURL: 
InstrumentationScope demo 
Span #0
    Trace ID       : 11112222333344445555666677778888
    Parent ID      : 
    ID             : a1a1a1a1a1a1a1a1
    Name           : POST /orders
    Kind           : Server
    Start time     : 2025-12-15 12:00:00 +0000 UTC
    End time       : 2025-12-15 12:00:01.5 +0000 UTC
    Status code    : Unset
    Status message : 
    DroppedAttributesCount: 0
    DroppedEventsCount: 0
    DroppedLinksCount: 0
Attributes:
     -> http.request.method: Str(POST)
Events:
SpanEvent #0
     -> Name: e
     -> Timestamp: 2025-12-15 12:00:00 +0000 UTC
     -> DroppedAttributesCount: 0
     -> Attributes::
          -> k: Int(5)
`,
    );
  });

  test("lays metrics out in detail", () => {
    assert.match(
      detailed(METRICS),
      /Metric #0\nDescriptor:\n {5}-> Name: calls\n {5}-> Description: \n {5}-> Unit: \n {5}-> DataType: Sum\n {5}-> IsMonotonic: true\n {5}-> AggregationTemporality: Cumulative\nNumberDataPoints #0\nData point attributes:\n {5}-> a: Str\(b\)\nStartTimestamp: 1970-01-01 00:00:00 \+0000 UTC\nTimestamp: 2025-12-15 12:00:00 \+0000 UTC\nValue: 5\n/,
    );
    assert.match(
      detailed(METRICS),
      /Count: 2\nSum: 1507.000000\nExplicitBounds #0: 2.000000\nBuckets #0, Count: 0\nBuckets #1, Count: 2\n$/,
    );
  });

  test("writes a line an item in normal verbosity", () => {
    assert.equal(
      normal(TRACES),
      "ResourceTraces #0 service.name=checkout\nScopeTraces #0 demo\n" +
        "POST /orders 11112222333344445555666677778888 a1a1a1a1a1a1a1a1 http.request.method=POST\n",
    );
    assert.equal(
      normal(METRICS),
      "ResourceMetrics #0\nScopeMetrics #0 s@1\ncalls{a=b} 5\nduration{} count=2 sum=1507 le2=0 2\n",
    );
  });

  test("counts in basic verbosity, and samples when told to", async () => {
    const clock = new ManualClock();
    const context = keptContext(clock);
    const config = debugExporter.config.read({ sampling_initial: 1, sampling_thereafter: 0 }, "", []);
    const exporter = debugExporter.create(config, context, "traces");
    for (let i = 0; i < 3; i++) await exporter.consume(TRACES);
    await clock.advance(1000);
    await exporter.consume(METRICS);
    assert.deepEqual(
      context.lines.map((line) => line.split("\t").slice(3).join(" ")),
      [
        'Traces {"resource spans": 1, "spans": 1}',
        'Metrics {"resource metrics": 1, "metrics": 2, "data points": 2}',
      ],
    );
  });
});
