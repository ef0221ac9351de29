import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createApi, embeddedClient } from "@tracegate/apiserver";
import { VirtualScheduler } from "@tracegate/controller-runtime";
import { ApplicationSet, crds } from "@tracegate/gitops";
import { CustomResourceDefinition } from "@tracegate/kube";
import { memoryStore } from "@tracegate/store";
import { parse } from "yaml";
import { applyAppset } from "./apply-appset.ts";

test("an ApplicationSet is there as if kubectl had applied it, for who applies it mended", async () => {
  const clock = new VirtualScheduler(Date.parse("2030-01-01T00:00:00Z"));
  const client = embeddedClient(createApi({ store: memoryStore(), clock }));
  for (const crd of crds) await client.create(CustomResourceDefinition, crd);
  const file = new URL("../../../../examples/levels/beginner/broken/appset.yaml", import.meta.url);
  const manifest = readFileSync(file, "utf8");
  await applyAppset(client, manifest);
  const { metadata } = await client.get(ApplicationSet, { namespace: "argocd", name: "echo-server" });
  const remembered = metadata.annotations?.["kubectl.kubernetes.io/last-applied-configuration"] ?? "";
  assert.deepEqual(JSON.parse(remembered), parse(manifest));
});
