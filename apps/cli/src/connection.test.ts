import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { claimStateDirectory, stateDirectory } from "@tracegate/platform";
import { stateMeant } from "./connection.ts";

test("from any directory, $KUBECONFIG names the platform, unless one runs here or another is named", (t) => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "tracegate-meant-")));
  const cwd = process.cwd();
  t.after(() => {
    process.chdir(cwd);
    rmSync(root, { recursive: true });
  });
  const elsewhere = stateDirectory(join(root, "lab", ".tracegate"));
  const env = { KUBECONFIG: elsewhere.kubeconfig };
  mkdirSync(join(root, "here"));
  process.chdir(join(root, "here"));
  const here = join(root, "here", ".tracegate");

  assert.equal(stateMeant(".tracegate", { env }).root, here, "no platform runs there");
  claimStateDirectory(elsewhere);
  assert.equal(stateMeant(".tracegate", { env }).root, elsewhere.root);
  assert.equal(stateMeant(".tracegate", { env: {} }).root, here);
  assert.equal(stateMeant("other", { env }).root, join(root, "here", "other"));
  assert.equal(stateMeant(".tracegate", { env: { KUBECONFIG: join(root, "config") } }).root, here);
  claimStateDirectory(stateDirectory(here));
  assert.equal(stateMeant(".tracegate", { env }).root, here, "one runs here");
});
