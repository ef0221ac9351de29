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

const secured = (container: object, pod: object = {}): Pod => ({
  ...podWith({}),
  spec: {
    ...(pod as Pod["spec"]), // a part of one
    containers: [{ name: "c", image: "web:1", ...container }],
  },
});
for (const [title, pod, told] of [
  ["nothing", secured({}), []],
  [
    "the host's namespaces",
    secured({}, { hostNetwork: true, hostPID: true, hostIPC: true }),
    ["hostNetwork (", "hostPID (", "hostIPC ("],
  ],
  [
    "privileges",
    secured({
      securityContext: { privileged: true, capabilities: { add: ["SYS_ADMIN", "SYS_PTRACE", "CAP_KILL"] } },
    }),
    [
      "containers{c}.securityContext.privileged (",
      "containers{c}.securityContext.capabilities.add SYS_ADMIN (",
    ],
  ],
  [
    "users",
    secured(
      { securityContext: { runAsNonRoot: true, runAsUser: 0 } },
      { securityContext: { runAsUser: 7, fsGroup: 7 } },
    ),
    [
      "securityContext.runAsUser (",
      "securityContext.fsGroup (",
      "containers{c}.securityContext.runAsNonRoot (",
    ],
  ],
  [
    "profiles",
    secured(
      { securityContext: { seccompProfile: { type: "RuntimeDefault" } } },
      { securityContext: { seccompProfile: { type: "Unconfined" }, sysctls: [] } },
    ),
    ["securityContext.sysctls", "containers{c}.securityContext.seccompProfile"],
  ],
] as const) {
  test(`what is not applied of ${title} is told by name`, () => {
    const found = notApplied(pod, onlyWatching);
    assert.equal(found.length, told.length, found.join("; "));
    for (const [index, start] of told.entries()) assert.ok(found[index]?.startsWith(start), found[index]);
  });
}

for (const [security, capabilities] of [
  [{ drop: ["ALL"] }, []],
  [{ drop: ["all"], add: ["NET_BIND_SERVICE"] }, ["net_bind_service"]],
  [{ drop: ["ALL"], add: ["SYS_ADMIN", "CAP_SYS_MODULE", "BPF"] }, []],
  [{ drop: ["ALL"], add: ["SYS_PTRACE", "CAP_KILL"] }, ["sys_ptrace", "kill"]],
] as const) {
  test(`capabilities ${JSON.stringify(security)} come to [${capabilities}]`, () => {
    const pod = secured({ securityContext: { capabilities: security } });
    for (const container of pod.spec.containers) {
      const spec = containerProcessSpec({ pod, container, attempt: 0, image, env: {}, stateDir: "/state" });
      assert.deepEqual(spec.capabilities, capabilities);
    }
  });
}

test("nobody is given more by asking for all capabilities than by asking for none", () => {
  const [all, none] = [{ capabilities: { add: ["ALL"] } }, {}].map((securityContext) => {
    const pod = secured({ securityContext });
    return pod.spec.containers.map(
      (container) =>
        containerProcessSpec({ pod, container, attempt: 0, image, env: {}, stateDir: "/state" }).capabilities,
    );
  });
  assert.deepEqual(all, none);
});
