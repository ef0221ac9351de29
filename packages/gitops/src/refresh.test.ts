import assert from "node:assert/strict";
import { test } from "node:test";
import { type RefreshHints, refreshLevel } from "./refresh.ts";
import type { Application } from "./types/application.ts";

const source = { repoURL: "https://git.example/a.git", path: "app" };
const destination = { server: "https://kubernetes.default.svc", namespace: "n" };
const compared: Application = {
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Application",
  metadata: { name: "a", namespace: "argocd" },
  spec: { project: "default", source, destination },
  status: { sync: { status: "Synced", comparedTo: { source, destination } } },
};
const level = (hints: RefreshHints, application: Application = compared) =>
  refreshLevel(application, { polledAt: 0, automated: true, ...hints }, 1000, 30_000);
const withSpec = (spec: Partial<Application["spec"]>): Application => ({
  ...compared,
  spec: { ...compared.spec, ...spec },
});

test("nothing is compared for a write that decides no comparison", () => {
  assert.equal(level({}), undefined);
  assert.equal(level({}, withSpec({ project: "other" })), undefined);
  assert.equal(level({}, withSpec({ syncPolicy: { syncOptions: ["Validate=false"] } })), undefined);
});

test("what was never looked at, and what the poll is due for, is compared with Git", () => {
  assert.equal(refreshLevel(compared, {}, 1000, 30_000), "latest");
  assert.equal(refreshLevel(compared, { polledAt: 0 }, 30_000, 30_000), "latest");
});

test("a change of a live object compares with what is known of Git", () => {
  assert.equal(level({ changed: true }), "recent");
});

test("another source asks the remote; another destination and other ignored differences ask Git", () => {
  assert.equal(level({}, withSpec({ source: { ...source, path: "other" } })), "forced");
  assert.equal(level({}, withSpec({ destination: { ...destination, namespace: "m" } })), "latest");
  assert.equal(level({}, withSpec({ ignoreDifferences: [{ kind: "ConfigMap" }] })), "latest");
});

test("automation that is switched on compares, as does the end of a wait; people are asked before all", () => {
  const automated = withSpec({ syncPolicy: { automated: {} } });
  assert.equal(level({ automated: false }, automated), "latest");
  assert.equal(level({ automated: true }, automated), undefined);
  assert.equal(level({ lookAgainAt: 1000 }), "latest");
  assert.equal(level({ lookAgainAt: 1001 }), undefined);
  const annotations = { "argocd.argoproj.io/refresh": "hard" };
  const asked = { ...compared, metadata: { ...compared.metadata, annotations } };
  assert.equal(level({ changed: true }, asked), "hard");
});
