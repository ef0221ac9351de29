import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigMap, Deployment, defineKind, type KubeObject, Pod, ReplicaSet } from "@tracegate/kube";
import { simulatedCluster } from "../../testing/index.ts";
import { decide, type Node, type OwnerState } from "./ownership.ts";

const ref = { namespace: "default", name: "web" };

async function withDeployment() {
  const { client, scheduler } = await simulatedCluster();
  await client.create(Deployment, {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { ...ref },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "web", image: "web:1" }] },
      },
    },
  });
  await scheduler.advanceBy(2000);
  const left = async () => ({
    deployments: (await client.list(Deployment)).items.length,
    replicaSets: (await client.list(ReplicaSet)).items.length,
    pods: (await client.list(Pod)).items.length,
  });
  return { client, scheduler, left };
}

test("in the background the owner goes at once and what it owned after it", async () => {
  const { client, scheduler, left } = await withDeployment();
  await client.delete(Deployment, ref, { propagationPolicy: "Background" });
  assert.equal((await left()).deployments, 0);
  await scheduler.advanceBy(2000);
  assert.deepEqual(await left(), { deployments: 0, replicaSets: 0, pods: 0 });
});

test("in the foreground the owner goes last", async () => {
  const { client, scheduler, left } = await withDeployment();
  await client.delete(Deployment, ref, { propagationPolicy: "Foreground" });
  await scheduler.advanceBy(200);
  assert.deepEqual(await left(), { deployments: 1, replicaSets: 1, pods: 2 });
  await scheduler.advanceBy(2000);
  assert.deepEqual(await left(), { deployments: 0, replicaSets: 0, pods: 0 });
});

test("orphaned dependents stay and name no owner", async () => {
  const { client, scheduler, left } = await withDeployment();
  await client.delete(Deployment, ref, { propagationPolicy: "Orphan" });
  await scheduler.advanceBy(2000);
  assert.deepEqual(await left(), { deployments: 0, replicaSets: 1, pods: 2 });
  assert.equal((await client.list(ReplicaSet)).items[0]?.metadata.ownerReferences, undefined);
});

test("an object created with an owner that is not there is deleted", async () => {
  const { client, scheduler } = await simulatedCluster();
  await client.create(ConfigMap, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      namespace: "default",
      name: "lost",
      ownerReferences: [{ apiVersion: "apps/v1", kind: "Deployment", name: "none", uid: "no-such-uid" }],
    },
  });
  await scheduler.runUntilIdle();
  await assert.rejects(client.get(ConfigMap, { namespace: "default", name: "lost" }), /not found/);
});

test("what an object becomes follows from how its owners stand", () => {
  const node: Node = {
    kind: defineKind<KubeObject>("v1", "ConfigMap", "configmaps"),
    ref,
    uid: "self",
    owners: [],
    finalizers: [],
    isDeleting: false,
  };
  const table: [OwnerState[], boolean, string][] = [
    [[], false, "keep"],
    [["alive"], false, "keep"],
    [["gone", "unknown"], false, "keep"],
    [["alive", "gone", "waiting"], false, "drop-owners 1,2"],
    [["gone"], true, "delete Background"],
    [["waiting"], false, "delete Background"],
    [["waiting", "gone"], true, "delete Foreground"],
  ];
  for (const [states, hasDependents, expected] of table) {
    const owners = states.map((state, i) => ({ uid: String(i), state }));
    const decision = decide(node, owners, hasDependents);
    const detail =
      decision.do === "drop-owners"
        ? ` ${decision.uids}`
        : decision.do === "delete"
          ? ` ${decision.propagationPolicy}`
          : "";
    assert.equal(`${decision.do}${detail}`, expected);
  }
});
