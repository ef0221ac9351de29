import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { Clock } from "@tracegate/contracts";
import {
  ConfigMap,
  CustomResourceDefinition,
  DaemonSet,
  Deployment,
  defineKind,
  isAlreadyExists,
  isConflict,
  isExpired,
  isForbidden,
  isNotFound,
  type KubeObject,
  Namespace,
  Pod,
  type ResourceClient,
  Service,
  type WatchEvent,
} from "@tracegate/kube";
import { memoryStore, type Store } from "@tracegate/store";
import { seededRandom } from "../testing/index.ts";
import { type Api, createApi } from "./core/api.ts";
import { embeddedClient } from "./embedded-client.ts";

let now = Date.UTC(2026, 0, 1);
const clock: Clock = { now: () => now, after: () => new Promise(() => {}) };
let store: Store;
let api: Api;
let client: ResourceClient;

beforeEach(() => {
  now = Date.UTC(2026, 0, 1);
  store = memoryStore();
  api = createApi({ store, clock, random: seededRandom(1), reservedNodePorts: [30100] });
  client = embeddedClient(api);
});

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const configMap = (name: string, data: Record<string, string> = {}): ConfigMap => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default" },
  data,
});
const container = { name: "c", image: "web:1" };
const pod = (name: string, nodeName?: string): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default" },
  spec: { containers: [container], ...(nodeName === undefined ? {} : { nodeName }) },
});
const deployment = (name: string): Deployment => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace: "default" },
  spec: {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [container] } },
  },
});
const at = (name: string) => ({ name, namespace: "default" });

test("a cluster begins with its system namespaces and the kubernetes service", async () => {
  const namespaces = await client.list(Namespace);
  assert.deepEqual(
    namespaces.items.map(({ metadata }) => metadata.name),
    ["default", "kube-node-lease", "kube-public", "kube-system"],
  );
  const service = await client.get(Service, at("kubernetes"));
  assert.equal(service.spec?.clusterIP, "10.96.0.1");
});

test("what is created can be read, listed by labels and is refused a second time", async () => {
  const made = await client.create(ConfigMap, configMap("a", { x: "1" }));
  assert.match(made.metadata.uid ?? "", /^[0-9a-f]{8}-[0-9a-f]{4}-4/);
  assert.equal(made.metadata.creationTimestamp, "2026-01-01T00:00:00Z");
  assert.deepEqual(await client.get(ConfigMap, at("a")), made);
  await assert.rejects(client.create(ConfigMap, configMap("a")), isAlreadyExists);
  await assert.rejects(client.get(ConfigMap, at("b")), isNotFound);
  await assert.rejects(
    client.create(ConfigMap, { ...configMap("b"), metadata: { name: "b", namespace: "nope" } }),
    isNotFound,
  );
});

test("an update from an old state is refused, and one that changes nothing keeps the resourceVersion", async () => {
  const made = await client.create(ConfigMap, configMap("a", { x: "1" }));
  const changed = await client.update(ConfigMap, { ...made, data: { x: "2" } });
  assert.notEqual(changed.metadata.resourceVersion, made.metadata.resourceVersion);
  await assert.rejects(client.update(ConfigMap, { ...made, data: { x: "3" } }), isConflict);
  const same = await client.update(ConfigMap, { ...changed, data: { x: "2" } });
  assert.equal(same.metadata.resourceVersion, changed.metadata.resourceVersion);
});

test("the generation follows the spec, and status is written apart", async () => {
  const made = await client.create(Deployment, deployment("web"));
  assert.equal(made.metadata.generation, 1);
  const scaled = await client.patch(Deployment, at("web"), {
    type: "merge",
    body: { spec: { replicas: 3 } },
  });
  assert.equal(scaled.metadata.generation, 2);
  const ignored = await client.patch(Deployment, at("web"), {
    type: "merge",
    body: { status: { replicas: 9 } },
  });
  assert.equal(ignored.status?.replicas, undefined);
  const status = await client.update(
    Deployment,
    { ...scaled, spec: { ...scaled.spec, replicas: 7 }, status: { replicas: 3 } },
    { subresource: "status" },
  );
  assert.equal(status.status?.replicas, 3);
  assert.equal(status.spec.replicas, 3);
  assert.equal(status.metadata.generation, 2);
});

test("watches see each change once, in order, with the state before a selection was left", async () => {
  const { metadata } = await client.list(ConfigMap);
  const seen: string[] = [];
  const watch = client.watch(
    ConfigMap,
    { labelSelector: "a=1", resourceVersion: metadata.resourceVersion },
    {
      event: (event: WatchEvent<ConfigMap>) => {
        if (event.type !== "BOOKMARK") seen.push(`${event.type} ${event.object.data?.["x"]}`);
      },
      close: () => seen.push("closed"),
    },
  );
  const labelled = (x: string, a: string): ConfigMap => {
    const object = configMap("a", { x });
    return { ...object, metadata: { ...object.metadata, labels: { a } } };
  };
  await client.create(ConfigMap, labelled("1", "1"));
  await client.update(ConfigMap, labelled("2", "1"));
  await client.update(ConfigMap, labelled("3", "2"));
  await client.update(ConfigMap, labelled("4", "1"));
  await client.delete(ConfigMap, at("a"));
  await turn();
  assert.deepEqual(seen, ["ADDED 1", "MODIFIED 2", "DELETED 2", "ADDED 4", "DELETED 4"]);
  watch.stop();
});

test("a watch from a compacted revision ends with Expired", async () => {
  await client.create(ConfigMap, configMap("a"));
  store.compact(store.revision);
  const reason = await new Promise<unknown>((resolve) => {
    client.watch(ConfigMap, { resourceVersion: "1" }, { event: () => {}, close: resolve });
  });
  assert.ok(isExpired(reason));
});

test("finalizers hold an object until the last one is removed", async () => {
  const object = configMap("a");
  await client.create(ConfigMap, {
    ...object,
    metadata: { ...object.metadata, finalizers: ["example.org/hold"] },
  });
  await client.delete(ConfigMap, at("a"));
  const held = await client.get(ConfigMap, at("a"));
  assert.equal(held.metadata.deletionTimestamp, "2026-01-01T00:00:00Z");
  await client.patch(ConfigMap, at("a"), { type: "merge", body: { metadata: { finalizers: null } } });
  await assert.rejects(client.get(ConfigMap, at("a")), isNotFound);
});

test("propagation policies become finalizers for the garbage collector", async () => {
  await client.create(Deployment, deployment("web"));
  await client.delete(Deployment, at("web"), { propagationPolicy: "Foreground" });
  assert.deepEqual((await client.get(Deployment, at("web"))).metadata.finalizers, ["foregroundDeletion"]);
  await client.patch(Deployment, at("web"), { type: "merge", body: { metadata: { finalizers: [] } } });
  await assert.rejects(client.get(Deployment, at("web")), isNotFound);
});

test("pods on a node are given their grace, which later deletes can only shorten", async () => {
  await client.create(Pod, pod("placed", "node"));
  await client.create(Pod, pod("waiting"));
  await client.delete(Pod, at("waiting"));
  await assert.rejects(client.get(Pod, at("waiting")), isNotFound);
  await client.delete(Pod, at("placed"), { gracePeriodSeconds: 30 });
  const stopping = await client.get(Pod, at("placed"));
  assert.equal(stopping.metadata.deletionTimestamp, "2026-01-01T00:00:30Z");
  await client.delete(Pod, at("placed"), { gracePeriodSeconds: 60 });
  assert.equal((await client.get(Pod, at("placed"))).metadata.deletionGracePeriodSeconds, 30);
  await client.delete(Pod, at("placed"), { gracePeriodSeconds: 0 });
  await assert.rejects(client.get(Pod, at("placed")), isNotFound);
});

test("a pod without a service account gets the default one, where that is admitted", async () => {
  const admitting = createApi({ store, clock, defaultServiceAccount: true });
  const here = embeddedClient(admitting);
  assert.equal((await here.create(Pod, pod("plain"))).spec.serviceAccountName, "default");
  const named = { ...pod("named"), spec: { containers: [container], serviceAccountName: "robot" } };
  assert.equal((await here.create(Pod, named)).spec.serviceAccountName, "robot");
  // A volume with the pod's own token may be asked for then; without an account, there is none to give.
  const token = {
    name: "token",
    projected: { sources: [{ serviceAccountToken: { path: "token" } }] },
  };
  const asking = (name: string): Pod => ({
    ...pod(name),
    spec: { containers: [container], volumes: [token] },
  });
  await here.create(Pod, asking("asking"));
  await assert.rejects(client.create(Pod, asking("refused")), /serviceAccountName is not set/);
});

test("a container may ask to be privileged where that is allowed", async () => {
  const containers = [{ ...container, securityContext: { privileged: true } }];
  const asking = { ...pod("strong"), spec: { containers } };
  await assert.rejects(
    client.create(Pod, asking),
    /spec.containers\[0\].securityContext.privileged: Forbidden: disallowed by cluster policy/,
  );
  const allowing = embeddedClient(createApi({ store, clock, allowPrivileged: true }));
  assert.equal((await allowing.create(Pod, asking)).metadata.name, "strong");
});

test("a namespace takes nothing more once it is terminating, and goes when it is finalized", async () => {
  await client.create(Namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name: "team" } });
  const object = { ...configMap("a"), metadata: { name: "a", namespace: "team" } };
  await client.create(ConfigMap, object);
  await client.delete(Namespace, { name: "team" });
  const namespace = await client.get(Namespace, { name: "team" });
  assert.equal(namespace.status?.phase, "Terminating");
  await assert.rejects(
    client.create(ConfigMap, { ...object, metadata: { name: "b", namespace: "team" } }),
    isForbidden,
  );
  await client.deleteCollection(ConfigMap, { namespace: "team" });
  await client.update(Namespace, { ...namespace, spec: { finalizers: [] } }, { subresource: "finalize" });
  await assert.rejects(client.get(Namespace, { name: "team" }), isNotFound);
  await assert.rejects(client.delete(Namespace, { name: "default" }), isForbidden);
});

test("services get addresses of their own and keep them", async () => {
  const service = (name: string, spec: NonNullable<Service["spec"]>): Service => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default" },
    spec,
  });
  const ports = [{ port: 80, protocol: "TCP" as const }];
  const first = await client.create(Service, service("a", { ports, type: "NodePort" }));
  const second = await client.create(Service, service("b", { ports, clusterIP: "None" }));
  assert.match(first.spec?.clusterIP ?? "", /^10\.96\./);
  assert.equal(second.spec?.clusterIP, "None");
  const nodePort = first.spec?.ports?.[0]?.nodePort ?? 0;
  assert.ok(nodePort >= 30086 && nodePort <= 32767);
  const replaced = await client.update(Service, service("a", { ports, type: "NodePort" }));
  assert.equal(replaced.spec?.clusterIP, first.spec?.clusterIP);
  assert.equal(replaced.spec?.ports?.[0]?.nodePort, nodePort);
  const taken = [{ port: 80, protocol: "TCP" as const, nodePort }];
  await assert.rejects(
    client.create(Service, service("c", { ports: taken, type: "NodePort" })),
    /provided port is already allocated/,
  );
});

interface Widget extends KubeObject {
  spec?: { size?: number };
  status?: { phase?: string };
}
const Widget = defineKind<Widget>("example.org/v1", "Widget", "widgets");
const widgets: CustomResourceDefinition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "widgets.example.org" },
  spec: {
    group: "example.org",
    scope: "Namespaced",
    names: { plural: "widgets", singular: "widget", kind: "Widget", listKind: "WidgetList" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
        subresources: {
          status: {},
          scale: { specReplicasPath: ".spec.size", statusReplicasPath: ".status.size" },
        },
      },
    ],
  },
};

test("a definition serves its kind, and takes the objects with it when deleted", async () => {
  const widget: Widget = {
    apiVersion: "example.org/v1",
    kind: "Widget",
    metadata: { name: "w", namespace: "default" },
    spec: { size: 1 },
    status: { phase: "Made" },
  };
  await assert.rejects(client.create(Widget, widget), isNotFound);
  await client.create(CustomResourceDefinition, widgets);
  const definition = await client.get(CustomResourceDefinition, { name: "widgets.example.org" });
  assert.ok(
    definition.status?.conditions?.some(({ type, status }) => type === "Established" && status === "True"),
  );
  const made = await client.create(Widget, widget);
  assert.equal(made.status, undefined, "status is a subresource");
  const grown = await client.patch(Widget, at("w"), { type: "merge", body: { spec: { size: 2 } } });
  assert.equal(grown.metadata.generation, 2);
  const again = createApi({ store, clock, random: seededRandom(2) });
  assert.ok(again.kinds.find("example.org", "v1", "widgets"), "served again after a start");
  await client.delete(CustomResourceDefinition, { name: "widgets.example.org" });
  await assert.rejects(client.get(CustomResourceDefinition, { name: "widgets.example.org" }), isNotFound);
  await assert.rejects(client.list(Widget), isNotFound);
  assert.equal(store.count("widgets.example.org/"), 0);
});

test("events are forgotten an hour after they last happened", async () => {
  const Events = defineKind("v1", "Event", "events");
  const event = { apiVersion: "v1", kind: "Event", metadata: { name: "e", namespace: "default" } };
  await client.create(Events, {
    ...event,
    involvedObject: { kind: "Pod", name: "p", namespace: "default" },
    lastTimestamp: "2026-01-01T00:10:00Z",
  } as KubeObject);
  now += 3_600_000;
  assert.equal((await client.list(Events)).items.length, 1);
  now += 660_000;
  assert.equal((await client.list(Events)).items.length, 0);
});

test("an event is one object in both of its groups", async () => {
  const classic = defineKind("v1", "Event", "events");
  const modern = defineKind("events.k8s.io/v1", "Event", "events");
  await client.create(modern, {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { name: "e", namespace: "default" },
    eventTime: "2026-01-01T00:00:00.000000Z",
    reportingController: "example.org/robot",
    reportingInstance: "robot-1",
    action: "Greet",
    reason: "Hello",
    note: "hello",
    type: "Normal",
    regarding: { kind: "Pod", name: "p", namespace: "default" },
  } as KubeObject);
  const seen = (await client.get(classic, at("e"))) as KubeObject & {
    message?: string;
    involvedObject?: { name: string };
  };
  assert.equal(seen.apiVersion, "v1");
  assert.equal(seen.message, "hello");
  assert.equal(seen.involvedObject?.name, "p");
});

test("an autoscaler of the first version is stored as the second", async () => {
  const first = defineKind("autoscaling/v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers");
  const second = defineKind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers");
  const spec = {
    maxReplicas: 3,
    targetCPUUtilizationPercentage: 70,
    scaleTargetRef: { kind: "Deployment", name: "web", apiVersion: "apps/v1" },
  };
  await client.create(first, {
    apiVersion: "autoscaling/v1",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "h", namespace: "default" },
    spec,
  } as KubeObject);
  const stored = (await client.get(second, at("h"))) as KubeObject & { spec: { metrics: unknown } };
  const target = { type: "Utilization", averageUtilization: 70 };
  assert.deepEqual(stored.spec.metrics, [{ type: "Resource", resource: { name: "cpu", target } }]);
  const again = (await client.get(first, at("h"))) as KubeObject & {
    spec: { targetCPUUtilizationPercentage: number };
  };
  assert.equal(again.spec.targetCPUUtilizationPercentage, 70);
});

test("the same seed makes the same names and uids", async () => {
  const names = async () => {
    const own = embeddedClient(createApi({ store: memoryStore(), clock, random: seededRandom(7) }));
    const { metadata } = await own.create(ConfigMap, {
      ...configMap(""),
      metadata: { name: "", generateName: "web-", namespace: "default" },
    });
    return [metadata.name, metadata.uid];
  };
  const first = await names();
  assert.match(first[0] ?? "", /^web-[a-z0-9]{5}$/);
  assert.deepEqual(await names(), first);
});

test("the generation rises with what is asked for, not with a status, whatever annotations it brings", async () => {
  await client.create(Deployment, deployment("d"));
  const annotate = (value: string) => ({
    type: "merge" as const,
    body: { metadata: { annotations: { a: value } } },
  });
  const told = await client.patch(Deployment, at("d"), annotate("1"), { subresource: "status" });
  assert.deepEqual([told.metadata.generation, told.metadata.annotations], [1, { a: "1" }]);
  const asked = await client.patch(Deployment, at("d"), annotate("2"));
  assert.equal(asked.metadata.generation, 2);
});

test("a DaemonSet counts its templates, and nobody else does", async () => {
  const { spec } = deployment("ds");
  const made = await client.create(DaemonSet, {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: at("ds"),
    spec: { selector: spec.selector, template: spec.template },
  });
  const countOf = ({ metadata }: KubeObject) =>
    metadata.annotations?.["deprecated.daemonset.template.generation"];
  const patch = (body: object) => client.patch(DaemonSet, at("ds"), { type: "merge", body });
  assert.equal(countOf(made), "1");
  assert.equal(countOf(await patch({ spec: { template: { metadata: { labels: { more: "1" } } } } })), "2");
  assert.equal(countOf(await patch({ metadata: { annotations: null } })), "2");
});

test("a custom resource is of the kind that its definition names", async () => {
  await client.create(CustomResourceDefinition, widgets);
  const gadget = {
    apiVersion: "example.org/v1",
    kind: "Gadget",
    metadata: { name: "g", namespace: "default" },
    spec: { size: 1 },
  };
  const served = api.kinds.find("example.org", "v1", "widgets");
  assert.ok(served !== undefined);
  assert.throws(() => api.create(served, "default", gadget), /kind: Invalid value: "Gadget": must be Widget/);
});
