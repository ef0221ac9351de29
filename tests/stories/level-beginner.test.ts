import assert from "node:assert/strict";
import { test } from "node:test";
import { objectives, type PlayedLevel, playLevel } from "../support/levels.ts";
import { missingTools } from "../support/tools.ts";

const skip = missingTools("git", "curl", "unshare", "ip", "kubectl");
const verify = 'tracegate verify beginner --state "$(dirname "$KUBECONFIG")"';
const apply = "kubectl apply -n argocd -f adventures/01-echoes-lost-in-orbit/beginner/manifests/appset.yaml";

async function appliedAndVerified({ type, works, until }: PlayedLevel) {
  assert.deepEqual(await type(apply), {
    code: 0,
    out: "applicationset.argoproj.io/echo-server configured\n",
    err: "",
  });
  for (const environment of ["staging", "prod"]) {
    await until(`argocd app get echo-server-${environment} --refresh`, /^Sync Status: +Synced/m);
    await works(`argocd app wait echo-server-${environment} --health --timeout 60`);
    await works(
      `kubectl rollout status deployment/echo-server-${environment} -n echo-${environment} --timeout=60s`,
    );
  }
  const checked = await works(verify);
  const { open, met } = objectives(checked);
  assert.deepEqual([open, met.length], [[], 4]);
  // As the course has it: its script, and the platform of the shell's kubeconfig.
  assert.equal(await works("adventures/01-echoes-lost-in-orbit/beginner/smoke-test.sh"), checked);
}

test("one name for two overlays: one Application is missing, and the ApplicationSet says why", {
  skip,
}, async (t) => {
  const level = await playLevel(t, "beginner", ["one-name"]);
  const said = "ApplicationSet echo-server contains applications with duplicate name: echo-server";
  assert.ok((await level.works("argocd appset get echo-server")).includes(said));
  assert.equal((await level.works("argocd app list -o name")).trim(), "argocd/echo-server");
  assert.ok((await level.type(verify)).out.includes(said));
  await level.mend("one-name");
  await appliedAndVerified(level);
});

test("one namespace for both: what asks for another one cannot be applied", { skip }, async (t) => {
  const level = await playLevel(t, "beginner", ["one-namespace"]);
  const { out } = await level.type(verify);
  assert.ok(objectives(out).open.includes("Each environment in a namespace of its own, and healthy"), out);
  assert.match(await level.works("argocd app get echo-server-prod"), /namespaces "echo-prod" not found/);
  await level.works("kubectl get deployment echo-server-staging -n echo");
  await level.mend("one-namespace");
  await appliedAndVerified(level);
});

test("no automation: nothing is deployed until somebody syncs, and nothing is put back", {
  skip,
}, async (t) => {
  const level = await playLevel(t, "beginner", ["no-automation"]);
  const { works, type, until } = level;
  assert.match(await works("argocd app list"), /echo-server-prod .* OutOfSync +Missing/);
  await works("argocd app sync echo-server-prod --timeout 60");
  await works("argocd app wait echo-server-prod --health --timeout 60");
  await works("kubectl scale deployment echo-server-prod -n echo-prod --replicas=1");
  await until("argocd app get echo-server-prod --refresh", /^Sync Status: +OutOfSync/m);
  assert.equal((await type(verify)).code, 1);
  await level.mend("no-automation");
  await appliedAndVerified(level);
  // Now what is changed by hand is put back.
  await works("kubectl scale deployment echo-server-prod -n echo-prod --replicas=1");
  await until("kubectl get deployment echo-server-prod -n echo-prod -o jsonpath='{.spec.replicas}'", /^2$/);
});

test("all faults together, mended one by one", { skip }, async (t) => {
  const faults = ["one-name", "one-namespace", "no-automation"];
  const level = await playLevel(t, "beginner", faults);
  for (const fault of faults) {
    assert.equal((await level.type(verify)).code, 1, fault);
    await level.mend(fault);
    if (fault !== faults.at(-1)) await level.works(apply);
  }
  await appliedAndVerified(level);
});
