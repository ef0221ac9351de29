import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import fc from "fast-check";
import { VirtualScheduler } from "./virtual-scheduler.ts";

test("timers fire in the order of their times, then of their making", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(20)), async (delays) => {
      const scheduler = new VirtualScheduler(1000);
      const fired: [number, number][] = [];
      delays.forEach((delay, i) => {
        scheduler.schedule(delay, () => fired.push([scheduler.now() - 1000, i]));
      });
      await scheduler.advanceBy(20);
      const expected = delays
        .map((delay, i): [number, number] => [delay, i])
        .sort(([a, i], [b, j]) => a - b || i - j);
      assert.deepEqual(fired, expected);
    }),
  );
});

test("a cancelled timer does not fire, and an aborted wait rejects with the reason", async () => {
  const scheduler = new VirtualScheduler(0);
  scheduler.schedule(5, () => assert.fail("was cancelled"))();
  const abort = new AbortController();
  const wait = assert.rejects(scheduler.after(10, abort.signal), /enough/);
  abort.abort(new Error("enough"));
  await wait;
  await scheduler.advanceTo(100);
  assert.equal(scheduler.now(), 100);
});

test("what follows from one timer is done before the next fires", async () => {
  const scheduler = new VirtualScheduler(0);
  const seen: string[] = [];
  void scheduler.run(async () => {
    await scheduler.after(10);
    for (let i = 0; i < 50; i++) await Promise.resolve();
    seen.push(`first at ${scheduler.now()}`);
    await scheduler.after(0);
    seen.push(`and again at ${scheduler.now()}`);
  });
  scheduler.schedule(11, () => seen.push("second"));
  await scheduler.advanceTo(20);
  assert.deepEqual(seen, ["first at 10", "and again at 10", "second"]);
});

test("time stands still while work waits for something other than the clock", async () => {
  const scheduler = new VirtualScheduler(0);
  const seen: number[] = [];
  void scheduler.run(async () => {
    await readFile(import.meta.filename);
    seen.push(scheduler.now());
    await scheduler.after(7);
    seen.push(scheduler.now());
  });
  scheduler.schedule(5, () => seen.push(scheduler.now()));
  await scheduler.advanceTo(50);
  assert.deepEqual(seen, [0, 5, 7]);
});

test("tracked outside work wins against a timeout of the clock", async () => {
  const scheduler = new VirtualScheduler(0);
  const race = scheduler.run(() =>
    Promise.race([
      scheduler.track(readFile(import.meta.filename, "utf8")).then(() => "read"),
      scheduler.after(1).then(() => "timed out"),
    ]),
  );
  await scheduler.advanceTo(10);
  assert.equal(await race, "read");
});

test("work that waits for work that waits on the clock does not hold it", async () => {
  const scheduler = new VirtualScheduler(0);
  const outer = scheduler.run(() => scheduler.run(() => scheduler.after(30)).then(() => scheduler.now()));
  await scheduler.advanceTo(40);
  assert.equal(await outer, 30);
});

test("advanceUntil stops at the moment the condition holds, or at the deadline", async () => {
  const scheduler = new VirtualScheduler(0);
  let done = false;
  scheduler.schedule(30, () => {
    done = true;
  });
  assert.equal(await scheduler.advanceUntil(() => done, 100), true);
  assert.equal(scheduler.now(), 30);
  assert.equal(await scheduler.advanceUntil(() => false, 100), false);
  assert.equal(scheduler.now(), 100);
});
