import assert from "node:assert/strict";
import { test } from "node:test";
import { finalizersFor, planDeletion } from "./deletion-plan.ts";
import type { Manifest } from "./manifest.ts";
import type { Application } from "./types/application.ts";

const cascade = "resources-finalizer.argocd.argoproj.io";
const before = "pre-delete-finalizer.argocd.argoproj.io";
const after = "post-delete-finalizer.argocd.argoproj.io";

const application = (
  finalizers: readonly string[],
  more: { annotations?: object; syncOptions?: string[] } = {},
) =>
  ({
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: {
      name: "app",
      finalizers,
      annotations: more.annotations,
      deletionTimestamp: "2031-02-03T10:00:00Z",
    },
    spec: { project: "default", destination: {}, syncPolicy: { syncOptions: more.syncOptions } },
  }) as unknown as Application; // fields left undefined on purpose
const object = (
  kind: string,
  name: string,
  annotations: Record<string, string> = {},
  more: object = {},
): Manifest => ({
  apiVersion: kind === "Job" ? "batch/v1" : "v1",
  kind,
  metadata: { name, namespace: "ns", annotations },
  ...more,
});
const hook = (phase: string, more: object = {}, policy = "HookSucceeded") =>
  object(
    "Job",
    "hook",
    { "argocd.argoproj.io/hook": phase, "argocd.argoproj.io/hook-delete-policy": policy },
    more,
  );
const ended = (type: string) => ({ status: { conditions: [{ type, status: "True" }] } });
/** `delete a b`, `release finalizer`, … */
function next(finalizers: readonly string[], objects: Manifest[], hooks: Manifest[] = [], more = {}): string {
  const step = planDeletion({ application: application(finalizers, more), objects, hooks });
  if (step.do === "release") return `release ${step.finalizer}`;
  if (step.do === "create") return `create ${step.hooks.map(({ metadata }) => metadata.name).join(" ")}`;
  if (step.do !== "delete") return step.do;
  return `delete ${step.objects.map(({ metadata }) => metadata.name).join(" ")} ${step.propagationPolicy}`;
}

test("without a finalizer of ours nothing is touched", () => {
  assert.equal(next(["someone.else/finalizer"], [object("ConfigMap", "a")]), "nothing");
});

test("the highest wave goes first, and each is waited for", () => {
  const wave = (name: string, value: number, more = {}) => {
    const made = object("ConfigMap", name, { "argocd.argoproj.io/sync-wave": String(value) });
    return { ...made, metadata: { ...made.metadata, ...more } };
  };
  assert.equal(next([cascade], [wave("a", 1), wave("b", 2), wave("c", 2)]), "delete b c Foreground");
  assert.equal(next([`${cascade}/background`], [wave("a", 1)]), "delete a Background");
  assert.equal(
    next([cascade], [wave("a", 1), wave("b", 2, { deletionTimestamp: "2031-02-03T10:00:01Z" })]),
    "wait",
  );
  assert.equal(next([cascade], []), `release ${cascade}`);
});

test("what is kept does not hold the deletion up", () => {
  const kept = [
    object("CustomResourceDefinition", "crd"),
    object("ConfigMap", "a", { "argocd.argoproj.io/sync-options": "Delete=false" }),
    object("ConfigMap", "b", { "helm.sh/resource-policy": "keep" }),
  ];
  assert.equal(next([cascade], kept), `release ${cascade}`);
  assert.equal(
    next([cascade], [object("ConfigMap", "c")], [], { syncOptions: ["Delete=false"] }),
    `release ${cascade}`,
  );
});

test("what needs approval is deleted when it was given after the deletion was asked for", () => {
  const asking = [object("ConfigMap", "a", { "argocd.argoproj.io/sync-options": "Delete=confirm" })];
  const approved = (at: string) => ({ annotations: { "argocd.argoproj.io/deletion-approved": at } });
  assert.equal(next([cascade], asking), "wait");
  assert.equal(next([cascade], asking, [], approved("2031-02-03T09:59:59Z")), "wait");
  assert.equal(next([cascade], asking, [], approved("2031-02-03T10:00:00Z")), "delete a Foreground");
});

test("hooks run before and after the resources go", () => {
  const all = [before, `${before}/cleanup`, cascade, after, `${after}/cleanup`];
  const config = object("ConfigMap", "a");
  assert.equal(next(all, [config], [hook("PreDelete")]), "create hook");
  assert.equal(next(all, [config, hook("PreDelete")], [hook("PreDelete")]), "wait");
  assert.equal(
    next(all, [config, hook("PreDelete", ended("Failed"))], [hook("PreDelete")]),
    "wait",
    "it holds the deletion up",
  );
  assert.equal(
    next(all, [config, hook("PreDelete", ended("Complete"))], [hook("PreDelete")]),
    `release ${before}`,
  );
  assert.equal(next(all.slice(1), [config, hook("PreDelete", ended("Complete"))]), "delete hook Background");
  assert.equal(next(all.slice(1), [config]), `release ${before}/cleanup`);
  assert.equal(next(all.slice(2), [config]), "delete a Foreground");
  assert.equal(next(all.slice(3), [], [hook("PostDelete")]), "create hook");
  assert.equal(
    next(all.slice(3), [hook("PostDelete", ended("Failed"))], [hook("PostDelete")]),
    `release ${after}`,
  );
  const failed = hook("PostDelete", ended("Failed"));
  assert.equal(
    next(all.slice(4), [failed]),
    `release ${after}/cleanup`,
    "a failed hook stays to be looked at",
  );
  assert.equal(
    next(all.slice(4), [hook("PostDelete", ended("Failed"), "HookFailed")]),
    "delete hook Background",
  );
});

test("finalizers follow the hooks of the target state", () => {
  assert.deepEqual(finalizersFor(application([cascade]), [hook("PostDelete")]), [
    cascade,
    after,
    `${after}/cleanup`,
  ]);
  assert.deepEqual(finalizersFor(application([cascade, after, `${after}/cleanup`]), []), [cascade]);
  assert.equal(finalizersFor(application([cascade]), [hook("PreSync")]), undefined);
});
