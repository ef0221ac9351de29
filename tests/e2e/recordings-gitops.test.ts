import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { readGitOpsRecording, replayGitOps } from "../recordings/gitops.ts";

/** Scenarios in which we differ on purpose: why, and in which aspects. Everything else in them agrees. */
const differing: Readonly<Record<string, { why: string; in: readonly string[] }>> = {
  "hook-fails": {
    why: "the real one's retry finds the failed attempt's results again, so it deletes the hook, never runs it, and fails; ours runs it",
    in: [
      "Application hook-fails: operations",
      "Application hook-fails: resources",
      "Application hook-fails: images",
      "live",
    ],
  },
};

const names = readdirSync(new URL("../recordings/gitops", import.meta.url))
  .filter((file) => file.endsWith(".json"))
  .map((file) => file.replace(/\.json$/, ""));

for (const name of names) {
  const recording = readGitOpsRecording(name);
  const known = differing[name];
  test(`gitops/${name}: ${recording.about}${known === undefined ? "" : ` (but ${known.why})`}`, async () => {
    const differences = await replayGitOps(recording);
    if (known === undefined) assert.deepEqual(differences, []);
    else
      assert.deepEqual(
        differences.map((text) => known.in.find((aspect) => text.startsWith(aspect)) ?? text).sort(),
        [...known.in].sort(),
      );
  });
}
