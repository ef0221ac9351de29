import assert from "node:assert/strict";
import { test } from "node:test";
import { type Container, formatTime, type Pod, type PodStatus } from "@tracegate/kube";
import type { ImageLookup } from "../image-catalogue.ts";
import type { ContainerProcessState } from "../sandbox.ts";
import type { ObservedPod } from "./observed-pod.ts";
import { containerId } from "./pod-status.ts";
import { type PodAction, syncPod } from "./sync-pod.ts";

const t0 = Date.UTC(2026, 0, 1);
const image: ImageLookup = { image: { entrypoint: [], cmd: [], env: {}, workingDir: "/", binds: [] } };

function makePod(spec: Partial<Pod["spec"]> = {}, more: { status?: PodStatus; metadata?: object } = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", namespace: "ns", uid: "u1", ...more.metadata },
    spec: { containers: [{ name: "c", image: "web:1" }], nodeName: "tracegate", ...spec },
    ...(more.status === undefined ? {} : { status: more.status }),
  };
}

const running = (
  name: string,
  attempt = 0,
  more: Partial<ContainerProcessState> = {},
): ContainerProcessState => ({
  name,
  attempt,
  state: "running",
  startedAt: t0,
  ...more,
});
const exited = (name: string, exitCode: number, attempt = 0, more: Partial<ContainerProcessState> = {}) =>
  running(name, attempt, { state: "exited", exitCode, finishedAt: t0 + 1000, ...more });

function observe(runs: ContainerProcessState[] | undefined, more: Partial<ObservedPod> = {}): ObservedPod {
  return {
    ...(runs === undefined
      ? {}
      : { sandbox: { ip: "10.244.0.2", containers: new Map(runs.map((run) => [run.name, run])) } }),
    images: new Map(["c", "d", "init", "side"].map((name) => [name, image])),
    configProblems: new Map(),
    probes: new Map(),
    restarts: new Map(),
    pulls: new Map(),
    hostIP: "127.0.0.1",
    ...more,
  };
}

const brief = (actions: readonly PodAction[]): string[] =>
  actions.map((action) => {
    if (action.type === "startContainer") return `start ${action.container}/${action.attempt}`;
    if (action.type === "stopContainer")
      return `stop ${action.container} in ${action.graceSeconds}s: ${action.message}`;
    if (action.type === "failPull") return `failPull ${action.container}`;
    return action.type === "event" ? `${action.reason}: ${action.message}` : action.type;
  });

const condition = (status: PodStatus, type: string) =>
  status.conditions?.find((candidate) => candidate.type === type);
const container = (more: Partial<Container> = {}): Container => ({ name: "c", image: "web:1", ...more });
const init: Container = { name: "init", image: "web:1" };
const sidecar: Container = { name: "side", image: "web:1", restartPolicy: "Always" };

test("a new pod gets a sandbox first, and waits", () => {
  const { status, actions } = syncPod(makePod(), observe(undefined), t0);
  assert.deepEqual(brief(actions), ["startSandbox"]);
  assert.equal(status.phase, "Pending");
  assert.deepEqual(status.containerStatuses?.[0]?.state, { waiting: { reason: "ContainerCreating" } });
  assert.equal(status.startTime, formatTime(t0));
});

test("with a sandbox its containers start, all at once", () => {
  const pod = makePod({ containers: [container(), container({ name: "d" })] });
  assert.deepEqual(brief(syncPod(pod, observe([]), t0).actions), ["start c/0", "start d/0"]);
});

test("a running pod is Running and Ready, with its address", () => {
  const { status, actions } = syncPod(makePod(), observe([running("c")]), t0);
  assert.deepEqual(actions, []);
  assert.equal(status.phase, "Running");
  assert.equal(status.podIP, "10.244.0.2");
  assert.equal(condition(status, "Ready")?.status, "True");
  const [reported] = status.containerStatuses ?? [];
  assert.deepEqual(reported?.state, { running: { startedAt: formatTime(t0) } });
  assert.equal(reported?.ready, true);
});

test("volumes that are not there keep containers from starting", () => {
  const { status, actions } = syncPod(makePod(), observe([], { volumeProblem: "x" }), t0);
  assert.deepEqual(actions, []);
  assert.equal(status.phase, "Pending");
});

test("init containers run one after another before the others", () => {
  const pod = makePod({ initContainers: [init, { ...init, name: "d" }] });
  const first = syncPod(pod, observe([]), t0);
  assert.deepEqual(brief(first.actions), ["start init/0"]);
  assert.deepEqual(brief(syncPod(pod, observe([running("init")]), t0).actions), []);
  const second = syncPod(pod, observe([exited("init", 0)]), t0);
  assert.deepEqual(brief(second.actions), ["start d/0"]);
  assert.equal(condition(second.status, "Initialized")?.message, "containers with incomplete status: [d]");
  assert.deepEqual(second.status.containerStatuses?.[0]?.state, { waiting: { reason: "PodInitializing" } });
  const done = syncPod(pod, observe([exited("init", 0), exited("d", 0)]), t0);
  assert.deepEqual(brief(done.actions), ["start c/0"]);
  assert.equal(condition(done.status, "Initialized")?.status, "True");
  assert.equal(done.status.initContainerStatuses?.[0]?.ready, true);
});

test("an init container that fails is tried again, or fails the pod that may not", () => {
  const failed = observe([exited("init", 1)]);
  const again = syncPod(makePod({ initContainers: [init] }), failed, t0 + 2000);
  assert.deepEqual(brief(again.actions), ["start init/1"]);
  const never = syncPod(makePod({ initContainers: [init], restartPolicy: "Never" }), failed, t0 + 2000);
  assert.deepEqual(brief(never.actions), []);
  assert.equal(never.status.phase, "Failed");
});

test("a sidecar lets the next start once it has started, and is restarted beside them", () => {
  const pod = makePod({ initContainers: [sidecar] });
  assert.deepEqual(brief(syncPod(pod, observe([running("side")]), t0).actions), ["start c/0"]);
  const died = syncPod(pod, observe([exited("side", 0), running("c")]), t0 + 2000);
  assert.deepEqual(brief(died.actions), ["start side/1"]);
  const slow = makePod({ initContainers: [{ ...sidecar, startupProbe: { tcpSocket: { port: 1 } } }] });
  assert.deepEqual(brief(syncPod(slow, observe([running("side")]), t0).actions), []);
});

for (const [policy, exitCode, restarts, phase] of [
  ["Always", 0, true, "Running"],
  ["Always", 1, true, "Running"],
  ["OnFailure", 0, false, "Succeeded"],
  ["OnFailure", 1, true, "Running"],
  ["Never", 0, false, "Succeeded"],
  ["Never", 1, false, "Failed"],
] as const) {
  test(`restartPolicy ${policy}: exit code ${exitCode} ${restarts ? "restarts" : "ends"} the container, the pod is ${phase}`, () => {
    const { status, actions } = syncPod(
      makePod({ restartPolicy: policy }),
      observe([exited("c", exitCode)]),
      t0 + 2000,
    );
    assert.deepEqual(brief(actions), restarts ? ["start c/1"] : []);
    assert.equal(status.phase, phase);
  });
}

test("a container that keeps failing waits in CrashLoopBackOff, which is told once", () => {
  const observed = observe([exited("c", 3, 1)], {
    restarts: new Map([["c", { delayMs: 10_000, lastUpdate: t0 }]]),
  });
  const first = syncPod(makePod(), observed, t0 + 2000);
  assert.deepEqual(brief(first.actions), ["BackOff: Back-off restarting failed container c in pod p_ns(u1)"]);
  assert.equal(first.again, t0 + 11_000);
  const [reported] = first.status.containerStatuses ?? [];
  assert.deepEqual(reported?.state, {
    waiting: {
      reason: "CrashLoopBackOff",
      message: "back-off 10s restarting failed container=c pod=p_ns(u1)",
    },
  });
  assert.equal(reported?.lastState?.terminated?.exitCode, 3);
  assert.equal(reported?.restartCount, 1);
  assert.equal(first.status.phase, "Running");
  const second = syncPod(makePod({}, { status: first.status }), observed, t0 + 3000);
  assert.deepEqual(second.actions, []);
  const due = syncPod(makePod({}, { status: second.status }), observed, t0 + 11_000);
  assert.deepEqual(due.actions, [
    {
      type: "startContainer",
      container: "c",
      attempt: 2,
      backOff: { delayMs: 20_000, lastUpdate: t0 + 11_000 },
    },
  ]);
});

test("a new control plane works the back-off out from the count of restarts", () => {
  const { again } = syncPod(makePod(), observe([exited("c", 1, 4)]), t0 + 2000);
  assert.equal(again, t0 + 1000 + 80_000);
});

test("the former end stays visible as lastState while the next start runs", () => {
  const ended = syncPod(makePod(), observe([exited("c", 3)]), t0 + 1000).status;
  const { status } = syncPod(makePod({}, { status: ended }), observe([running("c", 1)]), t0 + 2000);
  const [reported] = status.containerStatuses ?? [];
  assert.equal(reported?.restartCount, 1);
  assert.equal(reported?.lastState?.terminated?.exitCode, 3);
});

test("an image in no catalogue is ErrImagePull, then ImagePullBackOff until the next try", () => {
  const images = new Map<string, ImageLookup>([["c", { reason: "ErrImagePull", message: "no such image" }]]);
  const first = syncPod(makePod(), observe([], { images }), t0);
  assert.deepEqual(brief(first.actions), ["failPull c"]);
  assert.deepEqual(first.status.containerStatuses?.[0]?.state?.waiting, {
    reason: "ErrImagePull",
    message: "no such image",
  });
  const pulls = new Map([["c", { failedAt: t0, backOff: { delayMs: 10_000, lastUpdate: t0 } }]]);
  const second = syncPod(makePod({}, { status: first.status }), observe([], { images, pulls }), t0 + 5000);
  assert.deepEqual(brief(second.actions), [
    'BackOff: Back-off pulling image "web:1"',
    "Failed: Error: ImagePullBackOff",
  ]);
  assert.equal(
    second.status.containerStatuses?.[0]?.state?.waiting?.message,
    'Back-off pulling image "web:1": ErrImagePull: no such image',
  );
  assert.equal(second.again, t0 + 10_000);
  const third = syncPod(makePod({}, { status: second.status }), observe([], { images, pulls }), t0 + 10_000);
  assert.deepEqual(brief(third.actions), ["failPull c"]);
});

test("a missing ConfigMap is CreateContainerConfigError until it is there", () => {
  const { status, actions, again } = syncPod(
    makePod(),
    observe([], { configProblems: new Map([["c", 'configmap "x" not found']]) }),
    t0,
  );
  assert.deepEqual(brief(actions), ['Failed: Error: configmap "x" not found']);
  assert.deepEqual(status.containerStatuses?.[0]?.state?.waiting, {
    reason: "CreateContainerConfigError",
    message: 'configmap "x" not found',
  });
  assert.equal(again, t0 + 10_000);
});

test("without a readiness result a probed container is not ready; its result decides", () => {
  const pod = makePod({ containers: [container({ readinessProbe: { tcpSocket: { port: 1 } } })] });
  const waiting = syncPod(pod, observe([running("c")]), t0).status;
  assert.equal(condition(waiting, "Ready")?.status, "False");
  assert.equal(condition(waiting, "ContainersReady")?.message, "containers with unready status: [c]");
  const probes = new Map([["c", { attempt: 0, started: true, ready: true }]]);
  const ready = syncPod({ ...pod, status: waiting }, observe([running("c")], { probes }), t0 + 5000).status;
  assert.equal(condition(ready, "Ready")?.status, "True");
  assert.equal(condition(ready, "Ready")?.lastTransitionTime, formatTime(t0 + 5000));
  assert.equal(condition(ready, "PodScheduled")?.lastTransitionTime, formatTime(t0));
});

test("what a former start's probes found does not count for the present one", () => {
  const pod = makePod({ containers: [container({ readinessProbe: { tcpSocket: { port: 1 } } })] });
  const probes = new Map([["c", { attempt: 0, started: true, ready: true, failed: "liveness" as const }]]);
  const { status, actions } = syncPod(pod, observe([running("c", 1)], { probes }), t0);
  assert.deepEqual(actions, []);
  assert.equal(condition(status, "Ready")?.status, "False");
});

test("a failed liveness probe stops the container within its own grace, once", () => {
  const pod = makePod({
    containers: [container({ livenessProbe: { tcpSocket: { port: 1 }, terminationGracePeriodSeconds: 5 } })],
  });
  const probes = new Map([["c", { attempt: 0, started: true, ready: true, failed: "liveness" as const }]]);
  assert.deepEqual(brief(syncPod(pod, observe([running("c")], { probes }), t0).actions), [
    "stop c in 5s: Container c failed liveness probe, will be restarted",
  ]);
  assert.deepEqual(
    syncPod(pod, observe([running("c", 0, { stoppingSince: t0 })], { probes }), t0).actions,
    [],
  );
});

test("a readiness gate that is not met keeps the pod from being Ready", () => {
  const pod = makePod({ readinessGates: [{ conditionType: "example.org/gate" }] });
  const { status } = syncPod(pod, observe([running("c")]), t0);
  assert.equal(condition(status, "Ready")?.reason, "ReadinessGatesNotReady");
  assert.equal(condition(status, "ContainersReady")?.status, "True");
  const met = {
    ...status,
    conditions: [...(status.conditions ?? []), { type: "example.org/gate", status: "True" as const }],
  };
  const after = syncPod({ ...pod, status: met }, observe([running("c")]), t0).status;
  assert.equal(condition(after, "Ready")?.status, "True");
  assert.equal(condition(after, "example.org/gate")?.status, "True");
});

const deleted = { deletionTimestamp: formatTime(t0), deletionGracePeriodSeconds: 7 };

test("a deleted pod is stopped within its grace, sidecars last, and then taken away", () => {
  const pod = makePod({ initContainers: [sidecar] }, { metadata: deleted });
  assert.deepEqual(brief(syncPod(pod, observe([running("side"), running("c")]), t0).actions), [
    "stop c in 7s: Stopping container c",
  ]);
  assert.deepEqual(
    syncPod(pod, observe([running("side"), running("c", 0, { stoppingSince: t0 })]), t0).actions,
    [],
  );
  assert.deepEqual(brief(syncPod(pod, observe([running("side"), exited("c", 143)]), t0).actions), [
    "stop side in 7s: Stopping container side",
  ]);
  const { status, actions } = syncPod(pod, observe([exited("side", 0), exited("c", 137)]), t0);
  assert.deepEqual(brief(actions), ["removeSandbox", "deletePod"]);
  assert.equal(status.phase, "Failed");
});

test("a deleted pod that never began is only taken away", () => {
  assert.deepEqual(brief(syncPod(makePod({}, { metadata: deleted }), observe(undefined), t0).actions), [
    "deletePod",
  ]);
});

test("a finished pod lets its sandbox go and keeps what it reported", () => {
  const status: PodStatus = { phase: "Succeeded", containerStatuses: [] };
  const pod = makePod({ restartPolicy: "Never" }, { status });
  assert.deepEqual(brief(syncPod(pod, observe([exited("c", 0)]), t0).actions), ["removeSandbox"]);
  const after = syncPod(pod, observe(undefined), t0);
  assert.deepEqual(after, { status, actions: [] });
});

test("a pod over its deadline fails by name", () => {
  const pod = makePod({ activeDeadlineSeconds: 5 }, { status: { startTime: formatTime(t0) } });
  assert.equal(syncPod(pod, observe([running("c")]), t0 + 4000).again, t0 + 5000);
  const { status, actions } = syncPod(pod, observe([running("c")]), t0 + 5000);
  assert.equal(status.phase, "Failed");
  assert.equal(status.reason, "DeadlineExceeded");
  assert.deepEqual(brief(actions), ["stop c in 30s: Stopping container c"]);
});

test("a lost agent counts as one restart of each container, however often it is looked at", () => {
  const before = syncPod(makePod(), observe([running("c", 2)]), t0).status;
  assert.equal(before.containerStatuses?.[0]?.containerID, containerId(makePod(), "c", 2));
  const first = syncPod(makePod({}, { status: before }), observe(undefined), t0 + 1000);
  assert.deepEqual(brief(first.actions), ["startSandbox"]);
  const second = syncPod(makePod({}, { status: first.status }), observe([]), t0 + 1000);
  assert.deepEqual(brief(second.actions), ["start c/3"]);
  const [reported] = second.status.containerStatuses ?? [];
  assert.equal(reported?.restartCount, 3);
  assert.equal(reported?.lastState?.terminated?.reason, "ContainerStatusUnknown");
});

test("a lost pod that may not be restarted has failed", () => {
  const pod = makePod({ restartPolicy: "Never" });
  const before = syncPod(pod, observe([running("c")]), t0).status;
  const { status, actions } = syncPod({ ...pod, status: before }, observe(undefined), t0 + 1000);
  assert.deepEqual(actions, []);
  assert.equal(status.phase, "Failed");
});

for (const [title, resources, qos] of [
  ["nothing asked for", {}, "BestEffort"],
  ["requests only", { requests: { cpu: "1" } }, "Burstable"],
  [
    "limits equal to requests",
    { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "1000m", memory: "1024Mi" } },
    "Guaranteed",
  ],
] as const) {
  test(`${title} is ${qos}`, () => {
    const pod = makePod({ containers: [container({ resources })] });
    assert.equal(syncPod(pod, observe([running("c")]), t0).status.qosClass, qos);
  });
}

test("a container that was killed for its memory says so, and restarts as any that failed", () => {
  const killed = exited("c", 137, 0, { oomKilled: true });
  const restarts = new Map([["c", { delayMs: 10_000, lastUpdate: t0 }]]);
  const { status } = syncPod(makePod(), observe([killed], { restarts }), t0 + 2000);
  const { state, lastState } = status.containerStatuses?.[0] ?? {};
  assert.equal(state?.waiting?.reason, "CrashLoopBackOff");
  assert.equal(lastState?.terminated?.reason, "OOMKilled");
  assert.equal(lastState?.terminated?.exitCode, 137);
  const never = syncPod(makePod({ restartPolicy: "Never" }), observe([killed]), t0 + 2000).status;
  assert.equal(never.phase, "Failed");
  assert.equal(never.containerStatuses?.[0]?.state?.terminated?.reason, "OOMKilled");
  const other = syncPod(makePod({ restartPolicy: "Never" }), observe([exited("c", 137)]), t0 + 2000).status;
  assert.equal(other.containerStatuses?.[0]?.state?.terminated?.reason, "Error");
});

test("looking twice at the same thing changes nothing", () => {
  for (const observed of [
    observe([running("c")]),
    observe([exited("c", 1)], { restarts: new Map([["c", { delayMs: 10_000, lastUpdate: t0 }]]) }),
  ]) {
    const first = syncPod(makePod(), observed, t0 + 2000);
    const second = syncPod(makePod({}, { status: first.status }), observed, t0 + 3000);
    assert.deepEqual(second.status, first.status);
    assert.deepEqual(second.actions, []);
  }
});
