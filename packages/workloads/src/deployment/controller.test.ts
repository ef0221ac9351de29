import assert from "node:assert/strict";
import { test } from "node:test";
import { Deployment, Event, Pod, ReplicaSet } from "@tracegate/kube";
import { type SimulatedCluster, simulatedCluster } from "../../testing/index.ts";
import { DESIRED_REPLICAS, MAX_REPLICAS, REVISION, REVISION_HISTORY } from "./annotations.ts";

const ref = { namespace: "default", name: "web" };

const deployment = (spec: Partial<Deployment["spec"]> = {}): Deployment => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { ...ref },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "web", image: "web:1" }], terminationGracePeriodSeconds: 1 },
    },
    ...spec,
  },
});

async function begin(spec: Partial<Deployment["spec"]> = {}) {
  const cluster = await simulatedCluster();
  await cluster.client.create(Deployment, deployment(spec));
  await cluster.scheduler.advanceBy(5000);
  return { ...cluster, ...looks(cluster) };
}

function looks({ client }: SimulatedCluster) {
  const patch = (spec: unknown) => client.patch(Deployment, ref, { type: "strategic", body: { spec } });
  return {
    get: () => client.get(Deployment, ref),
    patch,
    setImage: (image: string) => patch({ template: { spec: { containers: [{ name: "web", image }] } } }),
    /** `image replicas/available`, oldest first. */
    async sets() {
      const { items } = await client.list(ReplicaSet, { namespace: "default" });
      return items
        .sort(
          (a, b) => Number(a.metadata.annotations?.[REVISION]) - Number(b.metadata.annotations?.[REVISION]),
        )
        .map(
          ({ spec, status }) =>
            `${spec.template.spec.containers[0]?.image} ${spec.replicas}/${status?.availableReplicas ?? 0}`,
        );
    },
    async scalings() {
      const { items } = await client.list(Event, { namespace: "default" });
      return items
        .filter(({ reason }) => reason === "ScalingReplicaSet")
        .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
        .map(({ message }) => message?.replace(/web-[a-z0-9]+/, "web-HASH"));
    },
    conditions: async () =>
      ((await client.get(Deployment, ref)).status?.conditions ?? []).map(
        ({ type, status, reason }) => `${type} ${status} ${reason}`,
      ),
  };
}

test("a new Deployment becomes available and says so", async () => {
  const { get, sets, conditions, scalings } = await begin();
  assert.deepEqual(await sets(), ["web:1 3/3"]);
  const { metadata, status } = await get();
  assert.equal(metadata.annotations?.[REVISION], "1");
  const { conditions: _, ...counters } = status ?? {};
  assert.deepEqual(counters, {
    observedGeneration: metadata.generation,
    replicas: 3,
    updatedReplicas: 3,
    readyReplicas: 3,
    availableReplicas: 3,
  });
  assert.deepEqual(await conditions(), [
    "Available True MinimumReplicasAvailable",
    "Progressing True NewReplicaSetAvailable",
  ]);
  assert.deepEqual(await scalings(), ["Scaled up replica set web-HASH from 0 to 3"]);
});

test("a rolling update goes one by one within surge and unavailability", async () => {
  const { scheduler, setImage, sets, scalings } = await begin();
  await setImage("web:2");
  await scheduler.advanceBy(10_000);
  assert.deepEqual(await sets(), ["web:1 0/0", "web:2 3/3"]);
  assert.deepEqual((await scalings()).slice(1), [
    "Scaled up replica set web-HASH from 0 to 1",
    "Scaled down replica set web-HASH from 3 to 2",
    "Scaled up replica set web-HASH from 1 to 2",
    "Scaled down replica set web-HASH from 2 to 1",
    "Scaled up replica set web-HASH from 2 to 3",
    "Scaled down replica set web-HASH from 1 to 0",
  ]);
});

test("going back to a former template gives its ReplicaSet a new revision and keeps the old number", async () => {
  const { client, scheduler, setImage, sets } = await begin();
  await setImage("web:2");
  await scheduler.advanceBy(10_000);
  await setImage("web:1");
  await scheduler.advanceBy(10_000);
  assert.deepEqual(await sets(), ["web:2 0/0", "web:1 3/3"]);
  const { items } = await client.list(ReplicaSet);
  const first = items.find(({ spec }) => spec.template.spec.containers[0]?.image === "web:1");
  assert.equal(first?.metadata.annotations?.[REVISION], "3");
  assert.equal(first?.metadata.annotations?.[REVISION_HISTORY], "1");
});

test("pods that never get ready hold the rollout, which times out, and the next version repairs it", async () => {
  const { scheduler, setImage, sets, conditions, get } = await begin({ progressDeadlineSeconds: 10 });
  await setImage("web:2-never");
  await scheduler.advanceBy(60_000);
  assert.deepEqual(await sets(), ["web:1 3/3", "web:2-never 1/0"]);
  assert.deepEqual(await conditions(), [
    "Available True MinimumReplicasAvailable",
    "Progressing False ProgressDeadlineExceeded",
  ]);
  const late = (await get()).status?.conditions?.find(({ type }) => type === "Progressing");
  assert.match(late?.message ?? "", /^ReplicaSet "web-[a-z0-9]+" has timed out progressing\.$/);
  await setImage("web:3");
  await scheduler.advanceBy(60_000);
  assert.deepEqual(await sets(), ["web:1 0/0", "web:2-never 0/0", "web:3 3/3"]);
  assert.equal((await conditions()).at(-1), "Progressing True NewReplicaSetAvailable");
});

test("Recreate lets every old pod go before the first new one comes", async () => {
  const { client, scheduler, setImage, sets } = await begin({ strategy: { type: "Recreate" } });
  const mixed: string[] = [];
  client.watch(
    Pod,
    { resourceVersion: "0" },
    {
      async event() {
        const images = (await client.list(Pod)).items.map(({ spec }) => spec.containers[0]?.image);
        if (new Set(images).size > 1) mixed.push(images.join());
      },
      close() {},
    },
  );
  await setImage("web:2");
  await scheduler.advanceBy(10_000);
  assert.deepEqual(await sets(), ["web:1 0/0", "web:2 3/3"]);
  assert.deepEqual(mixed, []);
});

test("a paused Deployment scales but does not roll out until it is resumed", async () => {
  const { scheduler, patch, setImage, sets, conditions } = await begin();
  await patch({ paused: true });
  await setImage("web:2");
  await patch({ replicas: 5 });
  await scheduler.advanceBy(10_000);
  assert.deepEqual(await sets(), ["web:1 5/5"]);
  assert.ok((await conditions()).includes("Progressing Unknown DeploymentPaused"));
  await patch({ paused: false });
  await scheduler.advanceBy(10_000);
  assert.deepEqual(await sets(), ["web:1 0/0", "web:2 5/5"]);
});

test("scaling amid a rollout shares the pods in proportion", async () => {
  const { client, scheduler, patch, setImage, sets } = await begin({ replicas: 10 });
  await setImage("web:2-never");
  await scheduler.advanceBy(5000);
  assert.deepEqual(await sets(), ["web:1 8/8", "web:2-never 5/0"]);
  await patch({ replicas: 20 });
  await scheduler.advanceBy(5000);
  assert.deepEqual(await sets(), ["web:1 15/15", "web:2-never 10/0"]);
  const { items } = await client.list(ReplicaSet);
  assert.ok(items.every(({ metadata }) => metadata.annotations?.[DESIRED_REPLICAS] === "20"));
  assert.ok(items.every(({ metadata }) => metadata.annotations?.[MAX_REPLICAS] === "25"));
});

test("a restart by template annotation replaces all pods", async () => {
  const { client, scheduler, patch } = await begin();
  const names = async () => (await client.list(Pod)).items.map(({ metadata }) => metadata.name);
  const before = await names();
  const annotations = { "kubectl.kubernetes.io/restartedAt": "2025-01-01T00:00:05Z" };
  await patch({ template: { metadata: { annotations } } });
  await scheduler.advanceBy(10_000);
  const after = await names();
  assert.equal(after.length, 3);
  assert.ok(after.every((name) => !before.includes(name)));
});

test("no more old ReplicaSets stay than the history limit allows", async () => {
  const { scheduler, setImage, sets } = await begin({ revisionHistoryLimit: 1, replicas: 1 });
  for (const version of [2, 3, 4]) {
    await setImage(`web:${version}`);
    await scheduler.advanceBy(10_000);
  }
  assert.deepEqual(await sets(), ["web:3 0/0", "web:4 1/1"]);
});

test("a taken name makes another hash", async () => {
  const first = await begin();
  const [taken] = (await first.client.list(ReplicaSet)).items;
  assert.ok(taken);
  const cluster = await simulatedCluster();
  const { ownerReferences: _, ...metadata } = taken.metadata;
  await cluster.client.create(ReplicaSet, {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name: metadata.name, namespace: "default" },
    spec: {
      replicas: 0,
      selector: { matchLabels: { other: "yes" } },
      template: { metadata: { labels: { other: "yes" } }, spec: { containers: [{ name: "x", image: "x" }] } },
    },
  });
  await cluster.client.create(Deployment, deployment());
  await cluster.scheduler.advanceBy(5000);
  const { get, sets } = looks(cluster);
  assert.equal((await get()).status?.collisionCount, 1);
  assert.ok((await sets()).includes("web:1 3/3"));
});
