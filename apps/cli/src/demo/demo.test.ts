import assert from "node:assert/strict";
import { test } from "node:test";
import { type AnalysisRun, crds as analysisKinds } from "@tracegate/analysis";
import { createApi, embeddedClient } from "@tracegate/apiserver";
import { VirtualScheduler } from "@tracegate/controller-runtime";
import { crds as gitopsKinds } from "@tracegate/gitops";
import { CustomResourceDefinition } from "@tracegate/kube";
import { type Rollout, crds as rolloutKinds } from "@tracegate/rollouts";
import { memoryStore } from "@tracegate/store";
import { progressLines } from "./progress.ts";
import { outcomeAfter, type Snapshot, settledOn, whatHolds } from "./snapshot.ts";
import { watcher } from "./story.ts";

const rollout = (status: NonNullable<Rollout["status"]>): Rollout => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Rollout",
  metadata: { name: "hotrod", namespace: "hotrod", generation: 2 },
  spec: { strategy: { canary: { steps: [{ setWeight: 50 }, { setWeight: 100 }] } } },
  status: { observedGeneration: "2", ...status },
});
const snapshot = (parts: Partial<Snapshot>): Snapshot => ({
  applications: [],
  rollouts: [],
  replicaSets: [],
  pods: [],
  runs: [],
  ...parts,
});

test("a rollout has settled only when its newest version is the stable one and the newest spec was seen", () => {
  const healthy = { phase: "Healthy", stableRS: "a", currentPodHash: "a" } as const;
  assert.equal(settledOn(rollout(healthy)), "a");
  assert.equal(settledOn(rollout({ ...healthy, observedGeneration: "1" })), undefined);
  assert.equal(settledOn(rollout({ ...healthy, currentPodHash: "b" })), undefined);
  assert.equal(settledOn(undefined), undefined);
});

test("a release is refused once its canary is gone, promoted once it is stable, and open until then", () => {
  const aborted = { phase: "Degraded", abort: true, stableRS: "a", currentPodHash: "b" } as const;
  const canary = (replicas: number) => [
    {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: { name: "hotrod-b", namespace: "hotrod", labels: { "rollouts-pod-template-hash": "b" } },
      spec: { selector: {}, template: { spec: { containers: [] } } },
      status: { replicas },
    },
  ];
  assert.equal(outcomeAfter("a", rollout(aborted), canary(1)), undefined);
  assert.equal(outcomeAfter("a", rollout(aborted), canary(0)), "refused");
  const promoted = { phase: "Healthy", stableRS: "b", currentPodHash: "b" } as const;
  assert.equal(outcomeAfter("a", rollout(promoted), []), "promoted");
  const before = { phase: "Healthy", stableRS: "a", currentPodHash: "a" } as const;
  assert.equal(outcomeAfter("a", rollout(before), []), undefined);
});

test("progress tells each change and each measurement once", () => {
  const run = (values: string[]): AnalysisRun => ({
    apiVersion: "argoproj.io/v1alpha1",
    kind: "AnalysisRun",
    metadata: { name: "hotrod-b-2-1", namespace: "hotrod" },
    spec: { metrics: [] },
    status: {
      phase: "Running",
      metricResults: [
        {
          name: "traffic",
          phase: "Running",
          measurements: values.map((value) => ({
            phase: "Successful",
            value,
            finishedAt: "2026-01-01T00:00:00Z",
          })),
        },
      ],
    },
  });
  const first = snapshot({ runs: [run(["[1]"])] });
  const second = snapshot({ runs: [run(["[1]", "[2]"])] });
  assert.deepEqual(progressLines(undefined, first), [
    "analysis hotrod-b-2-1: Running",
    "measurement traffic 1: [1] Successful",
  ]);
  assert.deepEqual(progressLines(first, second), ["measurement traffic 2: [2] Successful"]);
  assert.deepEqual(progressLines(second, second), []);
});

test("what holds a release is told in the words of pods and applications", () => {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "hotrod-1" },
    spec: { containers: [] },
    status: {
      containerStatuses: [
        {
          name: "hotrod",
          image: "x",
          imageID: "",
          ready: false,
          restartCount: 0,
          state: { waiting: { reason: "ErrImagePull", message: "unknown image" } },
        },
      ],
    },
  };
  assert.deepEqual(whatHolds(snapshot({ pods: [pod] })), [
    "no Application has been generated",
    "pod hotrod-1, container hotrod: ErrImagePull: unknown image",
  ]);
});

test("who waits in vain is told what the machine lacks and what holds it, and where to look on", async () => {
  const api = createApi({ store: memoryStore(), clock: new VirtualScheduler(0) });
  const client = embeddedClient(api);
  for (const crd of [...analysisKinds, ...rolloutKinds, ...gitopsKinds])
    await client.create(CustomResourceDefinition, crd);
  let now = 0;
  const watching = watcher({
    client,
    clock: {
      now: () => now,
      after: async (ms) => {
        now += ms;
      },
    },
    namespaces: [],
    patienceMs: 1000,
    listener: { chapter: () => {}, look: () => {} },
    signal: new AbortController().signal,
    lacks: () => ["the disk is full"],
  });
  await assert.rejects(
    watching.until("better times", () => undefined),
    ({ message }: Error) => {
      assert.deepEqual(message.split("\n"), [
        "gave up after 1 s of waiting for better times:",
        "  the disk is full",
        "  no Application has been generated",
        "`tracegate status`, `kubectl describe` and `kubectl logs` tell more while the platform runs",
      ]);
      return true;
    },
  );
});

test("an analysis that has no phase yet is not told of", () => {
  const run = { apiVersion: "argoproj.io/v1alpha1", kind: "AnalysisRun", spec: { metrics: [] } };
  const before = { ...run, metadata: { name: "hotrod-b-2-1" }, status: { phase: "" } };
  const runs = [before as AnalysisRun]; // as the controller creates it
  assert.deepEqual(progressLines(undefined, snapshot({ runs })), []);
});
