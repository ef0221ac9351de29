import assert from "node:assert/strict";
import { test } from "node:test";
import { type ConfigMap, Event } from "@tracegate/kube";
import { memoryClient } from "../testing/index.ts";
import { createEventRecorder } from "./event-recorder.ts";
import { VirtualScheduler } from "./virtual-scheduler.ts";

const about: ConfigMap = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { namespace: "ns", name: "web", uid: "u1", resourceVersion: "7" },
};

function world() {
  const scheduler = new VirtualScheduler(Date.UTC(2025, 0, 1, 0, 0, 0, 250));
  const client = memoryClient(scheduler);
  const recorder = createEventRecorder({ client, scheduler, component: "test-controller" });
  const events = async () => (await client.list(Event)).items;
  return { scheduler, client, recorder, events };
}

test("an event names its object, its time and who speaks", async () => {
  const { scheduler, recorder, events } = world();
  recorder.event(about, "Normal", "Scaled", "from 1 to 2");
  await scheduler.runUntilIdle();
  const [event] = await events();
  assert.ok(event);
  const { metadata, ...rest } = event;
  assert.match(metadata.name, /^web\.[0-9a-f]{16}$/);
  assert.deepEqual(rest, {
    apiVersion: "v1",
    kind: "Event",
    involvedObject: {
      kind: "ConfigMap",
      namespace: "ns",
      name: "web",
      uid: "u1",
      apiVersion: "v1",
      resourceVersion: "7",
    },
    reason: "Scaled",
    message: "from 1 to 2",
    source: { component: "test-controller" },
    firstTimestamp: "2025-01-01T00:00:00Z",
    lastTimestamp: "2025-01-01T00:00:00Z",
    count: 1,
    type: "Normal",
    reportingComponent: "test-controller",
    reportingInstance: "",
  });
});

test("an equal event adds to the count and moves the last time", async () => {
  const { scheduler, recorder, events } = world();
  for (let i = 0; i < 3; i++) {
    recorder.event(about, "Normal", "Scaled", "from 1 to 2");
    await scheduler.advanceBy(2000);
  }
  const seen = (await events()).map(({ count, firstTimestamp, lastTimestamp }) => ({
    count,
    firstTimestamp,
    lastTimestamp,
  }));
  assert.deepEqual(seen, [
    { count: 3, firstTimestamp: "2025-01-01T00:00:00Z", lastTimestamp: "2025-01-01T00:00:04Z" },
  ]);
});

test("from the tenth similar message on, they are told as one", async () => {
  const { scheduler, recorder, events } = world();
  for (let i = 1; i <= 12; i++) recorder.event(about, "Warning", "Failed", `try ${i}`);
  await scheduler.runUntilIdle();
  const seen = (await events()).map(({ message, count }) => `${count} ${message}`);
  assert.equal(seen.length, 10);
  assert.equal(seen.at(-1), "3 (combined from similar events): try 12");
});

test("one object has 25 events at once, then one in five minutes; the count tells of the rest", async () => {
  const { scheduler, recorder, events } = world();
  for (let i = 1; i <= 40; i++) recorder.event(about, "Normal", "Again", "and again");
  await scheduler.runUntilIdle();
  assert.equal((await events())[0]?.count, 25);
  await scheduler.advanceBy(300_000);
  recorder.event(about, "Normal", "Again", "and again");
  await scheduler.runUntilIdle();
  assert.equal((await events())[0]?.count, 41);
});

test("an event whose object in the API is gone is written anew; an unreachable API is tried again", async () => {
  const { scheduler, client, recorder, events } = world();
  recorder.event(about, "Normal", "Once", "more");
  await scheduler.runUntilIdle();
  for (const { metadata } of await events()) await client.delete(Event, metadata);
  let broken = 2;
  client.onWrite = () => {
    if (broken-- > 0) throw new Error("connect ECONNREFUSED");
  };
  recorder.event(about, "Normal", "Once", "more");
  await scheduler.advanceBy(60_000);
  assert.deepEqual(
    (await events()).map(({ count }) => count),
    [2],
  );
});
