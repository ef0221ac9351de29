import assert from "node:assert/strict";
import { test } from "node:test";
import type { Manifest } from "../manifest.ts";
import { resourceHealth, worstHealth } from "./health.ts";

type Case = [
  what: string,
  object: { apiVersion: string; kind: string; spec?: object; status?: object },
  health: string | undefined,
];
const apps = "apps/v1";
const argo = "argoproj.io/v1alpha1";
const condition = (type: string, status = "True", more: object = {}) => ({
  conditions: [{ type, status, message: "why", ...more }],
});

const cases: Case[] = [
  ["a ConfigMap has none", { apiVersion: "v1", kind: "ConfigMap" }, undefined],
  [
    "unobserved Deployment",
    { apiVersion: apps, kind: "Deployment", status: { observedGeneration: 1 } },
    "Progressing",
  ],
  ["paused Deployment", { apiVersion: apps, kind: "Deployment", spec: { paused: true } }, "Suspended"],
  [
    "Deployment past its deadline",
    {
      apiVersion: apps,
      kind: "Deployment",
      status: {
        observedGeneration: 2,
        ...condition("Progressing", "False", { reason: "ProgressDeadlineExceeded" }),
      },
    },
    "Degraded",
  ],
  [
    "Deployment with old pods",
    {
      apiVersion: apps,
      kind: "Deployment",
      spec: { replicas: 1 },
      status: { observedGeneration: 2, replicas: 2, updatedReplicas: 1, availableReplicas: 1 },
    },
    "Progressing",
  ],
  [
    "Deployment that is there",
    {
      apiVersion: apps,
      kind: "Deployment",
      spec: { replicas: 1 },
      status: { observedGeneration: 2, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
    },
    "Healthy",
  ],
  [
    "DaemonSet on the way",
    {
      apiVersion: apps,
      kind: "DaemonSet",
      status: {
        observedGeneration: 2,
        desiredNumberScheduled: 1,
        updatedNumberScheduled: 1,
        numberAvailable: 0,
      },
    },
    "Progressing",
  ],
  [
    "LoadBalancer without an address",
    { apiVersion: "v1", kind: "Service", spec: { type: "LoadBalancer" } },
    "Progressing",
  ],
  ["Service", { apiVersion: "v1", kind: "Service", spec: {} }, "Healthy"],
  ["running Job", { apiVersion: "batch/v1", kind: "Job", status: {} }, "Progressing"],
  ["failed Job", { apiVersion: "batch/v1", kind: "Job", status: condition("Failed") }, "Degraded"],
  [
    "pod that cannot be pulled",
    {
      apiVersion: "v1",
      kind: "Pod",
      status: {
        phase: "Pending",
        containerStatuses: [{ state: { waiting: { reason: "ImagePullBackOff" } } }],
      },
    },
    "Degraded",
  ],
  [
    "ready pod",
    { apiVersion: "v1", kind: "Pod", status: { phase: "Running", ...condition("Ready") } },
    "Healthy",
  ],
  [
    "unobserved Rollout",
    { apiVersion: argo, kind: "Rollout", status: { observedGeneration: "1", phase: "Healthy" } },
    "Progressing",
  ],
  [
    "paused Rollout",
    { apiVersion: argo, kind: "Rollout", status: { observedGeneration: "2", phase: "Paused" } },
    "Suspended",
  ],
  [
    "aborted Rollout",
    { apiVersion: argo, kind: "Rollout", status: { observedGeneration: "2", phase: "Degraded" } },
    "Degraded",
  ],
  [
    "inconclusive AnalysisRun",
    { apiVersion: argo, kind: "AnalysisRun", status: { phase: "Inconclusive" } },
    "Unknown",
  ],
  [
    "ApplicationSet in error",
    { apiVersion: argo, kind: "ApplicationSet", status: condition("ErrorOccurred") },
    "Degraded",
  ],
  ["CronJob", { apiVersion: "batch/v1", kind: "CronJob", spec: {}, status: {} }, undefined],
];

for (const [what, object, health] of cases) {
  test(`${what}: ${health ?? "no health"}`, () => {
    const live: Manifest = { ...object, metadata: { name: "x", generation: 2 } };
    assert.equal(resourceHealth(live)?.status, health);
  });
}

test("what is being deleted is on its way, unless it is a hook", () => {
  const metadata = { name: "x", deletionTimestamp: "2031-02-03T10:11:12Z" };
  assert.deepEqual(resourceHealth({ apiVersion: "v1", kind: "ConfigMap", metadata }), {
    status: "Progressing",
    message: "Pending deletion",
  });
  assert.equal(
    resourceHealth({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { ...metadata, finalizers: ["argocd.argoproj.io/hook-finalizer"] },
    }),
    undefined,
  );
});

test("the worst wins, nothing is healthy", () => {
  assert.equal(worstHealth([]), "Healthy");
  assert.equal(worstHealth(["Healthy", "Suspended", "Progressing"]), "Progressing");
  assert.equal(worstHealth(["Missing", "Degraded"]), "Degraded");
});
