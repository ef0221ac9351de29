import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { ProblemError } from "@tracegate/contracts";
import { ownGit } from "./own-git.ts";

test("a machine without git is one problem, not an error of ours", async (t) => {
  const { PATH } = process.env;
  t.after(() => {
    process.env["PATH"] = PATH;
  });
  process.env["PATH"] = "/nowhere";
  await assert.rejects(ownGit(tmpdir(), "init"), (error) => {
    assert.ok(error instanceof ProblemError);
    assert.match(error.message, /^git is not installed/);
    return true;
  });
});
