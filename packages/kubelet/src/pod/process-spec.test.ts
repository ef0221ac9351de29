import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "@tracegate/kube";
import { onlyWatching } from "../cgroup/cgroup-plan.ts";
import { containerProcessSpec, notApplied } from "./process-spec.ts";

const podWith = (limits: Record<string, string>, requests: Record<string, string> = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", namespace: "ns", uid: "u1" },
  spec: { containers: [{ name: "c", image: "web:1", resources: { limits, requests } }] },
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
    assert.deepEqual(notApplied(pod, onlyWatching), ignored);
  });
}

for (const [limits, requests, cpuLimitMillis, cpuRequestMillis] of [
  [{}, {}, undefined, undefined],
  [{ cpu: "250m" }, {}, 250, 250],
  [{ cpu: "1.5" }, { cpu: "1" }, 1500, 1000],
  [{}, { cpu: "100m" }, undefined, 100],
  [{ cpu: "0" }, { cpu: "0" }, undefined, undefined],
] as const) {
  test(`CPU limits ${JSON.stringify(limits)} and requests ${JSON.stringify(requests)}, in thousandths`, () => {
    const pod = podWith(limits, requests);
    for (const container of pod.spec.containers) {
      const spec = containerProcessSpec({ pod, container, attempt: 0, image, env: {}, stateDir: "/state" });
      assert.equal(spec.cpuLimitMillis, cpuLimitMillis);
      assert.equal(spec.cpuRequestMillis, cpuRequestMillis);
    }
    assert.deepEqual(notApplied(pod, { memory: "cgroup", cpu: true, processes: true }), []);
  });
}
