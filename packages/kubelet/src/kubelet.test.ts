import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { createApi, embeddedClient } from "@tracegate/apiserver";
import { wallClock } from "@tracegate/contracts";
import {
  createEventRecorder,
  type Manager,
  startControllers,
  wallScheduler,
} from "@tracegate/controller-runtime";
import {
  ConfigMap,
  type Container,
  EndpointSlice,
  Event,
  isNotFound,
  Node,
  Pod,
  Service,
} from "@tracegate/kube";
import { memoryStore } from "@tracegate/store";
import { eventually, skipWithoutNamespaces, temporaryDirectory } from "../testing/index.ts";
import { imageCatalogue } from "./image-catalogue.ts";
import { createKubelet, type Kubelet } from "./kubelet.ts";
import { openNamespacedSandbox } from "./namespaced/namespaced-sandbox.ts";
import { nodeName } from "./node-object.ts";

const skip = skipWithoutNamespaces();
const dir = temporaryDirectory();
const client = embeddedClient(createApi({ store: memoryStore(), clock: wallClock, allowPrivileged: true }));
const stateDir = join(dir.path, "state");
/** Stands for a host outside: pods reach no address of this machine. */
const thisMachineOutside = Object.values(networkInterfaces())
  .flat()
  .find((candidate) => candidate?.family === "IPv4" && !candidate.internal)?.address;
let kubelet: Kubelet;
let manager: Manager;

async function startControlPlane(): Promise<void> {
  const scheduler = wallScheduler();
  const sandbox = await openNamespacedSandbox({ stateDir, clock: wallClock, graceMs: 30_000 });
  const events = createEventRecorder({ client, scheduler, component: "kubelet", host: nodeName });
  const catalogue = imageCatalogue([
    { pattern: "curlimages/curl:*", entrypoint: ["curl"] },
    { pattern: "my/node:*", entrypoint: ["/node"], binds: [{ source: process.execPath, target: "/node" }] },
  ]);
  const resolveHost = async (host: string) => [
    { address: host.startsWith("rebound") ? "127.0.0.1" : (thisMachineOutside ?? ""), family: 4 },
  ];
  kubelet = createKubelet({ client, clock: wallClock, events, sandbox, catalogue, stateDir, resolveHost });
  manager = startControllers({ client, scheduler, controllers: kubelet.controllers });
  await manager.synced;
}

async function stopControlPlane(pods: "end" | "keep"): Promise<void> {
  await manager.stop();
  await kubelet.stop({ pods });
}

before(async () => {
  if (skip === false) await startControlPlane();
});
afterEach(async () => {
  if (skip !== false) return;
  const { items } = await client.list(Pod);
  for (const { metadata } of items) await client.delete(Pod, metadata, { gracePeriodSeconds: 0 });
});
after(async () => {
  if (skip === false) await stopControlPlane("end");
  dir[Symbol.dispose]();
});

const at = (name: string) => ({ namespace: "default", name });
const shell = (script: string, more: Partial<Container> = {}): Container => ({
  name: "c",
  image: "curlimages/curl:8.11.1",
  command: ["/bin/sh", "-c", script],
  ...more,
});
const server = (more: Partial<Container> = {}): Container => ({
  name: "c",
  image: "my/node:1",
  args: [
    "-e",
    "require('http').createServer((q,s)=>{s.statusCode=require('fs').existsSync('/tmp/sick')?503:200;s.end(require('os').hostname())}).listen(8080)",
  ],
  ...more,
});

const create = (name: string, containers: Container[], spec: Partial<Pod["spec"]> = {}) =>
  client.create(Pod, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...at(name), labels: { app: name } },
    spec: { nodeName, containers, terminationGracePeriodSeconds: 1, ...spec },
  });

const get = (name: string) => client.get(Pod, at(name));
const containerStatus = async (name: string) => (await get(name)).status?.containerStatuses?.[0];
const untilPod = (name: string, what: string, is: (pod: Pod) => boolean) =>
  eventually(`pod ${name} is ${what}`, async () => {
    const pod = await get(name);
    return is(pod) ? pod : undefined;
  });
const isReady = (pod: Pod) =>
  pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
const isOlderThan = (pod: Pod, ms: number) =>
  (pod.status?.conditions ?? []).every(
    ({ lastTransitionTime = "" }) => wallClock.now() - Date.parse(lastTransitionTime) > ms + 1000,
  );
const untilReady = (name: string) => untilPod(name, "ready", isReady);

async function logs(name: string, more = {}): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of await kubelet.podAccess.logs({ ...at(name), ...more })) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
const eventsOf = async (name: string) =>
  (await client.list(Event)).items
    .filter(({ involvedObject }) => involvedObject.name === name)
    .map(({ reason, message, count }) => `${reason}: ${message}${count === 1 ? "" : ` ×${count}`}`);

test("a pod runs to its end: status, events and log", { skip }, async () => {
  await create(
    "job",
    [
      shell("echo hello from $POD; echo bye > /dev/termination-log; exit 3", {
        env: [{ name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
      }),
    ],
    {
      restartPolicy: "Never",
    },
  );
  const { status } = await untilPod("job", "failed", (pod) => pod.status?.phase === "Failed");
  const terminated = status?.containerStatuses?.[0]?.state?.terminated;
  assert.equal(terminated?.exitCode, 3);
  assert.equal(terminated?.message, "bye\n");
  assert.equal(await logs("job"), "hello from job\n");
  const events = await eventually("events are written", async () => {
    const found = await eventsOf("job");
    return found.length >= 3 ? found : undefined;
  });
  assert.deepEqual(events, [
    'Pulled: Container image "curlimages/curl:8.11.1" already present on machine',
    "Created: Created container: c",
    "Started: Started container c",
  ]);
});

test("the node is there and Ready", { skip }, async () => {
  const node = await client.get(Node, { name: nodeName });
  assert.equal(node.status?.conditions?.find(({ type }) => type === "Ready")?.status, "True");
});

test("pods reach each other through a Service, by name, and stop with the last endpoint", {
  skip,
}, async () => {
  await create("web", [server({ readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 } })]);
  const web = await untilReady("web");
  await client.create(Service, {
    apiVersion: "v1",
    kind: "Service",
    metadata: at("web"),
    spec: { ports: [{ port: 80, targetPort: 8080 }] },
  });
  const slice: EndpointSlice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { ...at("web-1"), labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    endpoints: [{ addresses: [web.status?.podIP ?? ""], conditions: { ready: true } }],
    ports: [{ name: "", port: 8080, protocol: "TCP" }],
  };
  await client.create(EndpointSlice, slice);
  await create(
    "client",
    [
      shell(
        `until body=$(curl -s http://web.default.svc.cluster.local/); do sleep 0.1; done; echo "got $body"; curl -s http://nope/; echo "exit code $?"`,
      ),
    ],
    { restartPolicy: "Never" },
  );
  await untilPod("client", "over", (pod) => pod.status?.phase === "Succeeded");
  assert.equal(await logs("client"), "got web\nexit code 6\n"); // 6: could not resolve host
  const connection = await kubelet.network.dial("web.default.svc", 80);
  connection.end("GET / HTTP/1.0\r\n\r\n");
  let answer = "";
  for await (const chunk of connection) answer += chunk;
  assert.match(answer, /web$/);
  await client.patch(EndpointSlice, at("web-1"), { type: "merge", body: { endpoints: [] } });
  await assert.rejects(
    kubelet.network.dial("web.default.svc", 80),
    /^Error: dial tcp 10\.96\.\d+\.\d+:80: connect: connection refused$/,
  );
  await assert.rejects(kubelet.network.dial("none.default.svc", 80), {
    message: "lookup none.default.svc on 10.96.0.10:53: no such host",
  });
});

test("readiness follows its probe; liveness restarts the container", { skip }, async () => {
  const probe = { httpGet: { path: "/", port: 8080 }, periodSeconds: 1, failureThreshold: 1 };
  await create("probed", [server({ readinessProbe: probe })]);
  await untilReady("probed");
  const { exitCode } = await kubelet.podAccess.exec({
    ...at("probed"),
    command: ["touch", "/tmp/sick"],
    stdin: false,
    tty: false,
  });
  assert.equal(await exitCode, 0);
  await untilPod("probed", "not ready", (pod) => !isReady(pod));
  const words = "Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503";
  await eventually("it is told", async () =>
    (await eventsOf("probed")).some((event) => event.startsWith(words)),
  );
  await create("alive", [
    shell("trap 'exit 0' TERM; while :; do sleep 0.05; done", {
      livenessProbe: { exec: { command: ["false"] }, periodSeconds: 1, failureThreshold: 1 },
    }),
  ]);
  await untilPod("alive", "restarted", (pod) => (pod.status?.containerStatuses?.[0]?.restartCount ?? 0) >= 1);
  await eventually("it is told", async () =>
    (await eventsOf("alive")).some((event) =>
      event.startsWith("Killing: Container c failed liveness probe, will be restarted"),
    ),
  );
});

test("a container that keeps failing is restarted once and then waits", { skip }, async () => {
  await create("crash", [shell("echo boom; exit 1")]);
  const pod = await untilPod(
    "crash",
    "waiting",
    (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === "CrashLoopBackOff",
  );
  const { restartCount = 0, state } = pod.status?.containerStatuses?.[0] ?? {};
  // On a machine that is very busy a later wait may be the first that is seen.
  const words = `back-off ${10 * 2 ** (restartCount - 1)}s restarting failed container=c pod=crash_default(`;
  assert.ok(state?.waiting?.message?.startsWith(words), state?.waiting?.message);
  assert.equal(await logs("crash"), "boom\n");
});

test("an unknown image waits with a message that says how to map it", { skip }, async () => {
  await create("unknown", [{ name: "c", image: "nginx:1.25" }]);
  await untilPod(
    "unknown",
    "waiting",
    (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === "ErrImagePull",
  );
  assert.match(
    (await containerStatus("unknown"))?.state?.waiting?.message ?? "",
    /Map it in tracegate\.yaml/,
  );
  await assert.rejects(logs("unknown"), {
    message: 'container "c" in pod "unknown" is waiting to start: trying and failing to pull image',
  });
});

test("init containers prepare a volume; a changed ConfigMap reaches the running pod", { skip }, async () => {
  const configMap = { apiVersion: "v1", kind: "ConfigMap", metadata: at("settings"), data: { word: "one" } };
  const mounts = [
    { name: "settings", mountPath: "/settings" },
    { name: "shared", mountPath: "/shared" },
  ];
  const script = "cat /shared/made; until grep -q two /settings/word; do sleep 0.05; done; echo changed";
  await create("volumes", [shell(script, { volumeMounts: mounts })], {
    restartPolicy: "Never",
    initContainers: [{ ...shell("echo prepared > /shared/made"), name: "init", volumeMounts: mounts }],
    volumes: [
      { name: "settings", configMap: { name: "settings" } },
      { name: "shared", emptyDir: {} },
    ],
  });
  await eventually("the missing ConfigMap is told", async () =>
    (await eventsOf("volumes")).some((event) =>
      event.startsWith(
        'FailedMount: MountVolume.SetUp failed for volume "settings" : configmap "settings" not found',
      ),
    ),
  );
  await client.create(ConfigMap, configMap);
  await untilPod(
    "volumes",
    "running",
    (pod) => pod.status?.containerStatuses?.[0]?.state?.running !== undefined,
  );
  await client.patch(ConfigMap, at("settings"), { type: "merge", body: { data: { word: "two" } } });
  await untilPod("volumes", "done", (pod) => pod.status?.phase === "Succeeded");
  assert.equal(await logs("volumes"), "prepared\nchanged\n");
});

test("following a log shows what comes until the container ends", { skip }, async () => {
  await create("talker", [shell("echo one; until test -e /tmp/go; do sleep 0.05; done; echo two")], {
    restartPolicy: "Never",
  });
  await untilPod(
    "talker",
    "running",
    (pod) => pod.status?.containerStatuses?.[0]?.state?.running !== undefined,
  );
  let seen = "";
  for await (const chunk of await kubelet.podAccess.logs({ ...at("talker"), follow: true })) {
    seen += chunk.toString();
    if (seen === "one\n")
      await kubelet.podAccess.exec({
        ...at("talker"),
        command: ["touch", "/tmp/go"],
        stdin: false,
        tty: false,
      });
  }
  assert.equal(seen, "one\ntwo\n");
});

test("a deleted pod that ignores SIGTERM is killed after its grace and then gone", { skip }, async () => {
  await create("stubborn", [shell("trap '' TERM; while :; do sleep 0.05; done")]);
  await untilReady("stubborn");
  await client.delete(Pod, at("stubborn"));
  assert.notEqual((await get("stubborn")).metadata.deletionTimestamp, undefined);
  await eventually("the pod is gone", async () => {
    try {
      await get("stubborn");
      return false;
    } catch (error) {
      return isNotFound(error);
    }
  });
  assert.ok((await eventsOf("stubborn")).includes("Killing: Stopping container c"));
});

test("a platform service is reached by its name from a pod and from the control plane", {
  skip,
}, async () => {
  await kubelet.registerPlatformService({
    namespace: "prometheus",
    name: "prometheus-server",
    ports: [
      {
        name: "http",
        port: 80,
        target: {
          accept: (connection) =>
            void connection.once("data", () => connection.end("HTTP/1.0 200 OK\r\n\r\nmetrics")),
        },
      },
    ],
  });
  await create(
    "asker",
    [shell("until curl -sS http://prometheus-server.prometheus.svc.cluster.local/; do sleep 0.1; done")],
    { restartPolicy: "Never" },
  );
  await untilPod("asker", "done", (pod) => pod.status?.phase === "Succeeded");
  assert.match(await logs("asker"), /metrics$/m);
  const connection = await kubelet.network.dial("prometheus-server.prometheus", 80);
  connection.end("GET / HTTP/1.0\r\n\r\n");
  let answer = "";
  for await (const chunk of connection) answer += chunk;
  assert.match(answer, /metrics$/);
});

test("the host's loopback is reached by the ports that are exposed, and by no others that serve", {
  skip,
}, async (t) => {
  const listen = async () => {
    const host = createServer((_, response) => response.end("the host"));
    t.after(() => host.close());
    await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve));
    return (host.address() as AddressInfo).port; // a TCP server's
  };
  const port = await listen();
  const other = await listen();
  await kubelet.exposeHostPort(port);
  const url = "http://host.tracegate.internal";
  const script = `until body=$(curl -s ${url}:${port}/); do sleep 0.1; done; echo "got $body"; curl -s ${url}:${other}/; echo "exit code $?"`;
  await create("guest", [shell(script)], { restartPolicy: "Never" });
  await untilPod("guest", "over", (pod) => pod.status?.phase === "Succeeded");
  assert.equal(await logs("guest"), "got the host\nexit code 7\n"); // 7: connection refused
});

test("a host outside is reached by the name and port that are allowed, and by no other", {
  skip: skip || (thisMachineOutside === undefined && "this machine has no address but the loopback's"),
}, async (t) => {
  const host = createServer((_, response) => response.end("the outside"));
  t.after(() => host.close());
  await new Promise<void>((resolve) => host.listen(0, "0.0.0.0", resolve));
  const { port } = host.address() as AddressInfo; // a TCP server's
  await kubelet.allowEgress("api.example.com", port);
  await kubelet.allowEgress("rebound.example.com", port);
  const script = [
    `until body=$(curl -s http://api.example.com:${port}/); do sleep 0.1; done; echo "got $body"`,
    // 7: refused, or no way there; 6: no such name; 56 (52 in other versions): closed without an answer.
    ...[
      `http://api.example.com:${port + 1}/`,
      "http://other.example.com/",
      `http://${thisMachineOutside}:${port}/`,
      `http://rebound.example.com:${port}/`,
    ].map((url) => `curl -s --max-time 20 ${url}; echo "exit code $?"`),
  ].join("; ");
  await create("traveller", [shell(script)], { restartPolicy: "Never" });
  await untilPod("traveller", "over", (pod) => pod.status?.phase === "Succeeded");
  assert.match(
    await logs("traveller"),
    /^got the outside\nexit code 7\nexit code 6\nexit code 7\nexit code 5[26]\n$/,
  );
});

test("a manifest that asks for the host gets a pod like any other, and is told what it did not get", {
  skip,
}, async () => {
  const script = [
    "[ $(ls -d /proc/[0-9]* | wc -l) -lt 10 ] && echo few processes",
    "grep -q ^$(hostname)$ /etc/hostname && hostname",
    "mount -t tmpfs x /mnt 2>/dev/null || echo no mount",
    "[ -e /dev/kmsg ] || [ -e /dev/mem ] || echo no devices",
    "ls /sys/fs 2>/dev/null || echo no sys",
  ].join("; ");
  const securityContext = { privileged: true, capabilities: { add: ["SYS_ADMIN", "ALL"] } };
  const host = { hostNetwork: true, hostPID: true, hostIPC: true, restartPolicy: "Never" } as const;
  await create("greedy", [shell(script, { securityContext })], host);
  await untilPod("greedy", "over", (pod) => pod.status?.phase === "Succeeded");
  assert.equal(await logs("greedy"), "few processes\ngreedy\nno mount\nno devices\nno sys\n");
  const told = (await eventsOf("greedy")).find((event) => event.startsWith("NotApplied: ")) ?? "";
  for (const field of ["hostNetwork", "hostPID", "hostIPC", "privileged", "capabilities.add SYS_ADMIN"])
    assert.ok(told.includes(field), `${field} in ${told}`);
});

test("a volume of the host's is refused by name, and the pod waits without starting", { skip }, async () => {
  const volumes = [{ name: "root", hostPath: { path: "/" } }];
  const container = shell("cat /host/etc/shadow", { volumeMounts: [{ name: "root", mountPath: "/host" }] });
  await create("mounter", [container], { volumes });
  await eventually("it is told", async () =>
    (await eventsOf("mounter")).some((event) =>
      /^FailedMount: .*volume type hostPath is not available/.test(event),
    ),
  );
  assert.notEqual((await containerStatus("mounter"))?.state?.waiting, undefined);
  assert.equal((await containerStatus("mounter"))?.started, false);
});

test("a new control plane finds its pods as they were: nothing restarts, nothing is counted twice", {
  skip,
}, async () => {
  await create("kept", [server({ readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 } })]);
  const before = await untilReady("kept");
  // Conditions count whole seconds: one that changes back and forth from now on shows.
  await eventually("a second has passed", () => isOlderThan(before, 1000));
  await stopControlPlane("keep");
  await startControlPlane();
  const connection = await kubelet.podAccess.portForward({ ...at("kept"), port: 8080 });
  connection.destroy();
  await create("later", [shell("sleep 1000")]);
  await untilReady("later");
  const kept = await get("kept");
  assert.deepEqual(kept.status?.containerStatuses, before.status?.containerStatuses);
  assert.deepEqual(kept.status?.conditions, before.status?.conditions);
  assert.notEqual((await get("later")).status?.podIP, kept.status?.podIP);
});

test("a memory limit is kept: OOMKilled, then the back-off; a limit of CPU is told of as not applied", {
  skip,
}, async () => {
  const args = ["-e", "const held = []; setInterval(() => held.push(Buffer.alloc(20 << 20, 1)), 20)"];
  await create("hungry", [
    { name: "c", image: "my/node:1", args, resources: { limits: { memory: "150Mi", cpu: "1" } } },
  ]);
  const pod = await untilPod(
    "hungry",
    "waiting",
    (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === "CrashLoopBackOff",
  );
  const { reason, exitCode } = pod.status?.containerStatuses?.[0]?.lastState?.terminated ?? {};
  assert.deepEqual({ reason, exitCode }, { reason: "OOMKilled", exitCode: 137 });
  await eventually("it is told", async () =>
    (await eventsOf("hungry")).includes(
      "NotApplied: This node does not apply: containers{c}.resources.limits.cpu",
    ),
  );
});
