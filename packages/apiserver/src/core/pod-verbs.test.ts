import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { wallClock } from "@tracegate/contracts";
import {
  defineKind,
  isConflict,
  type KubeObject,
  Pod,
  type ResourceClient,
  StatusError,
} from "@tracegate/kube";
import { memoryStore } from "@tracegate/store";
import { embeddedClient } from "../embedded-client.ts";
import { type Api, createApi } from "./api.ts";

interface Budget extends KubeObject {
  spec: object;
  status?: object;
}
const PodDisruptionBudget = defineKind<Budget>("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets");

let api: Api;
let client: ResourceClient;
const at = { namespace: "default", name: "p" };

beforeEach(async () => {
  api = createApi({ store: memoryStore(), clock: wallClock });
  client = embeddedClient(api);
  await client.create(Pod, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...at, labels: { app: "x" } },
    spec: { containers: [{ name: "c", image: "web:1", resources: { requests: { cpu: "1" } } }] },
  });
});

const change = (subresource: string, spec: object) =>
  client.patch(Pod, at, { type: "strategic", body: { spec } }, { subresource });
const refusal = (part: RegExp) => (error: unknown) =>
  error instanceof StatusError && part.test(error.message);

test("through ephemeralcontainers, containers for debugging are added and nothing else changes", async () => {
  const changed = await change("ephemeralcontainers", {
    containers: [{ name: "c", image: "other" }],
    ephemeralContainers: [{ name: "debug", image: "busybox" }],
  });
  assert.equal(changed.spec?.containers[0]?.image, "web:1");
  assert.equal(changed.metadata.generation, 2);
  const again = (container: object) => change("ephemeralcontainers", { ephemeralContainers: [container] });
  await assert.rejects(again({ name: "debug", image: "other" }), refusal(/"debug" may not be changed/));
  await assert.rejects(
    again({ name: "c", image: "busybox" }),
    refusal(/ephemeralContainers\[0\]\.name: Duplicate value: "c"/),
  );
  await assert.rejects(
    again({ name: "d2", image: "busybox", ports: [{ containerPort: 1 }] }),
    refusal(/\.ports: Forbidden: cannot be set for an Ephemeral Container/),
  );
});

test("through resize, containers get other resources, and the pod keeps its class", async () => {
  const resized = await change("resize", {
    containers: [{ name: "c", image: "other", resources: { requests: { cpu: "2" } } }],
  });
  assert.deepEqual(resized.spec?.containers[0]?.resources, { requests: { cpu: "2" } });
  assert.equal(resized.spec?.containers[0]?.image, "web:1");
  const limits = { cpu: "2", memory: "1Gi" };
  await assert.rejects(
    change("resize", { containers: [{ name: "c", resources: { limits, requests: limits } }] }),
    refusal(/Pod QOS Class may not change/),
  );
});

test("a pod is bound once, and that is no new generation", async () => {
  const binding = (node: string): KubeObject =>
    ({ apiVersion: "v1", kind: "Binding", metadata: { name: "p" }, target: { name: node } }) as KubeObject;
  api.bind(at, binding("node-1"), {});
  assert.equal((await client.get(Pod, at)).metadata.generation, 1);
  assert.throws(() => api.bind(at, binding("node-2"), {}), isConflict);
});

test("a running pod is evicted when its budget allows it", async () => {
  await client.patch(
    Pod,
    at,
    { type: "merge", body: { status: { phase: "Running" } } },
    { subresource: "status" },
  );
  await client.create(PodDisruptionBudget, {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: at,
    spec: { minAvailable: 1, selector: { matchLabels: { app: "x" } } },
  });
  const evict = () => api.evict(at, {});
  const cause = (error: unknown) =>
    error instanceof StatusError && error.status.details?.causes?.[0]?.message;
  assert.throws(evict, (error) => /still being processed/.test(String(cause(error))));
  const told = (disruptionsAllowed: number) =>
    client.patch(
      PodDisruptionBudget,
      at,
      {
        type: "merge",
        body: { status: { observedGeneration: 1, disruptionsAllowed, desiredHealthy: 1, currentHealthy: 1 } },
      },
      { subresource: "status" },
    );
  await told(0);
  assert.throws(evict, (error) => /needs 1 healthy pods and has 1 currently/.test(String(cause(error))));
  await told(1);
  evict();
  await assert.rejects(client.get(Pod, at), /not found/);
});
