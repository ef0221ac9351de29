import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigMap, type Ref, refKey, Secret, StatusError } from "@tracegate/kube";
import { memoryClient } from "../testing/index.ts";
import type { Controller } from "./controller.ts";
import { startControllers } from "./manager.ts";
import { renderControllerMetrics } from "./metrics.ts";
import { VirtualScheduler } from "./virtual-scheduler.ts";

const configMap = (name: string, data: Record<string, string> = {}): ConfigMap => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { namespace: "ns", name },
  data,
});

function world(reconcile: Controller["reconcile"], rest: Partial<Controller> = {}) {
  const scheduler = new VirtualScheduler(Date.UTC(2025, 0, 1));
  const client = memoryClient(scheduler);
  const controller: Controller = { name: "test", kind: ConfigMap, reconcile, ...rest };
  const start = () => startControllers({ client, scheduler, controllers: [controller] });
  return { scheduler, client, start };
}

test("each object is reconciled once for a burst of changes", async () => {
  const seen: string[] = [];
  const { scheduler, client, start } = world(async (ref) => {
    seen.push(refKey(ref));
    return undefined;
  });
  await client.create(ConfigMap, configMap("a"));
  const manager = start();
  await scheduler.runUntilIdle();
  assert.deepEqual(seen, ["ns/a"]);
  await Promise.all([
    client.patch(ConfigMap, { namespace: "ns", name: "a" }, { type: "merge", body: { data: { x: "1" } } }),
    client.create(ConfigMap, configMap("b")),
    client.delete(ConfigMap, { namespace: "ns", name: "a" }),
  ]);
  await scheduler.runUntilIdle();
  assert.deepEqual(seen, ["ns/a", "ns/a", "ns/b"]);
  await manager.stop();
});

test("a controller works on as many objects at once as it says", async () => {
  for (const [concurrency, expected] of [
    [undefined, 5],
    [2, 2],
    [8, 8],
  ] as const) {
    let active = 0;
    let most = 0;
    const { scheduler, client, start } = world(
      async () => {
        most = Math.max(most, ++active);
        await scheduler.after(100);
        active--;
        return undefined;
      },
      concurrency === undefined ? {} : { concurrency },
    );
    for (let i = 0; i < 10; i++) await client.create(ConfigMap, configMap(`c${i}`));
    const manager = start();
    await scheduler.advanceBy(1000);
    assert.equal(most, expected);
    await manager.stop();
  }
});

test("an object that changes while it is reconciled is reconciled again, never twice at a time", async () => {
  let active = 0;
  let most = 0;
  let runs = 0;
  const { scheduler, client, start } = world(async () => {
    most = Math.max(most, ++active);
    runs++;
    await scheduler.after(100);
    active--;
    return undefined;
  });
  start();
  await client.create(ConfigMap, configMap("a"));
  await scheduler.advanceBy(50);
  await client.update(ConfigMap, configMap("a", { changed: "yes" }));
  await client.update(ConfigMap, configMap("a", { changed: "again" }));
  await scheduler.advanceBy(1000);
  assert.deepEqual({ most, runs }, { most: 1, runs: 2 });
});

test("failures back off from 5 ms, doubling; success forgets them", async () => {
  const times: number[] = [];
  let failures = 5;
  const { scheduler, client, start } = world(async () => {
    times.push(scheduler.now());
    if (failures-- > 0) throw new Error("not yet");
    return undefined;
  });
  const manager = start();
  await client.create(ConfigMap, configMap("a"));
  await scheduler.advanceBy(10_000);
  assert.deepEqual(gaps(times), [5, 10, 20, 40, 80]);
  failures = 1;
  await client.update(ConfigMap, configMap("a", { x: "1" }));
  await scheduler.advanceBy(10_000);
  assert.deepEqual(gaps(times.slice(-2)), [5]);
  const [counters] = manager.counters();
  assert.deepEqual(counters, {
    controller: "test",
    succeeded: 2,
    requeued: 0,
    failed: 6,
    queueDepth: 0,
    active: 0,
  });
  assert.match(
    renderControllerMetrics(manager.counters()),
    /reconcile_errors_total\{controller="test"\} 6\n/,
  );
});

test("requeueAfterMs calls again at that time", async () => {
  const times: number[] = [];
  const { scheduler, client, start } = world(async () => {
    times.push(scheduler.now());
    return times.length < 4 ? { requeueAfterMs: 1500 } : undefined;
  });
  start();
  await client.create(ConfigMap, configMap("a"));
  await scheduler.advanceBy(60_000);
  assert.deepEqual(gaps(times), [1500, 1500, 1500]);
});

test("other kinds reach the object they name, also the one they named before", async () => {
  const seen: string[] = [];
  const { scheduler, client, start } = world(
    async ({ name }) => {
      seen.push(name);
      return undefined;
    },
    {
      watches: [
        {
          kind: Secret,
          map: ({ metadata }): readonly Ref[] => [{ namespace: "ns", name: metadata.labels?.["for"] ?? "" }],
        },
      ],
    },
  );
  start();
  const secret = (target: string): Secret => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { namespace: "ns", name: "s", labels: { for: target } },
  });
  await client.create(Secret, secret("a"));
  await scheduler.runUntilIdle();
  await client.update(Secret, secret("b"));
  await scheduler.runUntilIdle();
  assert.deepEqual(seen, ["a", "a", "b"]);
});

test("changes made while no watch was open are made up for, deletions too", async () => {
  for (const forget of [false, true]) {
    const seen: string[] = [];
    const { scheduler, client, start } = world(async ({ name }) => {
      seen.push(name);
      return undefined;
    });
    await client.create(ConfigMap, configMap("gone"));
    await client.create(ConfigMap, configMap("stays"));
    start();
    await scheduler.runUntilIdle();
    seen.length = 0;
    client.breakWatches({ reason: new StatusError({ code: 500, message: "cut" }) });
    await client.delete(ConfigMap, { namespace: "ns", name: "gone" });
    await client.create(ConfigMap, configMap("new"));
    if (forget) client.breakWatches({ forget: true });
    await scheduler.advanceBy(60_000);
    assert.deepEqual(seen.sort(), ["gone", "new"]);
  }
});

test("stop aborts what is in flight and waits for it", async () => {
  let ended = "";
  const { scheduler, client, start } = world(async (_ref, signal) => {
    await scheduler.after(60_000, signal).catch((error: Error) => {
      ended = error.message;
    });
    return undefined;
  });
  const manager = start();
  await client.create(ConfigMap, configMap("a"));
  await scheduler.runUntilIdle();
  await manager.stop();
  assert.equal(ended, "the controllers are stopping");
});

const gaps = (times: readonly number[]) => times.slice(1).map((time, i) => time - (times[i] ?? 0));
