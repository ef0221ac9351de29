import assert from "node:assert/strict";
import { test } from "node:test";
import type { Metric } from "@tracegate/analysis";
import { tryGate } from "./gate-trial.ts";
import { counter, gauge } from "./synthetic-series.ts";

const gate = (query: string, successCondition: string): Metric => ({
  name: "gate",
  successCondition,
  provider: { prometheus: { address: "http://prometheus", query } },
});
const traffic = gate('sum(rate(requests_total{pod="{{args.pod}}"}[2m]))', "result[0] >= 0.05");
const canary = [{ name: "pod", value: "canary" }];
const requests = (perSecond: number) => [
  counter("requests_total", { pod: "canary" }, perSecond),
  counter("requests_total", { pod: "stable" }, 100),
];

for (const [perSecond, phase, value] of [
  [0.06, "Successful", "[0.06]"],
  [0.04, "Failed", "[0.04]"],
  [0, "Failed", "[0]"],
] as const) {
  test(`a traffic gate meets a canary with ${perSecond} requests/s: ${phase}`, async () => {
    const measurement = await tryGate(traffic, canary, requests(perSecond));
    assert.equal(measurement.phase, phase);
    assert.equal(Number(measurement.value?.slice(1, -1)).toFixed(4), Number(value.slice(1, -1)).toFixed(4));
  });
}

test("no series at all is the error that a release would meet", async () => {
  const { phase, message } = await tryGate(traffic, canary, []);
  assert.deepEqual([phase, message], ["Error", "reflect: slice index out of range"]);
});

test("a query that cannot be read is told in Prometheus' words", async () => {
  const { phase, message } = await tryGate(gate("# nothing", "result[0] > 0"), [], []);
  assert.equal(phase, "Error");
  assert.match(message ?? "", /^bad_data: invalid parameter "query": .*no expression found in input/);
});

test("gauges, windows and functions of time are those of the engine", async () => {
  const restarts = gate('sum(increase(restarts_total{pod=~"echo-.*"}[1m])) or vector(0)', "result[0] == 0");
  const calm = [counter("restarts_total", { pod: "echo-1" }, 0), gauge("ready", { pod: "echo-1" }, 1)];
  assert.equal((await tryGate(restarts, [], calm)).phase, "Successful");
  assert.equal(
    (await tryGate(restarts, [], [counter("restarts_total", { pod: "echo-1" }, 0.1)])).phase,
    "Failed",
  );
});

test("an argument that is not given is an error", async () => {
  assert.equal((await tryGate(traffic, [], [])).phase, "Error");
});
