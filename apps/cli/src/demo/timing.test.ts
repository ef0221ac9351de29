import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { retime, timings } from "./timing.ts";

const example = (path: string) =>
  readFileSync(new URL(`../../../../examples/hotrod/${path}`, import.meta.url), "utf8");

test("the timing `source` leaves the manifests as they are", () => {
  const text = example("hotrod/analysis-template.yaml");
  assert.equal(retime(text, timings.source), text);
});

test("windows, delays and intervals of the gates follow the timing, conditions and limits do not", () => {
  const text = example("hotrod/analysis-template.yaml");
  const before = parse(text).spec.metrics;
  const after = parse(retime(text, timings.test)).spec.metrics;
  assert.deepEqual(
    after.map((metric: { initialDelay: string }) => metric.initialDelay),
    ["4s", "3s", "4s"],
  );
  for (const [index, metric] of after.entries()) {
    const { initialDelay, interval, provider, ...kept } = metric;
    const { initialDelay: _d, interval: _i, provider: original, ...expected } = before[index];
    assert.deepEqual(kept, expected);
    assert.equal(interval, "1s");
    assert.equal(provider.prometheus.query, original.prometheus.query.replaceAll("[2m]", "[5s]"));
    assert.match(provider.prometheus.query, /\[5s\]/);
  }
});

test("the collector's flush and probes and the generator's start follow the timing", () => {
  const daemonSet = parse(retime(example("otel/daemonset.yaml"), timings.default));
  assert.deepEqual(daemonSet.spec.template.spec.containers[0].args, [
    "--config=/conf/collector-config.yaml",
    "--set=connectors.spanmetrics.metrics_flush_interval=2s",
  ]);
  assert.equal(daemonSet.spec.template.spec.containers[0].readinessProbe.initialDelaySeconds, 1);
  const generator = parse(retime(example("traffic-generator/deployment.yaml"), timings.test));
  assert.equal(generator.spec.replicas, 3);
  assert.deepEqual(generator.spec.template.spec.containers[0].env, [
    { name: "START_DELAY", value: "0.5" },
    { name: "PAUSE", value: "0.1" },
  ]);
});
