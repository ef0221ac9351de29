import assert from "node:assert/strict";
import { test } from "node:test";
import { crds as analysisCrds } from "@tracegate/analysis";
import { createApi, embeddedClient } from "@tracegate/apiserver";
import { VirtualScheduler } from "@tracegate/controller-runtime";
import { CustomResourceDefinition, Namespace, type ResourceClient } from "@tracegate/kube";
import { crds, Rollout } from "@tracegate/rollouts";
import { memoryStore } from "@tracegate/store";
import { runArgoRollouts } from "./program.ts";

async function world(): Promise<{ client: ResourceClient; scheduler: VirtualScheduler }> {
  const scheduler = new VirtualScheduler(Date.parse("2030-01-01T00:00:00Z"));
  const client = embeddedClient(createApi({ store: memoryStore(), clock: scheduler }));
  for (const crd of [...crds, ...analysisCrds]) await client.create(CustomResourceDefinition, crd);
  await client.create(Namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
  await client.create(Rollout, {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Rollout",
    metadata: { name: "web", namespace: "shop" },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: "web" } },
      strategy: { canary: { steps: [{ setWeight: 50 }] } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: {
          containers: [
            { name: "c", image: "web:1" },
            { name: "side", image: "side:1" },
          ],
        },
      },
    },
  });
  return { client, scheduler };
}

async function run(
  { client, scheduler }: Awaited<ReturnType<typeof world>>,
  ...argv: string[]
): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  let code: number | undefined;
  void runArgoRollouts(argv, {
    connect: () => ({ client, namespace: "shop", close: () => {} }),
    clock: scheduler,
    io: {
      out: (text) => {
        out += text;
      },
      err: (text) => {
        err += text;
      },
      env: {},
      cwd: "/",
      terminal: undefined,
      colour: false,
      signal: new AbortController().signal,
    },
  }).then((ended) => {
    code = ended;
  });
  await scheduler.advanceUntil(() => code !== undefined, scheduler.now() + 60_000);
  return { code: code ?? -1, out, err };
}

test("set image changes one container, or all", async () => {
  const here = await world();
  assert.deepEqual(await run(here, "set", "image", "web", "c=web:2"), {
    code: 0,
    out: 'rollout "web" image updated\n',
    err: "",
  });
  const images = async () => {
    const { spec } = await here.client.get(Rollout, { namespace: "shop", name: "web" });
    return spec.template?.spec.containers.map(({ image }) => image);
  };
  assert.deepEqual(await images(), ["web:2", "side:1"]);
  await run(here, "set", "image", "web", "*=all:3");
  assert.deepEqual(await images(), ["all:3", "all:3"]);
  const refused = await run(here, "set", "image", "web", "nope=x:1");
  assert.deepEqual([refused.code, refused.err], [1, 'Error: unable to find container named "nope"\n']);
});

test("what does not exist is told in the words of the original", async () => {
  const here = await world();
  assert.deepEqual(await run(here, "get", "rollout", "nope"), {
    code: 1,
    out: "",
    err: 'Error: rollout.argoproj.io "nope" not found\n',
  });
  const none = await run(here, "list", "rollouts", "-n", "empty");
  assert.deepEqual(none, { code: 0, out: "", err: "No resources found.\n" });
  const undone = await run(here, "undo", "web", "--to-revision=7");
  assert.deepEqual(undone.err, "Error: unable to find specified revision 7 in history\n");
});

test("status says what holds, or waits until its time is over", async () => {
  const here = await world();
  const ref = { namespace: "shop", name: "web" };
  const { metadata } = await here.client.get(Rollout, ref);
  const phase = (value: "Paused" | "Degraded", message: string) =>
    here.client.patch(
      Rollout,
      ref,
      {
        type: "merge",
        body: { status: { phase: value, message, observedGeneration: String(metadata.generation) } },
      },
      { subresource: "status" },
    );
  await phase("Paused", "CanaryPauseStep");
  const once = await run(here, "-n", "shop", "status", "web", "--watch=false");
  assert.deepEqual(once, { code: 0, out: "Paused - CanaryPauseStep\n", err: "" });
  const waited = await run(here, "status", "web", "--timeout", "2s");
  assert.deepEqual(waited, {
    code: 1,
    out: "Paused - CanaryPauseStep\n",
    err: "Error: Rollout status watch exceeded timeout\n",
  });
  await phase("Degraded", "it failed");
  assert.deepEqual(await run(here, "status", "web"), {
    code: 1,
    out: "Degraded\n",
    err: "Error: The rollout is in a degraded state with message: it failed\n",
  });
});

test("a version is printed without any server", async () => {
  let out = "";
  const code = await runArgoRollouts(["version", "--short"], {
    connect: () => assert.fail("no server is needed"),
    clock: new VirtualScheduler(0),
    io: {
      out: (text) => {
        out += text;
      },
      err: () => {},
      env: {},
      cwd: "/",
      terminal: undefined,
      colour: false,
      signal: new AbortController().signal,
    },
  });
  assert.equal(code, 0);
  assert.match(out, /^kubectl-argo-rollouts: v1\.9\.2\S*\n$/);
});
