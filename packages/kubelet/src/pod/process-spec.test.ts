import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "@tracegate/kube";
import { containerProcessSpec, notApplied } from "./process-spec.ts";

const podWith = (limits: Record<string, string>): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", namespace: "ns", uid: "u1" },
  spec: { containers: [{ name: "c", image: "web:1", resources: { limits } }] },
});
const image = { entrypoint: ["web"], cmd: [], env: {}, workingDir: "/", binds: [] };

for (const [limits, bytes, ignored] of [
  [{}, undefined, []],
  [{ memory: "64Mi" }, 64 * 1024 ** 2, []],
  [{ memory: "100M" }, 100_000_000, []],
  [{ memory: "1500m" }, 2, []],
  [{ memory: "0" }, undefined, []],
  [{ memory: "1Ki", cpu: "250m" }, 1024, ["containers{c}.resources.limits.cpu"]],
  [{ "ephemeral-storage": "1Gi" }, undefined, ["containers{c}.resources.limits.ephemeral-storage"]],
] as const) {
  test(`limits ${JSON.stringify(limits)}: ${bytes ?? "no"} bytes of memory, ${ignored.length} not applied`, () => {
    const pod = podWith(limits);
    for (const container of pod.spec.containers) {
      const spec = containerProcessSpec({ pod, container, attempt: 0, image, env: {}, stateDir: "/state" });
      assert.equal(spec.memoryLimitBytes, bytes);
    }
    assert.deepEqual(notApplied(pod), ignored);
  });
}
