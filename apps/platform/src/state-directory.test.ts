import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { processStart } from "./process-start.ts";
import { claimStateDirectory, publishRunning, runningPlatform, stateDirectory } from "./state-directory.ts";

function fresh(t: { after(body: () => void): void }) {
  const root = mkdtempSync(join(tmpdir(), "tracegate-state-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  return stateDirectory(join(root, "state"));
}

test("a claimed directory is private and says who runs on it until released", (t) => {
  const state = fresh(t);
  const claim = claimStateDirectory(state);
  publishRunning(state, { server: "https://127.0.0.1:6443", urls: {} });
  assert.equal(statSync(state.root).mode & 0o777, 0o700);
  assert.equal(statSync(join(state.root, "platform.json")).mode & 0o777, 0o600);
  assert.equal(runningPlatform(state)?.server, "https://127.0.0.1:6443");
  claim.release();
  assert.equal(runningPlatform(state), undefined);
});

test("an empty directory that others can read is closed to them, one with other things is refused", (t) => {
  const state = fresh(t);
  mkdirSync(state.root, { mode: 0o755 });
  claimStateDirectory(state).release();
  assert.equal(statSync(state.root).mode & 0o777, 0o700);
  chmodSync(state.root, 0o755);
  writeFileSync(join(state.root, "mine"), "");
  assert.throws(() => claimStateDirectory(state), /holds other things, and other users can read it/);
  assert.equal(statSync(state.root).mode & 0o777, 0o755);
  writeFileSync(state.apiDatabase, "");
  claimStateDirectory(state).release();
  assert.equal(statSync(state.root).mode & 0o777, 0o700);
});

test("the claim of a dead process counts for nothing, even where its number is in use again", (t) => {
  const state = fresh(t);
  claimStateDirectory(state);
  const file = join(state.root, "platform.json");
  const claim = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify({ ...claim, pid: 1, started: "never" }));
  assert.equal(runningPlatform(state), undefined);
  claimStateDirectory(state).release();
});

test("a directory on which another platform runs is refused with its process", (t) => {
  const state = fresh(t);
  claimStateDirectory(state);
  const file = join(state.root, "platform.json");
  const started = processStart(process.ppid);
  writeFileSync(file, JSON.stringify({ pid: process.ppid, started, server: "", urls: {} }));
  assert.throws(
    () => claimStateDirectory(state),
    new RegExp(`runs on this state directory already \\(process ${process.ppid}\\)`),
  );
});

test("a directory that cannot be made is one clear problem", (t) => {
  const state = fresh(t);
  const file = join(state.root, "..", "file");
  writeFileSync(file, "");
  chmodSync(file, 0o400);
  assert.throws(
    () => claimStateDirectory(stateDirectory(join(file, "state"))),
    /state directory cannot be written \(ENOTDIR\)/,
  );
});
