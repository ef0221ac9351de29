import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeJson, encodeProto, Payload } from "@tracegate/otlp";
import { Accumulator } from "../../exporters/prometheus/accumulator.ts";
import { exposition } from "../../exporters/prometheus/exposition.ts";
import { families } from "../../exporters/prometheus/families.ts";
import { Aggregator } from "./aggregator.ts";
import { spanMetricsConfig } from "./config.ts";
import { flush, LastFlush } from "./flush.ts";

const recordings = new URL("../../../../../tests/recordings/hotrod/", import.meta.url);
const recorded = (name: string) => readFileSync(new URL(name, recordings), "utf8");

const naming = {
  namespace: "",
  suffixes: true,
  constLabels: {},
  resourceLabels: false,
  scopeLabels: true,
  timestamps: false,
};

test("HotROD's spans give the very exposition that the OpenTelemetry Collector gave", () => {
  const config = spanMetricsConfig.read(
    { dimensions: [{ name: "hotrod.namespace" }, { name: "hotrod.pod.name" }, { name: "hotrod.pod.hash" }] },
    "",
    [],
  );
  const aggregator = new Aggregator(config);
  for (const line of recorded("spans.jsonl").trim().split("\n")) {
    const request = encodeProto("traces", decodeJson("traces", line));
    aggregator.add(Payload.fromProto("traces", request).bytes(), 1000);
  }
  const accumulator = new Accumulator(300_000);
  const lastFlush = new LastFlush(1000);
  for (const [now, file] of [
    [2000, "spanmetrics.first.txt"],
    [4000, "spanmetrics.txt"],
  ] as const) {
    accumulator.add(flush(aggregator, config, lastFlush, now), now);
    const exposed = exposition(families(accumulator.collect(now), naming).families, "text");
    assert.deepEqual(exposed.split("\n"), recorded(file).split("\n"));
  }
});
