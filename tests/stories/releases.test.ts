import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { EvidencePackage } from "@tracegate/evidence";
import { missingTools } from "../support/tools.ts";
import { finish, temporaryState, tracegate } from "../support/tracegate.ts";

const skip = missingTools("git", "curl", "unshare", "ip");

test("a slow release is refused by the latency gate and taken back", { skip }, async (t) => {
  const state = temporaryState();
  t.after(() => state.remove());
  const { code, output } = await finish(
    tracegate("demo", "--release", "slow", "--exit", "--ports", "free", "--state", join(state.path, "s")),
  );
  assert.equal(code, 1, output);
  const evidence = evidenceOf(join(state.path, "s"));
  assert.equal(evidence.verdict, "no-go");
  assert.equal(outcomeOf(evidence, "latency-p95-lt-1s"), "fail");
  assert.notEqual(outcomeOf(evidence, "error-rate-lt-5-percent"), "fail");
});

test("the job at the source's pace ends with the same verdict", { skip }, async (t) => {
  const state = temporaryState();
  t.after(() => state.remove());
  const { code, output } = await finish(
    tracegate("demo", "--timing", "source", "--exit", "--ports", "free", "--state", join(state.path, "s")),
  );
  assert.equal(code, 0, output);
  assert.equal(evidenceOf(join(state.path, "s")).verdict, "go");
});

const evidenceOf = (state: string) =>
  JSON.parse(
    readFileSync(join(state, "evidence", "hotrod", "hotrod", "2", "1", "evidence.json"), "utf8"),
  ) as EvidencePackage;

const outcomeOf = ({ gates }: EvidencePackage, name: string) =>
  gates.find(({ metric }) => metric === name)?.verdict.outcome;
