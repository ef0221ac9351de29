import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { normalDiff } from "./normal-diff.ts";

test("changes, additions and deletions are told as diff tells them", () => {
  assert.equal(normalDiff("a\nb\nc\n", "a\nB\nc\n"), "2c2\n< b\n---\n> B\n");
  assert.equal(normalDiff("a\nc\n", "a\nb\nc\n"), "1a2\n> b\n");
  assert.equal(normalDiff("a\nb\nc\nd\n", "a\nd\n"), "2,3d1\n< b\n< c\n");
  assert.equal(normalDiff("", "a\n"), "0a1\n> a\n");
  assert.equal(normalDiff("a\n", "a\n"), "");
});

test("patch makes the one text of the other with it", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "tracegate-diff-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  if (spawnSync("patch", ["--version"]).status !== 0 && process.env["CI"] !== "true") {
    console.error("SKIPPED, not tested here: needs patch on the PATH");
    return t.skip("needs patch on the PATH");
  }
  const text = fc
    .array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 12 })
    .map((lines) => lines.map((line) => `${line}\n`).join(""));
  fc.assert(
    fc.property(text, text, (before, after) => {
      const difference = normalDiff(before, after);
      if (before === after) return difference === "";
      writeFileSync(join(folder, "before"), before);
      const { stdout } = spawnSync("patch", ["--normal", "-s", "-o", "-", join(folder, "before")], {
        input: difference,
        encoding: "utf8",
      });
      return stdout === after;
    }),
    { numRuns: 40 },
  );
  return undefined;
});
