import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { ResourceClient } from "@tracegate/kube";
import { ownGit } from "../demo/own-git.ts";
import { timings } from "../demo/timing.ts";
import { levels } from "./index.ts";
import { createLevelRepository } from "./repository.ts";
import { undeployed } from "./undeployed.ts";

/** A cluster with these Applications. */
const holding = (...items: object[]) => ({
  client: {
    list: () =>
      Promise.resolve({ kind: "List", apiVersion: "v1", metadata: { resourceVersion: "1" }, items }),
  } as unknown as Pick<ResourceClient, "get" | "list">, // whatever is listed
});

test("changes that are not committed, and commits that are not pushed, are told of", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "tracegate-undeployed-"));
  t.after(() => rmSync(root, { recursive: true }));
  const { directory } = await createLevelRepository(join(root, "expert"), levels.expert, [], timings.source);
  const told = () => undeployed(holding(), directory);
  assert.deepEqual(await told(), []);

  const file = join(directory, levels.expert.path, "otel/config.yaml");
  appendFileSync(file, "# mended\n");
  assert.deepEqual(await told(), ["1 file is changed and not committed: git add, git commit, git push"]);
  await ownGit(directory, "commit", "--quiet", "-am", "Fix configuration");
  assert.deepEqual(await told(), ["1 commit is not pushed: git push"]);
  await ownGit(directory, "push", "--quiet");
  assert.deepEqual(await told(), []);

  assert.deepEqual(await undeployed(holding(), "/nowhere"), []);
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
  assert.deepEqual(await undeployed(holding(...applications), "/nowhere"), [
    "application unreadable: yaml: line 28: mapping values are not allowed",
    "application refused: one or more objects failed to apply",
  ]);
});
