import assert from "node:assert/strict";
import { test } from "node:test";
import type { Application } from "../types/application.ts";
import { renderApplication, renderHistory } from "./application.ts";
import { renderApplicationList } from "./application-list.ts";
import { renderTable } from "./table.ts";
import { renderTree } from "./tree.ts";

const source = { repoURL: "https://git.example/ops.git", path: "apps/billing", targetRevision: "HEAD" };
const billing: Application = {
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Application",
  metadata: { name: "billing", namespace: "argocd" },
  spec: {
    project: "default",
    source,
    destination: { server: "https://kubernetes.default.svc", namespace: "billing" },
    syncPolicy: { automated: { prune: true } },
  },
  status: {
    sync: { status: "OutOfSync", revision: `3f1c9ab${"0".repeat(33)}`, comparedTo: { destination: {} } },
    health: { status: "Degraded" },
    conditions: [{ type: "SyncError", message: "it failed", lastTransitionTime: "2031-02-03T10:11:12Z" }],
    resources: [
      { version: "v1", kind: "ConfigMap", namespace: "billing", name: "cfg", status: "Synced" },
      {
        group: "apps",
        version: "v1",
        kind: "Deployment",
        namespace: "billing",
        name: "api",
        status: "OutOfSync",
      },
    ],
    history: [
      {
        id: 0,
        revision: `3f1c9ab${"0".repeat(33)}`,
        source,
        deployStartedAt: "2031-02-03T10:11:10Z",
        deployedAt: "2031-02-03T10:11:12Z",
        initiatedBy: {},
      },
    ],
    operationState: {
      operation: {},
      phase: "Succeeded",
      startedAt: "2031-02-03T10:11:00Z",
      finishedAt: "2031-02-03T10:11:12Z",
      message: "done",
      syncResult: {
        revision: "3f1c9ab",
        resources: [
          {
            group: "batch",
            version: "v1",
            kind: "Job",
            namespace: "billing",
            name: "migrate",
            status: "Synced",
            hookType: "PreSync",
            hookPhase: "Succeeded",
            syncPhase: "PreSync",
            message: "Reached expected number of succeeded pods",
          },
          {
            group: "apps",
            version: "v1",
            kind: "Deployment",
            namespace: "billing",
            name: "api",
            status: "Synced",
            hookPhase: "Running",
            syncPhase: "Sync",
            message: "deployment.apps/api configured",
          },
        ],
      },
    },
  },
};

test("app get: the block, conditions, resources of the last sync first", () => {
  const health = new Map([["apps/Deployment/billing/api", { status: "Degraded" as const }]]);
  assert.equal(
    renderApplication(billing, { url: "https://cd.example/applications/billing", health }),
    `Name:               argocd/billing
Project:            default
Server:             https://kubernetes.default.svc
Namespace:          billing
URL:                https://cd.example/applications/billing
Source:
- Repo:             https://git.example/ops.git
  Target:           HEAD
  Path:             apps/billing
SyncWindow:         Sync Allowed
Sync Policy:        Automated (Prune)
Sync Status:        OutOfSync from HEAD (3f1c9ab)
Health Status:      Degraded

CONDITION  MESSAGE    LAST TRANSITION
SyncError  it failed  2031-02-03 10:11:12 +0000 UTC


GROUP  KIND        NAMESPACE  NAME     STATUS     HEALTH    HOOK     MESSAGE
batch  Job         billing    migrate  Succeeded  Synced    PreSync  Reached expected number of succeeded pods
apps   Deployment  billing    api      OutOfSync  Degraded           deployment.apps/api configured
       ConfigMap   billing    cfg      Synced                        
`,
  );
  assert.match(
    renderApplication(billing, { showOperation: true }),
    /\nPhase: +Succeeded\nStart: .*\nFinished: .*\nDuration: +12s\nMessage: +done\n/,
  );
});

test("app list and history", () => {
  assert.equal(
    renderApplicationList([billing]),
    `NAME            CLUSTER                         NAMESPACE  PROJECT  STATUS     HEALTH    SYNCPOLICY  CONDITIONS  REPO                         PATH          TARGET
argocd/billing  https://kubernetes.default.svc  billing    default  OutOfSync  Degraded  Auto-Prune  SyncError   https://git.example/ops.git  apps/billing  HEAD
`,
  );
  assert.ok(renderApplicationList([]).startsWith("NAME  CLUSTER"), "the header is printed even with no rows");
  assert.equal(
    renderHistory(billing),
    `SOURCE  https://git.example/ops.git
ID      DATE                           REVISION
0       2031-02-03 10:11:12 +0000 UTC  HEAD (3f1c9ab)
`,
  );
});

test("app get -o tree: what belongs to a resource stands below it", () => {
  const owned = (kind: string, name: string, owner: { kind: string; name: string }) => ({
    apiVersion: kind === "Pod" ? "v1" : "apps/v1",
    kind,
    metadata: { name, ownerReferences: [{ apiVersion: "apps/v1", uid: "1", ...owner }] },
    ...(kind === "Pod" ? { status: { phase: "Pending" } } : {}),
  });
  const set = { kind: "ReplicaSet", name: "api-1" };
  const lines = renderTree(billing, new Map(), [
    owned("Pod", "api-1-b", set),
    owned("Pod", "api-1-a", set),
    owned("ReplicaSet", "api-1", { kind: "Deployment", name: "api" }),
    owned("Pod", "other", { kind: "ReplicaSet", name: "other" }),
  ]);
  assert.deepEqual(
    lines.map((line) => line.split("  ")[0]?.trim() || line.trim().split("  ")[0]),
    [
      "KIND/NAME",
      "Job/migrate",
      "Deployment/api",
      "└─ReplicaSet/api-1",
      "├─Pod/api-1-a",
      "└─Pod/api-1-b",
      "ConfigMap/cfg",
    ],
  );
});

test("tabs and line ends within a cell begin cells and lines of their own, as in Go's tab writer", () => {
  const rows = [
    ["KIND", "NAME", "MESSAGE"],
    ["Role", "r", "reconciled\n\tmissing rules:\n\t\t{get}"],
    ["Service", "web", "created"],
  ];
  assert.deepEqual(renderTable(rows), [
    "KIND     NAME  MESSAGE",
    "Role     r     reconciled",
    "         missing rules:",
    "              {get}",
    "Service  web  created",
  ]);
});
