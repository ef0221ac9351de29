import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { EvidencePackage } from "@tracegate/evidence";
import { leftBehind } from "../support/processes.ts";
import { missingTools } from "../support/tools.ts";
import { finish, start, temporaryState, tracegate } from "../support/tracegate.ts";

const skip = missingTools("git", "curl", "unshare", "ip");

test("npm start carries HotROD 1.76.0 from a commit to all of the traffic", { skip }, async (t) => {
  const state = temporaryState();
  t.after(() => state.remove());
  const { code, output } = await finish(
    start("npm", ["start", "--", "--exit", "--ports", "free", "--state", join(state.path, "s")]),
  );
  assert.equal(code, 0, output);
  assert.match(output, /HotROD 1\.75\.0 is healthy and serves the traffic/);
  assert.match(
    output,
    /GO +hotrod\/hotrod revision 2 \(jaegertracing\/example-hotrod:1\.76\.0\) takes all of the traffic/,
  );

  const directory = join(state.path, "s", "evidence", "hotrod", "hotrod", "2", "1");
  const evidence = JSON.parse(readFileSync(join(directory, "evidence.json"), "utf8")) as EvidencePackage;
  assert.equal(evidence.verdict, "go");
  assert.equal(evidence.judgement.outcome, "pass");
  assert.deepEqual(
    evidence.gates.map(({ metric, verdict }) => [metric, verdict.outcome]),
    [
      ["traffic-detection", "pass"],
      ["error-rate-lt-5-percent", "pass"],
      ["latency-p95-lt-1s", "pass"],
    ],
  );
  for (const { measurements, asked } of evidence.gates) {
    assert.equal(measurements.filter(({ phase }) => phase !== "Error").length, 3);
    // Asked of the canary's pods only.
    assert.match(
      asked.query ?? "",
      new RegExp(`(rollouts_pod_template_hash|hotrod_pod_hash)="${evidence.release.podTemplateHash}"`),
    );
  }
  assert.match(
    readFileSync(join(directory, "README.md"), "utf8"),
    /^# Go: hotrod\/hotrod revision 2, attempt 1/,
  );
  assert.deepEqual(leftBehind(state.path), []);
});

test("a release that fails requests is refused and taken back, and the exit code is 1", {
  skip,
}, async (t) => {
  const state = temporaryState();
  t.after(() => state.remove());
  // Deeper than a socket's path may be.
  const deep = join(state.path, ..."a-checkout-in-a-deep-place".split("-").map((part) => part.repeat(20)));
  assert.ok(deep.length > 108);
  const job = tracegate(
    "demo",
    "--release",
    "faulty",
    "--timing",
    "test",
    "--exit",
    "--ports",
    "free",
    "--state",
    deep,
  );
  const { code, output } = await finish(job);
  assert.equal(code, 1, output);
  assert.match(output, /NO-GO +hotrod\/hotrod revision 2 .* was taken back/);
  const file = join(deep, "evidence", "hotrod", "hotrod", "2", "1", "evidence.json");
  const evidence = JSON.parse(readFileSync(file, "utf8")) as EvidencePackage;
  assert.equal(evidence.verdict, "no-go");
  const gate = evidence.gates.find(({ metric }) => metric === "error-rate-lt-5-percent");
  assert.equal(gate?.verdict.outcome, "fail");
});
