import assert from "node:assert/strict";
import { test } from "node:test";
import { demo, outcomeOf } from "../support/demo.ts";
import { missingTools } from "../support/tools.ts";

const skip = missingTools("git", "curl", "unshare", "ip");

for (const sandbox of ["namespaced", "plain"]) {
  test(`in the ${sandbox} sandbox a slow release is refused by the latency gate and taken back`, {
    skip,
  }, async (t) => {
    const { code, output, evidence } = await demo(t, "--release", "slow", "--sandbox", sandbox);
    assert.equal(code, 1, output);
    assert.equal(evidence.verdict, "no-go");
    assert.equal(outcomeOf(evidence, "latency-p95-lt-1s"), "fail");
    assert.notEqual(outcomeOf(evidence, "error-rate-lt-5-percent"), "fail");
  });

  test(`in the ${sandbox} sandbox a faulty release is refused by the error gate at the usual pace`, {
    skip,
  }, async (t) => {
    const { code, output, evidence } = await demo(t, "--release", "faulty", "--sandbox", sandbox);
    assert.equal(code, 1, output);
    assert.equal(evidence.verdict, "no-go");
    assert.equal(outcomeOf(evidence, "error-rate-lt-5-percent"), "fail");
  });
}
