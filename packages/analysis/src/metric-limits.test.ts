import assert from "node:assert/strict";
import { test } from "node:test";
import { durationMs, effectiveCount, limitsOf, metricProblem, metricsProblem } from "./metric-limits.ts";
import type { Metric } from "./types.ts";

const metric = (over: Partial<Metric> = {}): Metric => ({
  name: "errors",
  provider: { prometheus: { query: "q" } },
  ...over,
});

/** A metric, and why it cannot be measured. */
const table: readonly [Partial<Metric>, string | undefined][] = [
  [{}, undefined],
  [{ count: "3", interval: "1m", failureLimit: "2" }, undefined],
  [{ failureLimit: -1, consecutiveSuccessLimit: 3, interval: "1m" }, undefined],
  [{ consecutiveSuccessLimit: -1 }, "consecutiveSuccessLimit must be >= 0"],
  [{ failureLimit: -2 }, "failureLimit must be >= 0, or -1 to be disabled"],
  [{ failureLimit: -1 }, "failureLimit and consecutiveSuccessLimit cannot both be disabled"],
  [{ inconclusiveLimit: -1 }, "inconclusiveLimit must be >= 0"],
  [{ consecutiveErrorLimit: -1 }, "consecutiveErrorLimit must be >= 0"],
  [
    { count: 2, failureLimit: 1, consecutiveSuccessLimit: 2 },
    "count (2) must be >= failureLimit + consecutiveSuccessLimit (1 + 2) if both >= 0",
  ],
  [{ count: 2, failureLimit: -1, consecutiveSuccessLimit: 3 }, "count must be >= consecutiveSuccessLimit"],
  [{ count: 2, inconclusiveLimit: 3 }, "count must be >= inconclusiveLimit"],
  [{ count: 2 }, "interval must be specified when count > 1"],
  [{ interval: "soon" }, 'invalid interval string: time: invalid duration "soon"'],
  [{ initialDelay: "later" }, 'invalid startDelay string: time: invalid duration "later"'],
  [{ provider: {} }, "no provider specified"],
  [{ provider: { prometheus: {}, web: { url: "http://x" } } }, "multiple providers specified"],
];
for (const [over, expected] of table)
  test(`${JSON.stringify(over)} is ${expected ?? "good"}`, () => {
    assert.equal(metricProblem(metric(over)), expected);
  });

test("metrics need names of their own, and there must be one", () => {
  assert.equal(metricsProblem([]), "no metrics specified");
  assert.equal(metricsProblem([metric(), metric()]), "metrics[1]: duplicate name 'errors'");
});

test("no count is one measurement, or no end with an interval; zero is no count", () => {
  assert.equal(effectiveCount(metric()), 1);
  assert.equal(effectiveCount(metric({ count: 0 })), 1);
  assert.equal(effectiveCount(metric({ interval: "1m" })), undefined);
  assert.equal(effectiveCount(metric({ interval: "1m", count: 0 })), undefined);
  assert.equal(effectiveCount(metric({ interval: "1m", count: "5" })), 5);
});

test("limits that are not written are upstream's", () => {
  assert.deepEqual(limitsOf(metric()), {
    count: 1,
    failureLimit: 0,
    inconclusiveLimit: 0,
    consecutiveErrorLimit: 4,
    consecutiveSuccessLimit: 0,
  });
});

test("durations are Go's", () => {
  assert.equal(durationMs("1h30m"), 5_400_000);
  assert.equal(durationMs("250ms"), 250);
  assert.equal(durationMs("5"), undefined);
  assert.equal(durationMs(""), undefined);
});
