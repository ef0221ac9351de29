import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ProblemError } from "@tracegate/contracts";
import { lendIdentity, ownGit } from "./own-git.ts";

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

test("who has told git no name can commit all the same; who has, commits by it", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "tracegate-git-"));
  const { GIT_CONFIG_GLOBAL, GIT_CONFIG_SYSTEM } = process.env;
  t.after(() => {
    rmSync(directory, { recursive: true });
    for (const [key, value] of Object.entries({ GIT_CONFIG_GLOBAL, GIT_CONFIG_SYSTEM }))
      if (value === undefined) delete process.env[key];
      else process.env[key] = value;
  });
  const config = join(directory, "config");
  process.env["GIT_CONFIG_GLOBAL"] = config;
  process.env["GIT_CONFIG_SYSTEM"] = "/dev/null";
  const author = async (name: string) => {
    const repository = join(directory, name);
    await ownGit(directory, "init", "--quiet", repository);
    await lendIdentity(repository);
    execFileSync("git", ["commit", "--quiet", "--allow-empty", "--message=x"], { cwd: repository });
    return ownGit(repository, "log", "--format=%an <%ae>");
  };
  writeFileSync(config, "");
  assert.equal(await author("a"), "Reader <reader@tracegate.dev>");
  writeFileSync(config, "[user]\n  name = Ada\n  email = ada@example.com\n");
  assert.equal(await author("b"), "Ada <ada@example.com>");
});
