import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { readGitOpsRecording, replayGitOps } from "../recordings/gitops.ts";

/** Scenarios in which we differ, and why. */
const differing: Readonly<Record<string, string>> = {};

const names = readdirSync(new URL("../recordings/gitops", import.meta.url))
  .filter((file) => file.endsWith(".json"))
  .map((file) => file.replace(/\.json$/, ""));

for (const name of names) {
  const recording = readGitOpsRecording(name);
  const why = differing[name];
  test(`gitops/${name}: ${recording.about}`, { ...(why === undefined ? {} : { todo: why }) }, async () => {
    assert.deepEqual(await replayGitOps(recording), []);
  });
}
