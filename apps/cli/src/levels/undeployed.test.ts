import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createApi, embeddedClient } from "@tracegate/apiserver";
import { VirtualScheduler } from "@tracegate/controller-runtime";
import { crds } from "@tracegate/gitops";
import { CustomResourceDefinition, type ResourceClient, StatusError } from "@tracegate/kube";
import { memoryStore } from "@tracegate/store";
import { applyAppset } from "../demo/apply-appset.ts";
import { ownGit } from "../demo/own-git.ts";
import { timings } from "../demo/timing.ts";
import { levels } from "./index.ts";
import { createLevelRepository } from "./repository.ts";
import { undeployed } from "./undeployed.ts";

/** A cluster with these Applications. */
const holding = (...items: object[]) => ({
  client: {
    get: () => Promise.reject(new StatusError({ code: 404, reason: "NotFound" })),
    list: () =>
      Promise.resolve({ kind: "List", apiVersion: "v1", metadata: { resourceVersion: "1" }, items }),
  } as unknown as Pick<ResourceClient, "get" | "list">, // whatever is listed
});

test("changes that are not committed, and commits that are not pushed, are told of", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "tracegate-undeployed-"));
  t.after(() => rmSync(root, { recursive: true }));
  const { directory } = await createLevelRepository(join(root, "expert"), levels.expert, [], timings.source);
  const told = () => undeployed(holding(), directory, levels.expert.path);
  assert.deepEqual(await told(), []);

  const file = join(directory, levels.expert.path, "otel/config.yaml");
  appendFileSync(file, "# mended\n");
  assert.deepEqual(await told(), ["1 file is changed and not committed: git add, git commit, git push"]);
  await ownGit(directory, "commit", "--quiet", "-am", "Fix configuration");
  assert.deepEqual(await told(), ["1 commit is not pushed: git push"]);
  await ownGit(directory, "push", "--quiet");
  assert.deepEqual(await told(), []);

  assert.deepEqual(await undeployed(holding(), "/nowhere", ""), []);
});

test("a commit that GitOps cannot render or apply is told of with its reason, an earlier attempt is not", async () => {
  const application = (name: string, status: object) => ({ metadata: { name }, spec: {}, status });
  const failed = (revision: string) => ({
    sync: { status: "OutOfSync", revision: "b" },
    operationState: {
      phase: "Failed",
      message: "one or more objects failed to apply",
      syncResult: { revision },
    },
  });
  const applications = [
    application("unreadable", {
      sync: { status: "Unknown" },
      conditions: [
        { type: "ComparisonError", message: "yaml: line 28: mapping values are not allowed" },
        { type: "SharedResourceWarning", message: "no matter" },
      ],
    }),
    application("refused", failed("b")),
    application("tried-before", failed("a")),
    application("fine", { sync: { status: "Synced" } }),
  ];
  assert.deepEqual(await undeployed(holding(...applications), "/nowhere", ""), [
    "application unreadable: yaml: line 28: mapping values are not allowed",
    "application refused: one or more objects failed to apply",
  ]);
});

test("an ApplicationSet that was changed and not applied is told of with the command", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "tracegate-unapplied-"));
  t.after(() => rmSync(root, { recursive: true }));
  const { beginner } = levels;
  const { directory, appset } = await createLevelRepository(
    join(root, "beginner"),
    beginner,
    ["one-name"],
    timings.source,
  );
  const clock = new VirtualScheduler(0);
  const client = embeddedClient(createApi({ store: memoryStore(), clock }));
  for (const crd of crds) await client.create(CustomResourceDefinition, crd);
  await applyAppset(client, appset);
  const told = () => undeployed({ client }, directory, beginner.path);
  assert.deepEqual(await told(), []);

  const file = join(directory, beginner.path, "appset.yaml");
  writeFileSync(
    file,
    appset.replace("name: echo-server\n      labels", "name: echo-{{ path.basename }}\n      labels"),
  );
  assert.deepEqual(await told(), [
    "1 file is changed and not committed: git add, git commit, git push",
    `appset.yaml is changed and not applied: kubectl apply -n argocd -f ${beginner.path}/appset.yaml`,
  ]);
});
