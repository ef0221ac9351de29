import assert from "node:assert/strict";
import { test } from "node:test";
import { createEventRecorder, startControllers, VirtualScheduler } from "@tracegate/controller-runtime";
import { memoryClient } from "@tracegate/controller-runtime/testing";
import { Event, Pod, ReplicaSet } from "@tracegate/kube";
import { simulatedPods } from "../../testing/index.ts";
import { replicaSetController } from "./controller.ts";

const replicaSet = (replicas: number, image = "web:1"): ReplicaSet => ({
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  metadata: { namespace: "ns", name: "web" },
  spec: {
    replicas,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image }] } },
  },
});

const ref = { namespace: "ns", name: "web" };

function world() {
  const scheduler = new VirtualScheduler(Date.UTC(2025, 0, 1));
  const client = memoryClient(scheduler);
  const events = createEventRecorder({ client, scheduler, component: "replicaset-controller" });
  const statuses: string[] = [];
  client.watch(
    ReplicaSet,
    { resourceVersion: "0" },
    {
      event(event) {
        if (event.type === "BOOKMARK") return;
        const { replicas, readyReplicas = 0 } = event.object.status ?? { replicas: 0 };
        statuses.push(`${scheduler.now() % 60_000}: ${replicas}/${readyReplicas}`);
      },
      close() {},
    },
  );
  startControllers({
    client,
    scheduler,
    controllers: [
      replicaSetController({ client, clock: scheduler, events }),
      simulatedPods({ client, clock: scheduler }),
    ],
  });
  const pods = async () => (await client.list(Pod)).items;
  return { scheduler, client, pods, statuses };
}

test("pods are made, counted as they come, get ready, and surplus ones go", async () => {
  const { scheduler, client, pods, statuses } = world();
  await client.create(ReplicaSet, replicaSet(3));
  await scheduler.advanceBy(5000);
  assert.equal((await pods()).length, 3);
  assert.ok((await pods()).every(({ metadata }) => metadata.ownerReferences?.[0]?.name === "web"));
  assert.deepEqual(statuses.at(-1), "200: 3/3");
  await client.patch(ReplicaSet, ref, { type: "merge", body: { spec: { replicas: 1 } } });
  await scheduler.advanceBy(5000);
  assert.equal((await pods()).length, 1);
  assert.equal((await client.get(ReplicaSet, ref)).status?.observedGeneration, 2);
  const events = (await client.list(Event)).items.map(({ reason }) => reason);
  assert.deepEqual(events.sort(), [
    ...Array(3).fill("SuccessfulCreate"),
    ...Array(2).fill("SuccessfulDelete"),
  ]);
});

test("a matching orphan is adopted and a pod that no longer matches released and replaced", async () => {
  const { scheduler, client, pods } = world();
  await client.create(Pod, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "ns", name: "orphan", labels: { app: "web" } },
    spec: { containers: [{ name: "web", image: "web:1" }] },
  });
  await client.create(ReplicaSet, replicaSet(2));
  await scheduler.advanceBy(1000);
  assert.equal((await pods()).length, 2);
  await client.patch(
    Pod,
    { namespace: "ns", name: "orphan" },
    { type: "merge", body: { metadata: { labels: { app: "other" } } } },
  );
  await scheduler.advanceBy(1000);
  const all = await pods();
  assert.equal(all.length, 3);
  assert.equal(all.find(({ metadata }) => metadata.name === "orphan")?.metadata.ownerReferences, undefined);
});

test("a refused pod becomes the condition ReplicaFailure, which goes when pods can be made again", async () => {
  const { scheduler, client } = world();
  client.onWrite = (verb, kind) => {
    if (verb === "create" && kind.kind === "Pod") throw new Error("exceeded quota");
  };
  await client.create(ReplicaSet, replicaSet(2));
  await scheduler.advanceBy(3);
  const [condition] = (await client.get(ReplicaSet, ref)).status?.conditions ?? [];
  assert.deepEqual(condition, {
    type: "ReplicaFailure",
    status: "True",
    reason: "FailedCreate",
    message: "exceeded quota",
    lastTransitionTime: "2025-01-01T00:00:00Z",
  });
  client.onWrite = undefined;
  await scheduler.advanceBy(5000);
  const { status } = await client.get(ReplicaSet, ref);
  assert.equal(status?.conditions, undefined);
  assert.equal(status?.readyReplicas, 2);
});

test("with minReadySeconds a ready pod is available only after that time", async () => {
  const { scheduler, client } = world();
  const slow = replicaSet(1);
  slow.spec.minReadySeconds = 10;
  await client.create(ReplicaSet, slow);
  await scheduler.advanceBy(9_900);
  assert.deepEqual((await client.get(ReplicaSet, ref)).status?.availableReplicas, undefined);
  await scheduler.advanceBy(200);
  assert.deepEqual((await client.get(ReplicaSet, ref)).status?.availableReplicas, 1);
});
