import assert from "node:assert/strict";
import { test } from "node:test";
import type { Manifest } from "../manifest.ts";
import type { ResourceResult, SyncPhase } from "../types/application.ts";
import { phasesOf } from "./hooks.ts";
import {
  clearingMessage,
  concludeRun,
  type PassPlan,
  planPass,
  planTermination,
  recordOutcomes,
} from "./pass.ts";
import { planTasks, type SyncTask } from "./tasks.ts";

const versions: Record<string, string> = { StatefulSet: "apps/v1", Deployment: "apps/v1", Job: "batch/v1" };
const object = (
  kind: string,
  name: string,
  annotations: Record<string, string> = {},
  more: object = {},
): Manifest => ({
  apiVersion: versions[kind] ?? "v1",
  kind,
  metadata: { name, namespace: "ns", generation: 1, annotations },
  ...more,
});
const wave = (value: number) => ({ "argocd.argoproj.io/sync-wave": String(value) });
const hook = (phases: string, policy?: string) => ({
  "argocd.argoproj.io/hook": phases,
  ...(policy === undefined ? {} : { "argocd.argoproj.io/hook-delete-policy": policy }),
});
interface Pair {
  target?: Manifest;
  live?: Manifest;
}
const tasksOf = (pairs: readonly Pair[]): SyncTask[] =>
  planTasks({
    destinationNamespace: "shop",
    resources: pairs,
    hooks: pairs.flatMap(({ target, live }) =>
      target === undefined
        ? []
        : phasesOf(target.metadata).map((phase) => ({ target, phase, ...(live && { live }) })),
    ),
    pruneLast: () => false,
  });
const applied = (tasks: readonly SyncTask[]): readonly ResourceResult[] =>
  recordOutcomes(
    [],
    tasks.map((task) => ({
      task,
      status: "Synced",
      hookPhase: "Running",
      message: `${task.key.name} created`,
    })),
  );
const firstOf = (tasks: readonly SyncTask[], phase: SyncPhase) =>
  tasks.filter((task) => task.phase === phase);
const toRun = (plan: PassPlan): Extract<PassPlan, { step: "run" }> => {
  assert.ok(plan.step === "run", `the plan is to ${plan.step}`);
  return plan;
};
const conditions = (type: string, message: string) => ({
  status: { conditions: [{ type, status: "True", message }] },
});

test("a resource that became healthy or sick says why, where its health says anything", () => {
  const database = object("StatefulSet", "db");
  const ready = {
    ...database,
    spec: { replicas: 1, updateStrategy: { type: "RollingUpdate" } },
    status: {
      observedGeneration: 1,
      readyReplicas: 1,
      currentReplicas: 1,
      updateRevision: "r1",
      currentRevision: "r1",
    },
  };
  const web = object("Deployment", "web");
  const late = {
    ...web,
    status: {
      observedGeneration: 1,
      conditions: [{ type: "Progressing", reason: "ProgressDeadlineExceeded" }],
    },
  };
  const tasks = tasksOf([
    { target: database, live: ready },
    { target: web, live: late },
    { target: object("ConfigMap", "c", wave(1)) },
  ]);
  const plan = planPass({ tasks, results: applied(tasks.slice(0, 2)), message: "" });
  assert.ok(plan.step === "finish");
  assert.deepEqual(
    plan.results.map(({ name, hookPhase, message }) => [name, hookPhase, message]),
    [
      ["web", "Failed", 'Deployment "web" exceeded its progress deadline'],
      ["db", "Succeeded", "statefulset rolling update complete 1 pods at revision r1..."],
    ],
  );
  assert.equal(
    plan.message,
    "one or more synchronization tasks completed unsuccessfully",
    "none of them was refused",
  );
});

test("hooks that run say how far they are, and keep what they said when they have nothing new to say", () => {
  const target = object("Deployment", "migrate", hook("PreSync"));
  const going = { ...target, spec: { replicas: 1 }, status: { observedGeneration: 1 } };
  const tasks = tasksOf([{ target, live: going }]);
  const plan = planPass({ tasks, results: applied(tasks), message: "" });
  assert.equal(
    plan.results[0]?.message,
    "Waiting for rollout to finish: 0 out of 1 new replicas have been updated...",
  );
  assert.equal(plan.results[0]?.status, undefined);
  const done = tasksOf([
    {
      target,
      live: {
        ...going,
        status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
      },
    },
  ]);
  assert.match(
    planPass({ tasks: done, results: plan.results, message: "" }).results[0]?.message ?? "",
    /^Waiting for rollout/,
  );
});

test("what needs no applying is left out, but what was applied is waited for", () => {
  const web = object("Deployment", "web");
  const going = { ...web, spec: { replicas: 1 }, status: { observedGeneration: 1 } };
  const tasks = tasksOf([{ target: web, live: going }, { target: object("ConfigMap", "late", wave(1)) }]);
  const needless = (task: SyncTask) => task.key.name === "web";
  assert.deepEqual(
    toRun(planPass({ tasks, results: [], message: "", needless })).tasks.map(({ key }) => key.name),
    ["late"],
  );
  const waits = planPass({ tasks, results: applied(tasks.slice(0, 1)), message: "", needless });
  assert.deepEqual(
    [waits.step, waits.step === "wait" && waits.message],
    ["wait", "waiting for healthy state of apps/Deployment/web"],
  );
});

test("a wave with prunes that need approval does not begin without it", () => {
  const tasks = tasksOf([
    { live: object("ConfigMap", "a") },
    { live: object("ConfigMap", "b") },
    { target: object("ConfigMap", "c") },
  ]);
  const plan = planPass({ tasks, results: [], message: "", unapproved: () => true });
  assert.deepEqual(
    [plan.step, plan.step === "wait" && plan.message],
    ["wait", "Waiting for pruning confirmation of v1/ConfigMap/a and 1 more resources"],
  );
  assert.equal(planPass({ tasks, results: [], message: "", unapproved: () => false }).step, "run");
});

test("hooks of an earlier sync are named while they go only if they go by themselves at the end", () => {
  const plain = object("Job", "pre", hook("PreSync"));
  const tidy = object("Job", "tidy", hook("PreSync", "BeforeHookCreation,HookSucceeded"));
  const message = (target: Manifest) =>
    clearingMessage(
      toRun(planPass({ tasks: tasksOf([{ target, live: target }]), results: [], message: "" })),
    );
  assert.equal(message(plain), "one or more tasks are running");
  assert.equal(message(tidy), "waiting for deletion of batch/Job/tidy");
});

test("failure hooks that are refused are told on a second line", () => {
  const tasks = tasksOf([
    { target: object("Deployment", "web") },
    { target: object("Job", "undo", hook("SyncFail")) },
  ]);
  const outcome = (task: SyncTask, message: string) =>
    ({ task, status: "SyncFailed", hookPhase: "Failed", message }) as const;
  const refused = toRun(
    concludeRun(
      toRun(planPass({ tasks, results: [], message: "" })),
      firstOf(tasks, "Sync").map((task) => outcome(task, "no")),
    ),
  );
  const end = concludeRun(
    refused,
    firstOf(tasks, "SyncFail").map((task) => outcome(task, "never")),
  );
  assert.deepEqual(
    [end.step, end.message],
    [
      "finish",
      "one or more objects failed to apply, reason: no\none or more SyncFail hooks failed, reason: never",
    ],
  );
});

test("termination deletes the hooks that run and tells how the others ended", () => {
  const slow = object("Job", "slow", hook("PreSync"));
  const done = object("Job", "done", hook("PreSync"));
  const tasks = tasksOf([
    { target: slow, live: slow },
    { target: done, live: { ...done, ...conditions("Complete", "fine") } },
  ]);
  const plan = planTermination(tasks, applied(tasks));
  assert.deepEqual(
    plan.deleteHooks.map(({ key }) => key.name),
    ["slow"],
  );
  assert.deepEqual(
    plan.results.map(({ name, hookPhase, message }) => [name, hookPhase, message]),
    [
      ["done", "Succeeded", "fine"],
      ["slow", "Succeeded", "Deleted"],
    ],
  );
});
