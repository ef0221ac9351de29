import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Metric, NumberDataPoint } from "@tracegate/otlp";
import { stringAttribute, TEMPORALITY_CUMULATIVE } from "@tracegate/otlp";
import fc from "fast-check";
import { Accumulator } from "./accumulator.ts";
import { exposition, formatNumber } from "./exposition.ts";
import { families, type PrometheusNaming } from "./families.ts";
import { labelName, metricName } from "./names.ts";

test("numbers are written as Go's %g writes them", () => {
  const cases: readonly (readonly [number, string])[] = [
    [1500, "1500"],
    [120.5, "120.5"],
    [123456, "123456"],
    [1e6, "1e+06"],
    [1234567, "1.234567e+06"],
    [0.0001, "0.0001"],
    [0.00001, "1e-05"],
    [1e21, "1e+21"],
    [Number.POSITIVE_INFINITY, "+Inf"],
    [Number.NaN, "NaN"],
  ];
  for (const [value, text] of cases) assert.equal(formatNumber(value), text);
});

test("written numbers read back as they were", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (n) =>
      Object.is(Number(formatNumber(n)), n),
    ),
  );
});

test("metric names take their unit and their kind", () => {
  const suffixes = { namespace: "", suffixes: true };
  const cases = [
    [metricName("traces.span.metrics.calls", "", "counter", suffixes), "traces_span_metrics_calls_total"],
    [metricName("duration", "ms", "histogram", suffixes), "duration_milliseconds"],
    [metricName("http.total.requests", "{request}", "counter", suffixes), "http_requests_total"],
    [metricName("speed", "m/s", "gauge", suffixes), "speed_meters_per_second"],
    [metricName("cpu.use", "1", "gauge", suffixes), "cpu_use_ratio"],
    [metricName("1st", "", "gauge", suffixes), "_1st"],
    [metricName("a.b", "ms", "counter", { namespace: "ns", suffixes: false }), "ns_a_b"],
  ] as const;
  for (const [got, want] of cases) assert.equal(got, want);
  assert.deepEqual(["http.method", "1a", "_x", "__x"].map(labelName), [
    "http_method",
    "key_1a",
    "key_x",
    "__x",
  ]);
});

const NAMING: PrometheusNaming = {
  namespace: "",
  suffixes: true,
  constLabels: {},
  resourceLabels: false,
  scopeLabels: false,
  timestamps: false,
};

function point(value: number, labels: Readonly<Record<string, string>> = {}): NumberDataPoint {
  const attributes = Object.entries(labels).map(([k, v]) => stringAttribute(k, v));
  return { attributes, asDouble: value, startTimeUnixNano: 0n, timeUnixNano: 0n, flags: 0, exemplars: [] };
}

function gauge(name: string, ...dataPoints: NumberDataPoint[]): Metric {
  return { name, unit: "", description: "", metadata: [], gauge: { dataPoints } };
}

function accumulate(
  accumulator: Accumulator,
  metrics: readonly Metric[],
  resource: Readonly<Record<string, string>>,
  nowMs: number,
) {
  accumulator.add(
    {
      resourceMetrics: [
        {
          schemaUrl: "",
          resource: {
            droppedAttributesCount: 0,
            attributes: Object.entries(resource).map(([k, v]) => stringAttribute(k, v)),
          },
          scopeMetrics: [
            {
              schemaUrl: "",
              metrics,
              scope: { name: "", version: "", attributes: [], droppedAttributesCount: 0 },
            },
          ],
        },
      ],
    },
    nowMs,
  );
}

describe("the exposition", () => {
  test("sorts families, series and labels, and escapes what must be", () => {
    const accumulator = new Accumulator(1000);
    accumulate(
      accumulator,
      [gauge("b", point(1, { z: "2" }), point(2, { z: "1", a: 'x"\n' })), gauge("a", point(3))],
      {},
      0,
    );
    const { families: sorted } = families(accumulator.collect(0), NAMING);
    assert.equal(
      exposition(sorted, "text"),
      '# HELP a \n# TYPE a gauge\na 3\n# HELP b \n# TYPE b gauge\nb{z="2"} 1\nb{a="x\\"\\n",z="1"} 2\n',
    );
  });

  test("forgets a series that was not updated for the expiration", () => {
    const accumulator = new Accumulator(1000);
    accumulate(accumulator, [gauge("a", point(1))], {}, 0);
    assert.equal(accumulator.collect(1000).length, 1);
    assert.equal(accumulator.collect(1001).length, 0);
  });

  test("shows target_info where job and instance are known", () => {
    const accumulator = new Accumulator(1000);
    const resource = {
      "service.name": "checkout",
      "service.namespace": "shop",
      "service.instance.id": "pod-1",
      env: "prod",
    };
    accumulate(accumulator, [gauge("a", point(1))], resource, 0);
    const text = exposition(families(accumulator.collect(0), NAMING).families, "text");
    assert.match(text, /^target_info\{env="prod",instance="pod-1",job="shop\/checkout"\} 1$/m);
    assert.match(text, /^a\{instance="pod-1",job="shop\/checkout"\} 1$/m);
  });

  test("leaves out what would make the scrape invalid, and says so", () => {
    const accumulator = new Accumulator(1000);
    const counter: Metric = {
      ...gauge("a_total"),
      sum: { dataPoints: [point(1)], isMonotonic: true, aggregationTemporality: TEMPORALITY_CUMULATIVE },
    };
    accumulate(
      accumulator,
      [gauge("a_total", point(1)), counter, gauge("b", point(1, { "x.y": "1", x_y: "2" }))],
      {},
      0,
    );
    const { problems } = families(accumulator.collect(0), NAMING);
    assert.equal(problems.length, 2);
    assert.match(
      problems[0] ?? "",
      /instrument type conflict, using existing type definition. instrument: a_total, existing: GAUGE, dropped: COUNTER/,
    );
    assert.match(problems[1] ?? "", /duplicate label names .* x_y/);
  });

  test("speaks OpenMetrics", () => {
    const accumulator = new Accumulator(1000);
    const counter: Metric = {
      ...gauge("hits"),
      sum: { dataPoints: [point(2)], isMonotonic: true, aggregationTemporality: TEMPORALITY_CUMULATIVE },
    };
    accumulate(accumulator, [counter], {}, 0);
    const text = exposition(families(accumulator.collect(0), NAMING).families, "openmetrics");
    assert.equal(text, "# HELP hits \n# TYPE hits counter\nhits_total 2.0\n# EOF\n");
  });
});
