import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { crds as analysisKinds } from "@tracegate/analysis";
import { createApi, embeddedClient } from "@tracegate/apiserver";
import { startControllers, VirtualScheduler } from "@tracegate/controller-runtime";
import { CustomResourceDefinition, Namespace } from "@tracegate/kube";
import { crds as rolloutKinds } from "@tracegate/rollouts";
import { memoryStore } from "@tracegate/store";
import { parse } from "yaml";
import { memoryGit } from "../testing/memory-git.ts";
import { applicationController } from "./application-controller.ts";
import { applicationSetController } from "./applicationset-controller.ts";
import { crds } from "./crds.ts";
import { Application } from "./types/application.ts";
import { ApplicationSet } from "./types/application-set.ts";

const folder = new URL("../../../examples/hotrod/", import.meta.url);

test("the HotROD example is synchronised once and then stays Synced", async () => {
  const scheduler = new VirtualScheduler(Date.UTC(2031, 1, 3, 10, 0, 0));
  const client = embeddedClient(createApi({ store: memoryStore(), clock: scheduler }));
  for (const definition of [...crds, ...rolloutKinds, ...analysisKinds])
    await client.create(CustomResourceDefinition, definition);
  await client.create(Namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name: "argocd" } });
  const set: ApplicationSet = parse(readFileSync(new URL("appset.yaml", folder), "utf8"));
  const generator = set.spec.generators[0]?.git;
  assert.ok(generator);
  const git = memoryGit();
  const prefix =
    generator.directories?.find(({ exclude }) => exclude !== true)?.path.replace(/\*$/, "") ?? "";
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  git.repository(generator.repoURL).commit(
    Object.fromEntries(
      files.map(({ parentPath, name }) => {
        const path = `${parentPath}/${name}`;
        return [
          `${prefix}${path.slice(path.indexOf("examples/hotrod/") + "examples/hotrod/".length)}`,
          readFileSync(path, "utf8"),
        ];
      }),
    ),
  );
  const controllers = [
    applicationController({ client, clock: scheduler, git, pollIntervalMs: 10_000 }),
    applicationSetController({ client, clock: scheduler, git, pollIntervalMs: 10_000 }),
  ];
  const manager = startControllers({ client, scheduler, controllers });
  await client.create(ApplicationSet, { ...set, metadata: { ...set.metadata, namespace: "argocd" } });
  await scheduler.advanceBy(120_000);
  const { items } = await client.list(Application, { namespace: "argocd" });
  assert.deepEqual(items.map(({ metadata }) => metadata.name).sort(), [
    "hotrod",
    "otel",
    "traffic-generator",
  ]);
  for (const { metadata, status } of items) {
    assert.equal(
      status?.sync?.status,
      "Synced",
      `${metadata.name}: ${JSON.stringify(status?.operationState)}`,
    );
    assert.equal(
      status?.operationState?.operation.sync?.autoHealAttemptsCount,
      undefined,
      `${metadata.name} had to heal nothing`,
    );
    assert.equal(status?.history?.length, 1, metadata.name);
  }
  await manager.stop();
});
