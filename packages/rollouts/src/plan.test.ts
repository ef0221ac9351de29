import assert from "node:assert/strict";
import { test } from "node:test";
import type { AnalysisTemplate } from "@tracegate/analysis";
import type { ReplicaSet } from "@tracegate/kube";
import { RolloutWorld } from "../testing/rollout-world.ts";
import { planRollout } from "./plan.ts";
import { podTemplateHash, stepsHash } from "./pod-template-hash.ts";
import type { RolloutSnapshot } from "./snapshot.ts";
import { type CanaryStep, hashLabel, type Rollout, type RolloutStatus } from "./types.ts";

const now = Date.parse("2030-01-01T00:00:10Z");
const template = (image: string) => ({
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "web", image }] },
});
const hash = (image: string): string => podTemplateHash(template(image));
const steps: CanaryStep[] = [{ setWeight: 50 }, { pause: { duration: "5s" } }];

function rollout(
  image: string,
  status: RolloutStatus | undefined,
  spec: Partial<Rollout["spec"]> = {},
): Rollout {
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Rollout",
    metadata: {
      name: "web",
      namespace: "default",
      uid: "u",
      generation: 3,
      annotations: { "rollout.argoproj.io/revision": "2" },
    },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "web" } },
      template: template(image),
      strategy: { canary: { steps } },
      ...spec,
    },
    ...(status === undefined ? {} : { status }),
  };
}

function replicaSet(image: string, revision: number, size: number, available = size): ReplicaSet {
  const labels = { app: "web", [hashLabel]: hash(image) };
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `web-${hash(image)}`,
      namespace: "default",
      uid: image,
      labels,
      annotations: {
        "rollout.argoproj.io/revision": String(revision),
        "rollout.argoproj.io/desired-replicas": "2",
      },
    },
    spec: {
      replicas: size,
      selector: { matchLabels: labels },
      template: { ...template(image), metadata: { labels } },
    },
    status: { replicas: size, readyReplicas: available, availableReplicas: available },
  };
}

const snapshot = (of: Rollout, replicaSets: readonly ReplicaSet[]): RolloutSnapshot => ({
  rollout: of,
  replicaSets,
  foreignReplicaSets: [],
  services: new Map(),
  abandonedServices: [],
  templates: new Map(),
  clusterTemplates: new Map(),
  analysisRuns: [],
  pods: [],
});

const midway = (over: Partial<RolloutStatus> = {}): RolloutStatus => ({
  observedGeneration: "3",
  currentPodHash: hash("web:2"),
  stableRS: hash("web:1"),
  currentStepHash: stepsHash(steps),
  currentStepIndex: 0,
  replicas: 3,
  updatedReplicas: 1,
  ...over,
});

test("a new version gets an empty ReplicaSet, and nothing else in that pass", () => {
  const plan = planRollout(snapshot(rollout("web:1", undefined), []), now);
  assert.deepEqual(
    plan.actions.map((action) => action.do),
    ["createReplicaSet", "patchRollout"],
  );
  const [created] = plan.actions;
  assert.ok(created?.do === "createReplicaSet");
  assert.equal(created.replicaSet.spec.replicas, 0);
  assert.equal(created.replicaSet.metadata.name, `web-${hash("web:1")}`);
});

test("the weight step ends when both sides have their size, and not before the canary is available", () => {
  const waiting = planRollout(
    snapshot(rollout("web:2", midway()), [replicaSet("web:1", 1, 1), replicaSet("web:2", 2, 1, 0)]),
    now,
  );
  assert.equal(waiting.status.currentStepIndex, 0);
  const done = planRollout(
    snapshot(rollout("web:2", midway()), [replicaSet("web:1", 1, 1), replicaSet("web:2", 2, 1)]),
    now,
  );
  assert.equal(done.status.currentStepIndex, 1);
  assert.ok(done.events.some(({ message }) => message === "Rollout step 1/2 completed (setWeight: 50)"));
});

test("a pause asks to be woken at its end, counted from the whole second", () => {
  const paused = midway({
    currentStepIndex: 1,
    controllerPause: true,
    pauseConditions: [{ reason: "CanaryPauseStep", startTime: "2030-01-01T00:00:07Z" }],
  });
  const sets = [replicaSet("web:1", 1, 1), replicaSet("web:2", 2, 1)];
  const plan = planRollout(snapshot(rollout("web:2", paused), sets), now);
  assert.equal(plan.requeueAfterMs, 2000);
  assert.equal(plan.status.currentStepIndex, 1);
  assert.equal(planRollout(snapshot(rollout("web:2", paused), sets), now + 2000).status.currentStepIndex, 2);
});

test("an abort leads back to the stable version and stays until it is retried", () => {
  const plan = planRollout(
    snapshot(rollout("web:2", midway({ currentStepIndex: 1, abort: true })), [
      replicaSet("web:1", 1, 1),
      replicaSet("web:2", 2, 1),
    ]),
    now,
  );
  assert.equal(plan.status.phase, "Degraded");
  assert.equal(plan.status.message, "RolloutAborted: Rollout aborted update to revision 2");
  assert.equal(plan.status.currentStepIndex, 0);
  assert.deepEqual(plan.actions, [
    { do: "patchReplicaSet", name: `web-${hash("web:1")}`, body: { spec: { replicas: 2 } } },
  ]);
});

test("pauses are shown first; what the pass writes then is told from the conditions that it read", () => {
  const started = { type: "Progressing", status: "True" as const, reason: "ReplicaSetUpdated", message: "x" };
  const times = { lastUpdateTime: "2030-01-01T00:00:08Z", lastTransitionTime: "2030-01-01T00:00:08Z" };
  const paused = midway({
    currentStepIndex: 1,
    controllerPause: true,
    pauseConditions: [{ reason: "CanaryPauseStep", startTime: "2030-01-01T00:00:09Z" }],
    conditions: [{ ...started, ...times }],
    updatedReplicas: 0,
  });
  const sets = [replicaSet("web:1", 1, 1), replicaSet("web:2", 2, 1)];
  const { statusFirst, status } = planRollout(snapshot(rollout("web:2", paused), sets), now);
  const reasons = (of: RolloutStatus | undefined) =>
    (of?.conditions ?? []).map(({ type, reason }) => `${type} ${reason}`);
  assert.deepEqual(reasons(statusFirst), ["Progressing RolloutPaused", "Paused RolloutPaused"]);
  // A pod more is progress, and the list of conditions has no Paused: the next pass adds it again.
  assert.ok(!reasons(status).some((text) => text.startsWith("Paused")));
  assert.ok(reasons(status).includes("Progressing ReplicaSetUpdated"));
});

test("a new version of another size: the stable one follows at once, the new one in the next pass", () => {
  const healthy: RolloutStatus = { ...midway(), currentPodHash: hash("web:1"), currentStepIndex: 2 };
  const larger = rollout("web:2", healthy, { replicas: 4 });
  const { actions } = planRollout(snapshot(larger, [replicaSet("web:1", 1, 2)]), now);
  const desired = { metadata: { annotations: { "rollout.argoproj.io/desired-replicas": "4" } } };
  assert.deepEqual(
    actions.map((action) => action.do),
    ["createReplicaSet", "patchReplicaSet"],
  );
  assert.deepEqual(actions[1], { do: "patchReplicaSet", name: `web-${hash("web:1")}`, body: desired });
});

test("an analysis whose arguments cannot be looked up fails the pass and leaves the status alone", () => {
  const args = [{ name: "x", valueFrom: { fieldRef: { fieldPath: "spec.nothing" } } }];
  const asks: CanaryStep[] = [{ analysis: { templates: [{ templateName: "gate" }], args } }];
  const gate: AnalysisTemplate = {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "AnalysisTemplate",
    metadata: { name: "gate" },
    spec: {
      args: [{ name: "x" }],
      metrics: [{ name: "m", provider: { prometheus: { query: "{{args.x}}" } } }],
    },
  };
  const at = midway({ currentStepHash: stepsHash(asks) });
  const plan = planRollout(
    {
      ...snapshot(rollout("web:2", at, { strategy: { canary: { steps: asks } } }), [
        replicaSet("web:1", 1, 1),
        replicaSet("web:2", 2, 1),
      ]),
      templates: new Map([["gate", gate]]),
    },
    now,
  );
  assert.equal(plan.failure, "invalid path spec.nothing in rollout");
  assert.deepEqual(plan.status, at);
});

test("while broken pods of an older version take the room, a weight step counts as done", () => {
  const sets = [replicaSet("web:1", 1, 2), replicaSet("web:0", 2, 1, 0), replicaSet("web:2", 3, 0)];
  const plan = planRollout(snapshot(rollout("web:2", midway()), sets), now);
  assert.equal(plan.status.currentStepIndex, 1);
  assert.deepEqual(
    plan.events.map(({ reason }) => reason).filter((reason) => reason !== "RolloutUpdated"),
    ["ScalingReplicaSet", "RolloutStepCompleted", "RolloutNotCompleted"],
  );
});

test("nothing is promoted while the canary lacks a pod", () => {
  const atEnd = midway({ currentStepIndex: 2 });
  const lacking = planRollout(
    snapshot(rollout("web:2", atEnd), [replicaSet("web:1", 1, 1), replicaSet("web:2", 2, 2, 1)]),
    now,
  );
  assert.equal(lacking.status.stableRS, hash("web:1"));
  const full = planRollout(
    snapshot(rollout("web:2", atEnd), [replicaSet("web:1", 1, 1), replicaSet("web:2", 2, 2)]),
    now,
  );
  assert.equal(full.status.stableRS, hash("web:2"));
});

test("the same snapshot at the same time gives the same plan, and is not changed by planning", () => {
  const given = snapshot(rollout("web:2", midway()), [replicaSet("web:1", 1, 2), replicaSet("web:2", 2, 0)]);
  const copy = structuredClone(given);
  assert.deepEqual(planRollout(given, now), planRollout(given, now));
  assert.deepEqual(given, copy);
});

test("what is not supported is refused by name", () => {
  const routed = rollout("web:1", undefined, {
    strategy: {
      canary: { canaryService: "a", stableService: "b", trafficRouting: { nginx: { stableIngress: "web" } } },
    },
  });
  const plan = planRollout(snapshot(routed, []), now);
  assert.equal(plan.status.phase, "Degraded");
  assert.match(
    plan.status.message ?? "",
    /spec\.strategy\.canary\.trafficRouting: Forbidden: is not supported by this controller/,
  );
  assert.deepEqual(plan.actions, []);
});

test("a Service that the spec names no more is let go", () => {
  const world = new RolloutWorld({ strategy: { canary: {} } });
  const service = { apiVersion: "v1", kind: "Service", metadata: { name: "old" }, spec: {} };
  const { actions } = planRollout({ ...world.snapshot, abandonedServices: [service] }, world.now);
  assert.deepEqual(actions[0], {
    do: "patchService",
    name: "old",
    body: {
      metadata: { annotations: { "argo-rollouts.argoproj.io/managed-by-rollouts": null } },
      spec: { selector: { "rollouts-pod-template-hash": null } },
    },
  });
});
