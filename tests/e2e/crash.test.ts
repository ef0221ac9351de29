import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { AnalysisRun } from "@tracegate/analysis";
import type { EvidencePackage } from "@tracegate/evidence";
import type { Pod } from "@tracegate/kube";
import { kubectl, kubectlJson } from "../support/kubectl.ts";
import { missingTools } from "../support/tools.ts";
import { fileAt, temporaryState, tracegate } from "../support/tracegate.ts";

const skip = missingTools("git", "curl", "unshare", "ip", "kubectl");

for (const sandbox of [["namespaced"], ["plain", "--allow-host-commands"]]) {
  test(
    `a control plane killed in the middle of an analysis goes on where it was and reaches the same verdict (${sandbox[0]} sandbox)`,
    { skip },
    (t) => killAndGoOn(t, sandbox),
  );
}

async function killAndGoOn(t: TestContext, [kind = "", ...options]: readonly string[]): Promise<void> {
  const temporary = temporaryState();
  t.after(() => temporary.remove());
  const state = join(temporary.path, "s");
  const first = tracegate(
    ...["demo", "--timing", "test", "--ports", "free", "--state", state, "--sandbox", kind],
  );
  await first.seen(/measurement error-rate-lt-5-percent 1:/);
  first.process.kill("SIGKILL");
  await first.ended;

  const second = tracegate(...["up", "--ports", "free", "--state", state, "--sandbox", kind, ...options]);
  t.after(async () => {
    second.process.kill("SIGINT");
    await second.ended;
  });
  await second.seen(/Serving until Ctrl-C/);
  kubectl(
    state,
    "wait",
    "rollout/hotrod",
    "-n",
    "hotrod",
    "--for=jsonpath={.status.phase}=Healthy",
    "--timeout=60s",
  );

  const file = join(state, "evidence", "hotrod", "hotrod", "2", "1", "evidence.json");
  const evidence = JSON.parse(await fileAt(file)) as EvidencePackage;
  assert.equal(evidence.verdict, "go");
  assert.equal(evidence.judgement.outcome, "pass");
  const [run, ...others] = kubectlJson<{ items: AnalysisRun[] }>(
    state,
    "get",
    "analysisruns",
    "-n",
    "hotrod",
  ).items;
  assert.deepEqual(others, [], "the analysis is the one from before");
  for (const { name, measurements = [], count = 0, error = 0 } of run?.status?.metricResults ?? []) {
    // Errors are measurements that do not count; a busy machine may make the canary's first data late.
    assert.equal(count, 3, name);
    assert.equal(measurements.length, count + error, `${name}: no measurement is lost`);
    const starts = new Set(measurements.map(({ startedAt }) => startedAt));
    assert.equal(starts.size, measurements.length, `${name}: no measurement is doubled`);
  }
  // The pods never noticed: those of the release are new, all others are the ones from before, none was restarted.
  for (const { metadata, status } of kubectlJson<{ items: Pod[] }>(state, "get", "pods", "-A").items) {
    for (const { restartCount } of status?.containerStatuses ?? [])
      assert.equal(restartCount, 0, metadata.name);
  }
}
