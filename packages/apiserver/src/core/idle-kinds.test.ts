import assert from "node:assert/strict";
import { test } from "node:test";
import { wallClock } from "@tracegate/contracts";
import { memoryStore } from "@tracegate/store";
import { createApi } from "./api.ts";

test("whoever makes an object that no controller works on is warned, and it is kept", () => {
  const api = createApi({ store: memoryStore(), clock: wallClock, idleKinds: ["statefulsets.apps"] });
  const made = (plural: string, kind: string) => {
    const served = api.kinds.find("apps", "v1", plural);
    assert.ok(served !== undefined);
    const labels = { app: "db" };
    const template = { metadata: { labels }, spec: { containers: [{ name: "db", image: "db:1" }] } };
    const spec = { selector: { matchLabels: labels }, template };
    const object = { apiVersion: "apps/v1", kind, metadata: { name: "db" }, spec };
    const warnings: string[] = [];
    api.create(served, "default", object, { warn: (text) => warnings.push(text) });
    assert.equal(api.get(served, { namespace: "default", name: "db" }).metadata.name, "db");
    return warnings;
  };
  assert.deepEqual(made("statefulsets", "StatefulSet"), [
    "no controller here works on statefulsets: the object is kept, and nothing comes of it",
  ]);
  assert.deepEqual(made("daemonsets", "DaemonSet"), []);
});
