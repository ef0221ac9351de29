import assert from "node:assert/strict";
import { test } from "node:test";
import type { Manifest } from "../manifest.ts";
import type { Application, OperationState, ResourceResult, ResourceStatus } from "../types/application.ts";
import { type AutoSyncInput, decideAutoSync, selfHealDelayMs } from "./auto-sync.ts";
import { phasesOf } from "./hooks.ts";
import { concludeRun, type PassPlan, planPass, recordOutcomes, type TaskOutcome } from "./pass.ts";
import { afterFailure, durationMs, retryAt, retryDelayMs } from "./retry.ts";
import { planTasks, type SyncTask } from "./tasks.ts";

const object = (
  kind: string,
  name: string,
  annotations: Record<string, string> = {},
  more: object = {},
): Manifest => ({
  apiVersion: { Deployment: "apps/v1", Job: "batch/v1" }[kind] ?? "v1",
  kind,
  metadata: { name, namespace: "ns", annotations },
  ...more,
});
const wave = (value: number) => ({ "argocd.argoproj.io/sync-wave": String(value) });
const hook = (phases: string, policy?: string) => ({
  "argocd.argoproj.io/hook": phases,
  ...(policy === undefined ? {} : { "argocd.argoproj.io/hook-delete-policy": policy }),
});
const tasksOf = (resources: { target?: Manifest; live?: Manifest }[], more: object = {}) =>
  planTasks({
    destinationNamespace: "shop",
    resources,
    hooks: resources.flatMap(({ target, live }) =>
      target === undefined
        ? []
        : phasesOf(target.metadata).map((phase) => ({ target, phase, ...(live && { live }) })),
    ),
    pruneLast: () => false,
    ...more,
  });
const names = (tasks: readonly SyncTask[]) =>
  tasks.map(
    ({ phase, wave: at, key, target }) => `${phase} ${at} ${key.kind}/${key.name}${target ? "" : " prune"}`,
  );

test("phases, then waves, then kinds, then names", () => {
  const tasks = tasksOf(
    [
      object("Deployment", "web"),
      object("ConfigMap", "z", wave(5)),
      object("ConfigMap", "a", wave(-1)),
      object("Job", "post", hook("PostSync")),
      object("Job", "pre", hook("PreSync")),
      object("Service", "web"),
      object("ConfigMap", "b"),
    ].map((target) => ({ target })),
  );
  assert.deepEqual(names(tasks), [
    "PreSync 0 Job/pre",
    "Sync -1 ConfigMap/a",
    "Sync 0 ConfigMap/b",
    "Sync 0 Service/web",
    "Sync 0 Deployment/web",
    "Sync 5 ConfigMap/z",
    "PostSync 0 Job/post",
  ]);
});

test("a namespace goes before what lives in it, prunes go in mirrored waves", () => {
  const namespace: Manifest = { apiVersion: "v1", kind: "Namespace", metadata: { name: "ns" } };
  assert.deepEqual(names(tasksOf([{ target: namespace }, { target: object("ConfigMap", "a", wave(-3)) }])), [
    "Sync -3 Namespace/ns",
    "Sync -3 ConfigMap/a",
  ]);
  const pruned = tasksOf([
    { live: object("ConfigMap", "first", wave(1)) },
    { live: object("ConfigMap", "last", wave(3)) },
  ]);
  assert.deepEqual(names(pruned), ["Sync 1 ConfigMap/last prune", "Sync 3 ConfigMap/first prune"]);
  assert.deepEqual(
    names(
      tasksOf([{ live: object("ConfigMap", "x") }, { target: object("ConfigMap", "y", wave(2)) }], {
        pruneLast: () => true,
      }),
    ),
    ["Sync 2 ConfigMap/y", "Sync 3 ConfigMap/x prune"],
  );
});

/** Applies whatever a plan names, as the shell would when all goes well. */
function succeed(plan: PassPlan): { phase: string; message: string; results: readonly ResourceResult[] } {
  if (plan.step === "wait") return { phase: "Running", ...plan };
  if (plan.step === "finish") return plan;
  const outcomes = plan.tasks.map(
    (task): TaskOutcome => ({
      task,
      status: "Synced",
      hookPhase: "Running",
      message: `${task.key.name} created`,
    }),
  );
  return succeed(concludeRun(plan, outcomes));
}

test("a sync of one wave succeeds without waiting for health", () => {
  const outcome = succeed(
    planPass({ tasks: tasksOf([{ target: object("Deployment", "web") }]), results: [], message: "" }),
  );
  assert.deepEqual([outcome.phase, outcome.message], ["Succeeded", "successfully synced (all tasks run)"]);
  assert.equal(outcome.results[0]?.hookPhase, "Running");
});

test("the next wave waits for the health of this one", () => {
  const web = object("Deployment", "web");
  const resources = [
    { target: object("ConfigMap", "a", wave(-1)) },
    { target: web },
    { target: object("ConfigMap", "z", wave(5)) },
  ];
  const first = succeed(planPass({ tasks: tasksOf(resources), results: [], message: "" }));
  assert.equal(first.message, "waiting for healthy state of apps/Deployment/web and 1 more resources");

  const progressing = { ...web, status: { observedGeneration: 0, replicas: 1, updatedReplicas: 1 } };
  const live = [
    { target: object("ConfigMap", "a", wave(-1)), live: object("ConfigMap", "a") },
    { target: web, live: progressing },
    { target: object("ConfigMap", "z", wave(5)) },
  ];
  const second = succeed(planPass({ tasks: tasksOf(live), results: first.results, message: first.message }));
  assert.equal(second.message, "waiting for healthy state of /ConfigMap/z");
  assert.equal(second.results[0]?.hookPhase, "Succeeded");

  const third = planPass({ tasks: tasksOf(live), results: second.results, message: second.message });
  assert.deepEqual(
    [third.step, third.step === "wait" && third.message],
    ["wait", "waiting for healthy state of apps/Deployment/web"],
  );
});

test("a failed hook runs the SyncFail hooks and then fails, once", () => {
  const pre = object("Job", "pre", hook("PreSync"));
  const onfail = object("Job", "onfail", hook("SyncFail"));
  const web = { target: object("Deployment", "web") };
  const first = succeed(
    planPass({ tasks: tasksOf([{ target: pre }, web, { target: onfail }]), results: [], message: "" }),
  );
  assert.equal(first.message, "waiting for completion of hook batch/Job/pre and 1 more hooks");

  const ended = (type: string, message: string) => ({
    status: { conditions: [{ type, status: "True", message }] },
  });
  const failedPre = { target: pre, live: { ...pre, ...ended("Failed", "boom") } };
  const second = succeed(
    planPass({
      tasks: tasksOf([failedPre, web, { target: onfail }]),
      results: first.results,
      message: first.message,
    }),
  );
  assert.deepEqual(
    [second.phase, second.message],
    ["Running", first.message],
    "the failure is told when its hooks have ended",
  );
  assert.deepEqual(
    second.results.map(({ name, status, hookPhase }) => [name, status, hookPhase]),
    [
      ["pre", undefined, "Failed"],
      ["onfail", "Synced", "Running"],
    ],
  );

  const done = [failedPre, web, { target: onfail, live: { ...onfail, ...ended("Complete", "fine") } }];
  const third = planPass({ tasks: tasksOf(done), results: second.results, message: second.message });
  assert.deepEqual(
    [third.step, third.step === "finish" && [third.phase, third.message]],
    ["finish", ["Failed", "one or more synchronization tasks completed unsuccessfully"]],
  );
});

test("hooks are deleted when the whole sync has succeeded, by their policy", () => {
  const pre = object("Job", "pre", hook("PreSync", "HookSucceeded"));
  const live = { ...pre, status: { conditions: [{ type: "Complete", status: "True", message: "done" }] } };
  const tasks = tasksOf([{ target: pre, live }]);
  const [task] = tasks;
  assert.ok(task);
  const results = recordOutcomes([], [{ task, status: "Synced", hookPhase: "Running", message: "" }]);
  const plan = planPass({ tasks, results, message: "" });
  assert.deepEqual(
    [plan.step, plan.step === "finish" && plan.message, plan.step === "finish" && plan.deleteHooks.length],
    ["finish", "successfully synced (no more tasks)", 1],
  );
});

test("an object that the API refuses fails the sync with its reason", () => {
  const plan = planPass({
    tasks: tasksOf([{ target: object("Deployment", "web") }]),
    results: [],
    message: "",
  });
  assert.ok(plan.step === "run");
  const [task] = plan.tasks;
  assert.ok(task);
  const end = concludeRun(plan, [
    { task, status: "SyncFailed", hookPhase: "Failed", message: "it is invalid" },
  ]);
  assert.deepEqual(
    [end.step, end.step === "finish" && end.message],
    ["finish", "one or more objects failed to apply, reason: it is invalid"],
  );
});

test("retries wait longer each time, and at last the failure stands", () => {
  const at = Date.UTC(2031, 1, 3, 21, 53, 4, 700);
  const state: OperationState = {
    operation: { sync: {}, retry: { limit: 1, backoff: { duration: "1s" } } },
    phase: "Failed",
    startedAt: "2031-02-03T21:53:00Z",
  };
  const again = afterFailure(state, "boom", at);
  assert.deepEqual([again.phase, again.retryCount], ["Running", 1]);
  assert.equal(
    again.message,
    "boom due to application controller sync timeout. Retrying attempt #1 at 9:53PM.",
  );
  assert.equal(retryAt(again), Date.UTC(2031, 1, 3, 21, 53, 6), "from the whole second, twice what is said");
  const last = afterFailure({ ...again, phase: "Failed" }, "boom", at);
  assert.deepEqual([last.phase, last.message], ["Failed", "boom (retried 1 times)."]);
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6].map((count) => retryDelayMs({ limit: 5 }, count) / 1000),
    [10, 20, 40, 80, 160, 180],
  );
  assert.deepEqual(
    ["5s", "1m30s", "7", "x", undefined].map((text) => durationMs(text, -1)),
    [5000, 90_000, 7000, -1, -1],
  );
});

const source = { repoURL: "file:///r", path: "app" };
function autoSync(changes: {
  automated?: object | null;
  state?: Partial<OperationState>;
  resources?: Partial<ResourceStatus>[];
  status?: AutoSyncInput["status"];
  revision?: string;
  now?: number;
}) {
  const {
    automated = { prune: true, selfHeal: true },
    state,
    resources = [{ status: "OutOfSync" }],
  } = changes;
  const application: Application = {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: { name: "a" },
    spec: {
      project: "default",
      source,
      destination: {},
      ...(automated === null ? {} : { syncPolicy: { automated } }),
    },
    ...(state === undefined
      ? {}
      : {
          status: {
            operationState: {
              operation: { sync: {} },
              phase: "Succeeded",
              startedAt: "2031-02-03T10:00:00Z",
              finishedAt: "2031-02-03T10:00:00Z",
              syncResult: { revision: "r1", source },
              ...state,
            },
          },
        }),
  };
  return decideAutoSync({
    application,
    status: changes.status ?? "OutOfSync",
    revision: changes.revision ?? "r1",
    source,
    resources: resources.map((resource) => ({ version: "v1", kind: "ConfigMap", name: "c", ...resource })),
    now: changes.now ?? Date.UTC(2031, 1, 3, 10, 0, 1),
  });
}

test("whether to synchronise by itself", () => {
  const what = (changes: Parameters<typeof autoSync>[0]) => autoSync(changes).do;
  assert.equal(what({ automated: null }), "nothing");
  assert.equal(what({ automated: { enabled: false } }), "nothing");
  assert.equal(what({ status: "Synced" }), "nothing");
  assert.equal(what({}), "start");
  assert.equal(
    what({ automated: {}, resources: [{ status: "OutOfSync", requiresPruning: true }] }),
    "nothing",
    "nothing but pruning, which is off",
  );
  assert.equal(what({ state: {}, revision: "r2" }), "start", "a new revision");
  assert.equal(what({ state: {}, automated: { prune: true } }), "nothing", "attempted, and no self-heal");
  assert.equal(what({ state: {} }), "start", "attempted, and self-heal");
  assert.equal(what({ state: { phase: "Running" } }), "nothing");
});

test("what failed or would wipe everything out is told instead of done", () => {
  assert.deepEqual(autoSync({ state: { phase: "Failed", message: "boom" } }), {
    do: "complain",
    message: "Failed sync attempt to r1: boom",
  });
  assert.deepEqual(autoSync({ resources: [{ status: "OutOfSync", requiresPruning: true }] }), {
    do: "complain",
    message: "Skipping sync attempt to r1: auto-sync will wipe out all resources",
  });
  assert.equal(
    autoSync({
      automated: { prune: true, allowEmpty: true },
      resources: [{ status: "OutOfSync", requiresPruning: true }],
    }).do,
    "start",
  );
});

test("self-heal syncs only what differs, and waits longer the more often it had to", () => {
  const state = { operation: { sync: { autoHealAttemptsCount: 1 } } };
  assert.deepEqual(autoSync({ state }), { do: "wait", ms: 1000 });
  const decision = autoSync({
    state,
    now: Date.UTC(2031, 1, 3, 10, 0, 2),
    resources: [
      { status: "OutOfSync", name: "x" },
      { status: "Synced", name: "y" },
    ],
  });
  assert.deepEqual(decision.do === "start" && decision.operation.sync, {
    revision: "r1",
    prune: true,
    autoHealAttemptsCount: 2,
    resources: [{ kind: "ConfigMap", name: "x" }],
  });
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6, 9].map((count) => selfHealDelayMs(count) / 1000),
    [0, 2, 6, 18, 54, 162, 300, 300],
  );
});
