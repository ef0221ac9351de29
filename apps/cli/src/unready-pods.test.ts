import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerStatus, Event, Pod } from "@tracegate/kube";
import { unreadyPods } from "./unready-pods.ts";

const created = "2030-01-01T00:00:00Z";
const later = Date.parse("2030-01-01T00:01:00Z");

const pod = (name: string, container: Partial<ContainerStatus>): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name,
    namespace: "shop",
    uid: `uid-${name}`,
    creationTimestamp: created,
    ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "shop", uid: "rs" }],
  },
  spec: { containers: [] },
  status: {
    phase: "Running",
    containerStatuses: [
      { name: "shop", image: "shop:1", imageID: "", ready: false, restartCount: 0, ...container },
    ],
  },
});
const running = { state: { running: { startedAt: created } } };
const unhealthy = (name: string, message: string): Event => ({
  apiVersion: "v1",
  kind: "Event",
  metadata: { name: `${name}.1`, namespace: "shop" },
  involvedObject: { kind: "Pod", name, namespace: "shop", uid: `uid-${name}` },
  reason: "Unhealthy",
  message,
});

test("a program that listens elsewhere is asked after, once for all pods that say the same", () => {
  const events = ["a", "b"].map((name, index) =>
    unhealthy(
      name,
      `Readiness probe failed: dial tcp 10.244.0.${index + 4}:8080: connect: connection refused`,
    ),
  );
  assert.deepEqual(unreadyPods([pod("a", running), pod("b", running)], events, later), [
    "pod a (and 1 like it): Readiness probe failed: dial tcp 10.244.0.4:8080: connect: connection refused " +
      "(does its program listen on this port, on 0.0.0.0?); see: kubectl logs a -n shop",
  ]);
});

test("a program that ends is told with its exit code, an image that is not there with the node's words", () => {
  const crashing = {
    state: { waiting: { reason: "CrashLoopBackOff", message: "back-off 10s" } },
    lastState: { terminated: { exitCode: 3, reason: "Error" } },
  };
  const missing = { state: { waiting: { reason: "ImagePullBackOff", message: "no image x:1" } } };
  assert.deepEqual(unreadyPods([pod("a", crashing), pod("b", missing)], [], later), [
    "pod a: CrashLoopBackOff, its program ended with exit code 3; see: kubectl logs a -n shop",
    "pod b: ImagePullBackOff: no image x:1; see: kubectl describe pod b -n shop",
  ]);
});

test("pods that are ready, have just started or are ending have nothing to tell", () => {
  const events = ["a", "b", "c"].map((name) => unhealthy(name, "Readiness probe failed: x"));
  const ending = pod("c", running);
  const pods = [
    pod("a", { ...running, ready: true }),
    { ...ending, metadata: { ...ending.metadata, deletionTimestamp: created } },
  ];
  assert.deepEqual(unreadyPods(pods, events, later), []);
  assert.deepEqual(unreadyPods([pod("b", running)], events, Date.parse(created) + 2000), []);
});
