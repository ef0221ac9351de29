import assert from "node:assert/strict";
import { test } from "node:test";
import { type KubeObject, Pod } from "@tracegate/kube";
import { simulatedCluster } from "../../testing/index.ts";
import { PersistentVolume, PersistentVolumeClaim } from "./controller.ts";

const place = { namespace: "default", name: "data" };

test("a claim that a pod uses stays until the pod has gone, a volume that nobody bound goes at once", async () => {
  const { client, scheduler } = await simulatedCluster();
  const request = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
  await client.create(PersistentVolumeClaim, {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: place,
    spec: request,
  } as KubeObject);
  await client.create(PersistentVolume, {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: "disk" },
    spec: { accessModes: ["ReadWriteOnce"], capacity: { storage: "1Gi" }, hostPath: { path: "/data" } },
  } as KubeObject);
  await client.create(Pod, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "default", name: "user" },
    spec: {
      containers: [{ name: "c", image: "web:1" }],
      volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }],
    },
  });
  await scheduler.advanceBy(1000);
  await client.delete(PersistentVolumeClaim, place);
  await client.delete(PersistentVolume, { name: "disk" });
  await scheduler.advanceBy(1000);
  const claim = await client.get(PersistentVolumeClaim, place);
  assert.deepEqual(claim.metadata.finalizers, ["kubernetes.io/pvc-protection"]);
  await assert.rejects(client.get(PersistentVolume, { name: "disk" }), /not found/);
  await client.delete(Pod, { namespace: "default", name: "user" });
  await scheduler.advanceBy(60_000);
  await assert.rejects(client.get(PersistentVolumeClaim, place), /not found/);
});
