import assert from "node:assert/strict";
import { test } from "node:test";
import { differenceLine } from "../recordings/difference.ts";
import { listedDifferences, unlisted } from "../recordings/differences.ts";
import { recordingsFolder } from "../recordings/files.ts";
import { runGitOps } from "../recordings/gitops.ts";

test("recorded Applications go the same way here, but for the listed differences", async (t) => {
  const listed = listedDifferences["gitops"] ?? {};
  const names = new Set<string>();
  for await (const { name, differences } of runGitOps(recordingsFolder, [])) {
    names.add(name);
    await t.test(`${name}${name in listed ? ` (but ${listed[name]?.why})` : ""}`, () => {
      const { unexpected, gone } = unlisted(differences, listed[name]);
      assert.deepEqual(unexpected.map(differenceLine), []);
      assert.deepEqual(gone, [], "listed differences that are gone");
    });
  }
  for (const name of Object.keys(listed)) assert.ok(names.has(name), `${name} is listed and not recorded`);
});
