import assert from "node:assert/strict";
import { test } from "node:test";
import { createApi, embeddedClient } from "@tracegate/apiserver";
import { startControllers, VirtualScheduler } from "@tracegate/controller-runtime";
import { ConfigMap, CustomResourceDefinition, Job, Namespace } from "@tracegate/kube";
import { memoryStore } from "@tracegate/store";
import { memoryGit } from "../testing/memory-git.ts";
import { applicationController } from "./application-controller.ts";
import { crds } from "./crds.ts";
import { requestSync } from "./requests.ts";
import { Application } from "./types/application.ts";

const ref = { namespace: "argocd", name: "web" };
const object = (
  apiVersion: string,
  kind: string,
  name: string,
  annotations: object = {},
  more: object = {},
) => JSON.stringify({ apiVersion, kind, metadata: { name, annotations }, ...more });
const config = (name: string, annotations: object = {}) =>
  object("v1", "ConfigMap", name, annotations, { data: { a: "1" } });
const job = (name: string, annotations: object) =>
  object("batch/v1", "Job", name, annotations, {
    spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] } } },
  });
const options = (text: string) => ({ "argocd.argoproj.io/sync-options": text });

/** An Application over files, with its controller on virtual time. */
async function world(files: Record<string, string>, metadata: object = {}) {
  const scheduler = new VirtualScheduler(Date.UTC(2031, 1, 3, 10, 0, 0));
  const client = embeddedClient(createApi({ store: memoryStore(), clock: scheduler }));
  const git = memoryGit();
  const repository = git.repository("file:///repo");
  repository.commit(files);
  for (const definition of crds) await client.create(CustomResourceDefinition, definition);
  for (const name of ["argocd", "team"])
    await client.create(Namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  await client.create(Application, {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: { ...ref, ...metadata },
    spec: {
      project: "default",
      source: { repoURL: "file:///repo", path: "app" },
      destination: { server: "https://kubernetes.default.svc", namespace: "team" },
    },
  });
  const controller = applicationController({ client, clock: scheduler, git, pollIntervalMs: 10_000 });
  const manager = startControllers({ client, scheduler, controllers: [controller] });
  await scheduler.advanceBy(1000);
  return {
    client,
    repository,
    stop: () => manager.stop(),
    pass: (ms = 1000) => scheduler.advanceBy(ms),
    application: () => client.get(Application, ref),
    annotate: (annotations: object) =>
      client.patch(Application, ref, { type: "merge", body: { metadata: { annotations } } }),
    async sync(how: Partial<Parameters<typeof requestSync>[3]> = {}) {
      await requestSync(client, git, ref, { now: scheduler.now(), ...how });
      await scheduler.advanceBy(6000);
      return (await client.get(Application, ref)).status?.operationState;
    },
    async configs() {
      const { items } = await client.list(ConfigMap, { namespace: "team" });
      return items.map(({ metadata: { name } }) => name).filter((name) => name !== "kube-root-ca.crt");
    },
    async finishJob(name: string) {
      const status = { conditions: [{ type: "Complete", status: "True", message: "done" }] };
      await client.patch(
        Job,
        { namespace: "team", name },
        { type: "merge", body: { status } },
        { subresource: "status" },
      );
      await scheduler.advanceBy(6000);
    },
  };
}

test("an Application goes when its hook after deletion has ended, which goes with it by its policy", async () => {
  const hook = {
    "argocd.argoproj.io/hook": "PostDelete",
    "argocd.argoproj.io/hook-delete-policy": "HookSucceeded",
  };
  const finalizers = ["resources-finalizer.argocd.argoproj.io/background"];
  const { application, client, configs, finishJob, pass, stop, sync } = await world(
    { "app/a.yaml": config("a"), "app/bye.yaml": job("bye", hook) },
    { finalizers },
  );
  assert.deepEqual((await application()).metadata.finalizers, [
    ...finalizers,
    "post-delete-finalizer.argocd.argoproj.io",
    "post-delete-finalizer.argocd.argoproj.io/cleanup",
  ]);
  assert.equal((await sync())?.message, "successfully synced (all tasks run)");
  assert.deepEqual((await client.list(Job, { namespace: "team" })).items, [], "it is no part of a sync");
  await client.delete(Application, ref);
  await pass();
  assert.deepEqual(await configs(), []);
  assert.equal((await client.list(Job, { namespace: "team" })).items.length, 1);
  await finishJob("bye");
  await assert.rejects(application(), /not found/);
  assert.deepEqual((await client.list(Job, { namespace: "team" })).items, []);
  await stop();
});

test("a prune that needs approval waits for it", async () => {
  const { annotate, application, configs, pass, repository, stop, sync } = await world({
    "app/a.yaml": config("a", options("Prune=confirm")),
    "app/b.yaml": config("b"),
  });
  await sync();
  repository.commit({ "app/a.yaml": null });
  await pass(20_000);
  const waiting = await sync({ prune: true, syncOptions: ["PrunePropagationPolicy=background"] });
  assert.deepEqual(
    [waiting?.phase, waiting?.message],
    ["Running", "Waiting for pruning confirmation of v1/ConfigMap/a"],
  );
  assert.deepEqual(await configs(), ["a", "b"]);
  await annotate({ "argocd.argoproj.io/deletion-approved": "2031-02-03T11:00:00Z" });
  await pass();
  assert.equal((await application()).status?.operationState?.phase, "Succeeded");
  assert.deepEqual(await configs(), ["b"]);
  await stop();
});

test("options of resources and of the sync decide how they are applied", async () => {
  const { stop, sync } = await world({
    "app/a.yaml": config("a", options("Replace=true")),
    "app/b.yaml": config("b", options("ServerSideApply=true")),
    "app/c.yaml": config("c", options("Force=true,Replace=true")),
    "app/d.yaml": config("d"),
  });
  const messages = async () => (await sync())?.syncResult?.resources?.map(({ message }) => message);
  assert.deepEqual(await messages(), [
    "configmap/a created",
    "configmap/b serverside-applied",
    "configmap/c created",
    "configmap/d created",
  ]);
  assert.deepEqual(await messages(), [
    "configmap/a replaced",
    "configmap/b serverside-applied",
    'configmap "c" deleted\nconfigmap/c replaced',
    "configmap/d unchanged",
  ]);
  const quiet = await sync({ syncOptions: ["ApplyOutOfSyncOnly=true"] });
  assert.deepEqual(
    [quiet?.message, quiet?.syncResult?.resources],
    ["successfully synced (no more tasks)", undefined],
  );
  const tried = await sync({ dryRun: true });
  assert.deepEqual(
    tried?.syncResult?.resources?.map(({ message }) => message?.split("\n").at(-1)),
    [
      "configmap/a replaced (dry run)",
      "configmap/b configured (dry run)",
      "configmap/c replaced (dry run)",
      "configmap/d configured (dry run)",
    ],
  );
  await stop();
});
