import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigMap, Deployment, Namespace, Pod, ServiceAccount } from "@tracegate/kube";
import { simulatedCluster } from "../../testing/index.ts";

const namespace: Namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "team" } };

test("a namespace gets its service account and root CA, also when they were deleted", async () => {
  const { client, scheduler } = await simulatedCluster();
  await client.create(Namespace, namespace);
  await scheduler.runUntilIdle();
  const account = { namespace: "team", name: "default" };
  await client.get(ServiceAccount, account);
  await client.get(ConfigMap, { namespace: "team", name: "kube-root-ca.crt" });
  await client.delete(ServiceAccount, account);
  await scheduler.runUntilIdle();
  await client.get(ServiceAccount, account);
});

test("a deleted namespace is emptied and goes when the last finalizer in it has gone", async () => {
  const { client, scheduler } = await simulatedCluster();
  await client.create(Namespace, namespace);
  await scheduler.runUntilIdle();
  await client.create(Deployment, {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { namespace: "team", name: "web" },
    spec: {
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "web", image: "web:1" }] },
      },
    },
  });
  const held = { namespace: "team", name: "held" };
  await client.create(ConfigMap, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { ...held, finalizers: ["example.com/hold"] },
  });
  await scheduler.advanceBy(2000);
  await client.delete(Namespace, { name: "team" });
  await scheduler.advanceBy(10_000);
  assert.equal((await client.list(Pod, { namespace: "team" })).items.length, 0);
  const { status } = await client.get(Namespace, { name: "team" });
  assert.equal(
    status?.conditions?.find(({ type }) => type === "NamespaceContentRemaining")?.message,
    "Some resources are remaining: configmaps. has 1 resource instances",
  );
  assert.equal(
    status?.conditions?.find(({ type }) => type === "NamespaceFinalizersRemaining")?.message,
    "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances",
  );
  await client.patch(ConfigMap, held, { type: "merge", body: { metadata: { finalizers: null } } });
  await scheduler.advanceBy(5000);
  await assert.rejects(client.get(Namespace, { name: "team" }), /not found/);
});
