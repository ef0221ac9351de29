import assert from "node:assert/strict";
import { test } from "node:test";
import { ControllerRevision, DaemonSet, Node, Pod } from "@tracegate/kube";
import { simulatedCluster } from "../../testing/index.ts";

const ref = { namespace: "default", name: "agent" };

const daemonSet: DaemonSet = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { ...ref },
  spec: {
    selector: { matchLabels: { app: "agent" } },
    template: {
      metadata: { labels: { app: "agent" } },
      spec: { containers: [{ name: "agent", image: "agent:1" }], terminationGracePeriodSeconds: 1 },
    },
  },
};

async function begin() {
  const { client, scheduler } = await simulatedCluster();
  const addNode = (name: string) =>
    client.create(Node, { apiVersion: "v1", kind: "Node", metadata: { name } });
  await addNode("other");
  await client.create(DaemonSet, daemonSet);
  await scheduler.advanceBy(2000);
  const pods = async () =>
    (await client.list(Pod)).items.map(({ spec }) => `${spec.nodeName} ${spec.containers[0]?.image}`).sort();
  const status = async () => (await client.get(DaemonSet, ref)).status;
  const setImage = (image: string) =>
    client.patch(DaemonSet, ref, {
      type: "strategic",
      body: { spec: { template: { spec: { containers: [{ name: "agent", image }] } } } },
    });
  return { client, scheduler, addNode, pods, status, setImage };
}

test("every node has one pod, also one that comes later", async () => {
  const { scheduler, addNode, pods, status } = await begin();
  assert.deepEqual(await pods(), ["other agent:1", "tracegate agent:1"]);
  await addNode("third");
  await scheduler.advanceBy(2000);
  assert.equal((await pods()).length, 3);
  const { observedGeneration, ...counters } = (await status()) ?? {};
  assert.ok(observedGeneration);
  assert.deepEqual(counters, {
    currentNumberScheduled: 3,
    numberMisscheduled: 0,
    desiredNumberScheduled: 3,
    numberReady: 3,
    updatedNumberScheduled: 3,
    numberAvailable: 3,
  });
});

test("an update replaces one pod at a time and keeps the former template as a revision", async () => {
  const { client, scheduler, pods, setImage } = await begin();
  await setImage("agent:2-never");
  await scheduler.advanceBy(20_000);
  const images = (await pods()).map((line) => line.split(" ")[1]).sort();
  assert.deepEqual(images, ["agent:1", "agent:2-never"]);
  await setImage("agent:3");
  await scheduler.advanceBy(20_000);
  assert.deepEqual(await pods(), ["other agent:3", "tracegate agent:3"]);
  const revisions = (await client.list(ControllerRevision)).items.map(({ revision }) => revision).sort();
  assert.deepEqual(revisions, [1, 2, 3]);
});
