import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualScheduler } from "@tracegate/controller-runtime";
import { Rollout } from "@tracegate/rollouts";
import { capturedIo } from "../../testing/captured-io.ts";
import { shopWorld } from "../../testing/shop-world.ts";
import { runArgoRollouts } from "./program.ts";

async function run(
  { client, scheduler }: Awaited<ReturnType<typeof shopWorld>>,
  ...argv: string[]
): Promise<{ code: number; out: string; err: string }> {
  const io = capturedIo();
  let code: number | undefined;
  void runArgoRollouts(argv, {
    connect: () => ({ client, namespace: "shop", close: () => {} }),
    clock: scheduler,
    io,
  }).then((ended) => {
    code = ended;
  });
  await scheduler.advanceUntil(() => code !== undefined, scheduler.now() + 60_000);
  return { code: code ?? -1, ...io.written };
}

test("set image changes one container, or all", async () => {
  const here = await shopWorld();
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
  const here = await shopWorld();
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
  const here = await shopWorld();
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
  assert.equal((await run(here, "status", "web", "-w=false")).out, "Degraded\n");
  assert.deepEqual(await run(here, "status", "web"), {
    code: 1,
    out: "Degraded - it failed\n",
    err: "Error: The rollout is in a degraded state with message: it failed\n",
  });
});

test("a line without a command, or with too few arguments, is answered by its usage", async () => {
  const here = await shopWorld();
  for (const [argv, usage] of [
    [["get"], "get <rollout|experiment> RESOURCE_NAME [flags]"],
    [["get", "rollout"], "get rollout ROLLOUT_NAME [flags]"],
    [["set", "image", "web", "c"], "set image ROLLOUT_NAME CONTAINER=IMAGE [flags]"],
    [["lint"], "lint [flags]"],
    [[], "COMMAND [flags]"],
  ] as const) {
    const { code, out, err } = await run(here, ...argv);
    assert.deepEqual([code, out], [1, ""]);
    assert.ok(err.startsWith(`Usage:\n  kubectl-argo-rollouts ${usage}\n`), err);
  }
  const unknown = await run(here, "gett");
  assert.match(unknown.err, /^Error: unknown command "gett" .*\n\nDid you mean this\?\n\tget\n\tset\n\nRun /);
});

test("columns of a list have room for what comes later", async () => {
  const here = await shopWorld();
  const { out } = await run(here, "list", "ro", "-A");
  assert.equal(
    out,
    "NAMESPACE  NAME        STRATEGY   STATUS        STEP  SET-WEIGHT  READY  DESIRED  UP-TO-DATE  AVAILABLE\n" +
      "shop       web         Canary     Progressing   -     50          0/0    1        0           0        \n",
  );
});

test("a watched list prints a line for each change", async () => {
  const { client, scheduler } = await shopWorld();
  const ref = { namespace: "shop", name: "web" };
  const stop = new AbortController();
  const io = capturedIo(stop.signal);
  const lines = () => io.written.out.trimEnd().split("\n");
  let ended: number | undefined;
  void runArgoRollouts(["list", "ro", "-w"], {
    connect: () => ({ client, namespace: "shop", close: () => {} }),
    clock: scheduler,
    io,
  }).then((code) => {
    ended = code;
  });
  await scheduler.advanceUntil(() => lines().length === 2, scheduler.now() + 60_000);
  for (const [replicas, label] of [[2], [2, "unseen"], [3]] as const) {
    const metadata = label === undefined ? {} : { labels: { a: label } };
    await client.patch(Rollout, ref, { type: "merge", body: { metadata, spec: { replicas } } });
  }
  await scheduler.advanceUntil(() => lines().length >= 4, scheduler.now() + 60_000);
  stop.abort();
  await scheduler.advanceUntil(() => ended !== undefined, scheduler.now() + 60_000);
  const desired = lines().map((line) => line.split(/ +/)[6]);
  assert.deepEqual([desired, ended], [["DESIRED", "1", "2", "3"], 0]);
});

test("several Rollouts are steered at once, up to the first that is not there", async () => {
  const here = await shopWorld();
  assert.deepEqual(await run(here, "pause", "web", "nope"), {
    code: 1,
    out: "rollout 'web' paused\n",
    err: 'Error: rollouts.argoproj.io "nope" not found\n',
  });
});

test("a step is skipped with a flag that is complained of", async () => {
  const here = await shopWorld();
  assert.deepEqual(await run(here, "promote", "web", "-c"), {
    code: 0,
    out: "rollout 'web' promoted\n",
    err: "Flag --skip-current-step has been deprecated, use without the flag instead ex: promote ROLLOUT_NAME\n",
  });
  const { status } = await here.client.get(Rollout, { namespace: "shop", name: "web" });
  assert.deepEqual(status, { currentStepIndex: 1 });
});

test("a restart is told in the words of the line", async () => {
  const here = await shopWorld();
  assert.equal((await run(here, "restart", "web", "--in", "90s")).out, "rollout 'web' restarts in 90s\n");
  const { spec } = await here.client.get(Rollout, { namespace: "shop", name: "web" });
  assert.equal(spec.restartAt, "2030-01-01T00:01:30Z");
  const refused = await run(here, "restart", "web", "-i", "soon");
  assert.equal(refused.err, 'Error: time: invalid duration "soon"\n');
});

test("Experiments are looked for, and what is left out is refused by name", async () => {
  const here = await shopWorld();
  const none = await run(here, "list", "experiments");
  assert.deepEqual(none, { code: 0, out: "", err: "No resources found.\n" });
  const unknown = await run(here, "get", "exp", "nope");
  assert.equal(unknown.err, 'Error: experiment.argoproj.io "nope" not found\n');
  for (const words of [
    ["create", "-f", "x"],
    ["notifications", "template"],
  ])
    assert.equal((await run(here, ...words)).code, 1);
  assert.match((await run(here, "notifications")).err, /notifications is not supported/);
});

test("a shell is told what may come next", async () => {
  const here = await shopWorld();
  const words = async (...argv: string[]) => (await run(here, "__complete", ...argv)).out.split("\n");
  assert.deepEqual(await words("re"), ["restart", "retry", ":4", ""]);
  assert.deepEqual(await words("retry", ""), ["experiment", "rollout", ":4", ""]);
  assert.deepEqual(await words("get", "rollout", "w"), ["web", ":4", ""]);
  assert.deepEqual((await words("status", "--ti"))[0]?.split("\t")[0], "--timeout");
  assert.deepEqual(await words("-n", "empty", "get", "rollout", ""), [":4", ""]);
});

test("a version is printed without any server", async () => {
  const io = capturedIo();
  const code = await runArgoRollouts(["version", "--short"], {
    connect: () => assert.fail("no server is needed"),
    clock: new VirtualScheduler(0),
    io,
  });
  assert.equal(code, 0);
  assert.match(io.written.out, /^kubectl-argo-rollouts: v1\.9\.2\S*\n$/);
});
