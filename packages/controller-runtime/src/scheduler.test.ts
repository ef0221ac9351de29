import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "@tracegate/contracts";
import { wallScheduler } from "./scheduler.ts";

/** A clock whose waits end at once and are written down. */
function instantClock(): Clock & { readonly waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    now: () => 0,
    async after(ms, signal) {
      signal?.throwIfAborted();
      waits.push(ms);
    },
  };
}

test("a delay beyond what a Node timer takes is slept in parts", async () => {
  const clock = instantClock();
  await wallScheduler(clock).after(2 ** 31 + 4, undefined);
  assert.deepEqual(clock.waits, [2 ** 31 - 1, 5]);
});

test("a cancelled action is not called", async () => {
  const scheduler = wallScheduler(instantClock());
  const called: string[] = [];
  scheduler.schedule(10, () => called.push("cancelled"))();
  scheduler.schedule(10, () => called.push("kept"));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(called, ["kept"]);
});

test("work starts on a turn of its own, so that I/O is not starved", async () => {
  const scheduler = wallScheduler(instantClock());
  const order: string[] = [];
  const io = new Promise<void>((resolve) => {
    setImmediate(() => {
      order.push("i/o");
      resolve();
    });
  });
  await Promise.all([scheduler.run(async () => order.push("work")), io]);
  assert.deepEqual(order, ["i/o", "work"]);
});
