import assert from "node:assert/strict";
import { test } from "node:test";
import { objectives, type PlayedLevel, playLevel } from "../support/levels.ts";
import { missingTools } from "../support/tools.ts";

const skip = missingTools("git", "curl", "unshare", "ip", "kubectl");
const environments = ["staging", "prod"];
const verify = 'tracegate verify intermediate --state "$(dirname "$KUBECONFIG")"';

/** What each fault says, as the rollouts of both environments tell it. */
const symptoms = {
  "wrong-prometheus":
    'Metric "container-restarts" assessed Error due to consecutiveErrors (1) > consecutiveErrorLimit (0): ' +
    '"Error Message: Post "http://prom-server.prometheus.svc.cluster.local/api/v1/query": ' +
    'dial tcp: lookup prom-server.prometheus.svc.cluster.local on 10.96.0.10:53: no such host"',
  "inverted-condition": 'Metric "container-restarts" assessed Failed due to failed (1) > failureLimit (0)',
  "empty-query":
    'Metric "ready-containers" assessed Error due to consecutiveErrors (1) > consecutiveErrorLimit (0): ' +
    '"Error Message: bad_data: invalid parameter "query": 1:1: parse error: no expression found in input"',
} as const;
type Fault = keyof typeof symptoms;

/** Both environments still run 6.8.0, and say why. */
async function showsSymptom({ type, works }: PlayedLevel, fault: Fault) {
  for (const environment of environments) {
    const { code, out, err } = await type(
      `kubectl argo rollouts -n echo-${environment} status echo-server --timeout 60s`,
    );
    assert.equal(code, 1, out);
    assert.ok(err.includes(symptoms[fault]), err);
    const rollout = await works(`kubectl -n echo-${environment} get rollout echo-server -o yaml`);
    assert.match(rollout, /image: stefanprodan\/podinfo:6\.9\.3/);
    const stable = await works(
      `kubectl -n echo-${environment} get rollout echo-server -o jsonpath='{.status.stableRS}'`,
    );
    assert.match(
      await works(`kubectl -n echo-${environment} get replicaset echo-server-${stable} -o yaml`),
      /image: stefanprodan\/podinfo:6\.8\.0/,
    );
  }
}

/** What the level's readers type after a push. */
async function retry({ works, until }: PlayedLevel) {
  for (const environment of environments) {
    const attempt = `kubectl get analysisruns -n echo-${environment} -o name | wc -l`;
    const before = Number(await works(attempt));
    await works(`argocd app get echo-server-${environment} --refresh`);
    await until(`argocd app get echo-server-${environment}`, /^Sync Status: +Synced/m);
    await works(`kubectl argo rollouts retry rollout echo-server -n echo-${environment}`);
    // The release begins again from its first step, with an analysis of its own.
    await until(attempt, new RegExp(`^\\s*(?!${before}\\s)\\d+`));
  }
}

async function releasedAndVerified({ works, until }: PlayedLevel) {
  for (const environment of environments) {
    await until(
      `kubectl argo rollouts -n echo-${environment} status echo-server --timeout 60s`,
      /^Healthy\n$/m,
    );
    assert.match(
      await works(`kubectl argo rollouts get rollout echo-server -n echo-${environment}`),
      /stefanprodan\/podinfo:6\.9\.3 \(stable\)/,
    );
  }
  const { open, met } = objectives(await works(verify));
  assert.deepEqual([open, met.length], [[], 4]);
}

for (const fault of ["wrong-prometheus", "inverted-condition", "empty-query"] as const) {
  test(`${fault}: both environments are held with their reason, and released once it is mended`, {
    skip,
  }, async (t) => {
    const level = await playLevel(t, "intermediate", [fault]);
    await showsSymptom(level, fault);
    assert.equal((await level.type(verify)).code, 1);
    await level.mend(fault);
    await retry(level);
    await releasedAndVerified(level);
  });
}

test("all faults together, mended one by one as the walkthrough does", { skip }, async (t) => {
  const faults = ["wrong-prometheus", "inverted-condition", "empty-query"] as const;
  const level = await playLevel(t, "intermediate", faults);
  for (const fault of faults) {
    await showsSymptom(level, fault);
    await level.mend(fault);
    await retry(level);
  }
  await releasedAndVerified(level);
  // One analysis an attempt, numbered as the dashboard shows them.
  const runs = await level.works("kubectl get analysisruns -n echo-staging -o name");
  for (const attempt of ["2-1", "2-1.1", "2-1.2"]) assert.ok(runs.includes(`-${attempt}\n`), runs);
});
