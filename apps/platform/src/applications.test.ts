import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ProblemError } from "@tracegate/contracts";
import { temporaryDirectory } from "@tracegate/kubelet/testing";
import { readApplications } from "./applications.ts";

const dir = temporaryDirectory();
test.after(() => dir[Symbol.dispose]());

test("a file that is none, or holds anything else, is one problem with its name", () => {
  const laughs = Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`);
  for (const text of [
    ["a0: &a0 lol", ...laughs].join("\n"),
    "a: *nowhere\n",
    "[".repeat(20_000),
    "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n",
    "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: [x]}\n",
    "!!js/function 'x'",
  ]) {
    const file = join(dir.path, "a.yaml");
    writeFileSync(file, text);
    const told = (error: unknown) => error instanceof ProblemError && error.message.startsWith(`${file}: `);
    assert.throws(() => readApplications([file]), told, text.slice(0, 40));
  }
  assert.throws(() => readApplications([dir.path]), ProblemError);
});
