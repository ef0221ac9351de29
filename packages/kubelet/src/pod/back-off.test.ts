import assert from "node:assert/strict";
import { test } from "node:test";
import { afterTry, type BackOff, goSeconds, retryAt } from "./back-off.ts";

test("the first restart is at once, then 10 s doubling to 5 min", () => {
  let entry: BackOff | undefined;
  let now = 0;
  const waits: number[] = [];
  for (let failure = 0; failure < 8; failure += 1) {
    const due = retryAt(entry, now);
    waits.push((due - now) / 1000);
    entry = afterTry(entry, now, due);
    now = due;
  }
  assert.deepEqual(waits, [0, 10, 20, 40, 80, 160, 300, 300]);
});

test("what ran well for ten minutes starts over", () => {
  const entry = { delayMs: 160_000, lastUpdate: 0 };
  assert.equal(retryAt(entry, 600_001), 600_001);
  assert.equal(retryAt(entry, 600_000), 760_000);
  assert.equal(afterTry(entry, 600_001, 600_001).delayMs, 10_000);
});

test("delays are printed as Go prints them", () => {
  assert.deepEqual([10_000, 80_000, 300_000].map(goSeconds), ["10s", "1m20s", "5m0s"]);
});
