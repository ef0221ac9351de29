import assert from "node:assert/strict";
import { test } from "node:test";
import { createApi, embeddedClient } from "@tracegate/apiserver";
import { startControllers, VirtualScheduler } from "@tracegate/controller-runtime";
import { ConfigMap, CustomResourceDefinition, Namespace, type ResourceClient } from "@tracegate/kube";
import { memoryStore } from "@tracegate/store";
import { type MemoryRepository, memoryGit } from "../testing/memory-git.ts";
import { applicationController } from "./application-controller.ts";
import { crds } from "./crds.ts";
import { cachedGit } from "./git/cached-git.ts";
import { requestSync, requestTermination } from "./requests.ts";
import { Application } from "./types/application.ts";

const repoURL = "file:///repo";
const ref = { namespace: "argocd", name: "web" };
const config = (name: string, value: string, annotations = {}) =>
  JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, annotations }, data: { value } });
const wave = (value: number) => ({ "argocd.argoproj.io/sync-wave": String(value) });

interface World {
  readonly scheduler: VirtualScheduler;
  readonly client: ResourceClient;
  readonly repository: MemoryRepository;
  /** Starts the controller over a client of its own; returns how to stop it. */
  start(through?: ResourceClient): () => Promise<void>;
  application(): Promise<Application>;
  sync(options?: object): Promise<unknown>;
}

async function createWorld(policy: Application["spec"]["syncPolicy"]): Promise<World> {
  const scheduler = new VirtualScheduler(Date.UTC(2031, 1, 3, 10, 0, 0));
  const client = embeddedClient(createApi({ store: memoryStore(), clock: scheduler }));
  const git = memoryGit();
  const repository = git.repository(repoURL);
  for (const definition of crds) await client.create(CustomResourceDefinition, definition);
  for (const name of ["argocd", "team"]) {
    await client.create(Namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  }
  repository.commit({
    "app/a.yaml": config("a", "1", wave(-1)),
    "app/b.yaml": config("b", "1"),
    "app/c.yaml": config("c", "1", wave(2)),
  });
  await client.create(Application, {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: ref,
    spec: {
      project: "default",
      source: { repoURL, path: "app", targetRevision: "HEAD" },
      destination: { server: "https://kubernetes.default.svc", namespace: "team" },
      ...(policy === undefined ? {} : { syncPolicy: policy }),
    },
  });
  return {
    scheduler,
    client,
    repository,
    start(through = client) {
      const cached = cachedGit(git, { clock: scheduler, maxAgeMs: 1000 });
      const controller = applicationController({
        client: through,
        clock: scheduler,
        git: cached,
        pollIntervalMs: 10_000,
      });
      const manager = startControllers({ client, scheduler, controllers: [controller] });
      return () => manager.stop();
    },
    application: () => client.get(Application, ref),
    sync: (options = {}) => requestSync(client, git, ref, { now: scheduler.now(), ...options }),
  };
}

class Crash extends Error {}

/** A client whose process ends at its n-th write: before it, or after it reached the API. Afterwards nothing gets through. */
function crashing(
  client: ResourceClient,
  at: number,
  reached: boolean,
): { client: ResourceClient; crashed: () => boolean } {
  let writes = 0;
  const write =
    <A extends unknown[], R>(method: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      writes++;
      if (writes > at || (writes === at && !reached)) throw new Crash("the process ended");
      const result = await method(...args);
      if (writes >= at) throw new Crash("the process ended");
      return result;
    };
  return {
    client: {
      ...client,
      create: write(client.create.bind(client)) as ResourceClient["create"], // `write` loses the type parameter only
      update: write(client.update.bind(client)) as ResourceClient["update"],
      patch: write(client.patch.bind(client)) as ResourceClient["patch"],
      delete: write(client.delete.bind(client)),
    },
    crashed: () => writes >= at,
  };
}

test("a process that ends at any write goes on from there: everything applied once, one deployment in the history", async () => {
  let at = 1;
  for (; ; at++) {
    let ended = false;
    for (const reached of [false, true]) {
      const world = await createWorld({ automated: { prune: true, selfHeal: true } });
      const doomed = crashing(world.client, at, reached);
      const stop = world.start(doomed.client);
      await world.scheduler.advanceBy(20_000);
      await stop();
      ended = !doomed.crashed();
      const stopAgain = world.start();
      await world.scheduler.advanceBy(60_000);
      await stopAgain();
      const { status, operation } = await world.application();
      const where = `crashed ${reached ? "after" : "before"} write ${at}`;
      assert.deepEqual(
        [status?.sync?.status, status?.health?.status, operation],
        ["Synced", "Healthy", undefined],
        where,
      );
      assert.equal(status?.operationState?.phase, "Succeeded", where);
      assert.deepEqual(
        status?.history?.map(({ id }) => id),
        [0],
        where,
      );
      const { items } = await world.client.list(ConfigMap, { namespace: "team", labelSelector: "" });
      assert.deepEqual(
        items
          .map(({ metadata }) => metadata.name)
          .filter((name) => name.length === 1)
          .sort(),
        ["a", "b", "c"],
        where,
      );
    }
    if (ended) break;
  }
  assert.ok(at > 8, `a sync of three waves writes more often than ${at} times`);
});

test("waves follow each other with the delay between them, and self-heal puts back what was changed", async () => {
  const world = await createWorld({ automated: { selfHeal: true } });
  const stop = world.start();
  const names = async () =>
    (await world.client.list(ConfigMap, { namespace: "team" })).items
      .map(({ metadata }) => metadata.name)
      .filter((name) => name.length === 1);
  await world.scheduler.advanceBy(1000);
  assert.deepEqual(await names(), ["a"]);
  await world.scheduler.advanceBy(1500);
  assert.deepEqual(await names(), ["a", "b"]);
  await world.scheduler.advanceBy(2000);
  assert.deepEqual(await names(), ["a", "b", "c"]);
  await world.client.patch(
    ConfigMap,
    { namespace: "team", name: "b" },
    { type: "merge", body: { data: { value: "drift", own: "kept" } } },
  );
  await world.scheduler.advanceBy(5000);
  assert.deepEqual((await world.client.get(ConfigMap, { namespace: "team", name: "b" })).data, {
    value: "1",
    own: "kept",
  });
  assert.equal((await world.application()).status?.operationState?.operation.sync?.autoHealAttemptsCount, 1);
  await stop();
});

test("a new commit is seen at the poll, and an unchanged one writes nothing", async () => {
  const world = await createWorld({ automated: {} });
  const stop = world.start();
  await world.scheduler.advanceBy(30_000);
  const { resourceVersion } = (await world.application()).metadata;
  await world.scheduler.advanceBy(60_000);
  assert.equal((await world.application()).metadata.resourceVersion, resourceVersion);
  const commit = world.repository.commit({ "app/b.yaml": config("b", "2") });
  await world.scheduler.advanceBy(20_000);
  const { status } = await world.application();
  assert.deepEqual([status?.sync?.status, status?.sync?.revision], ["Synced", commit]);
  assert.equal((await world.client.get(ConfigMap, { namespace: "team", name: "b" })).data?.["value"], "2");
  await stop();
});

test("a second sync is refused while one runs, and the running one can be ended", async () => {
  const world = await createWorld(undefined);
  const stop = world.start();
  await world.scheduler.advanceBy(100);
  await world.sync();
  await world.scheduler.advanceBy(500);
  await assert.rejects(world.sync(), /another operation is already in progress/);
  await requestTermination(world.client, ref);
  await world.scheduler.advanceBy(500);
  const { status, operation } = await world.application();
  assert.deepEqual(
    [status?.operationState?.phase, status?.operationState?.message, operation],
    ["Failed", "Operation terminated", undefined],
  );
  await assert.rejects(requestTermination(world.client, ref), /No operation is in progress/);
  await stop();
});

test("a dry run tells what would be done and does nothing", async () => {
  const world = await createWorld(undefined);
  const stop = world.start();
  await world.scheduler.advanceBy(100);
  await world.sync({ dryRun: true });
  await world.scheduler.advanceBy(500);
  const { status } = await world.application();
  assert.deepEqual(
    status?.operationState?.syncResult?.resources?.map(({ message }) => message),
    ["configmap/a created (dry run)", "configmap/b created (dry run)", "configmap/c created (dry run)"],
  );
  assert.equal(status?.history, undefined);
  assert.equal(status?.sync?.status, "OutOfSync");
  await stop();
});

test("a mistake in a commit is told at the next poll, a repository out of reach only after a while", async () => {
  const world = await createWorld({ automated: {} });
  const stop = world.start();
  await world.scheduler.advanceBy(30_000);
  world.repository.commit({ "app/b.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: [\n" });
  await world.scheduler.advanceBy(10_000);
  assert.match(
    (await world.application()).status?.conditions?.[0]?.message ?? "",
    /Failed to unmarshal "b.yaml"/,
  );
  assert.equal((await world.application()).status?.sync?.status, "Unknown");
  world.repository.commit({ "app/b.yaml": config("b", "3") });
  await world.scheduler.advanceBy(30_000);
  assert.equal((await world.application()).status?.sync?.status, "Synced");
  world.repository.reachable = false;
  await world.scheduler.advanceBy(100_000);
  assert.equal((await world.application()).status?.conditions, undefined);
  await world.scheduler.advanceBy(100_000);
  assert.match(
    (await world.application()).status?.conditions?.[0]?.message ?? "",
    /failed to list refs: repository not found/,
  );
  await stop();
});
