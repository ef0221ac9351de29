import assert from "node:assert/strict";
import { test } from "node:test";
import { recordedRequests } from "../../testing/index.ts";
import { isObject, type JsonObject, objectAt } from "../json.ts";
import { humanDuration } from "../values/duration.ts";
import { builtInPrinter } from "./built-in.ts";
import { customPrinter } from "./custom.ts";
import { jsonPathValues } from "./json-path.ts";
import { podState } from "./pods.ts";

/** Kinds by the last part of a path. */
const KINDS: Record<string, { group: string; kind: string }> = {
  namespaces: { group: "", kind: "Namespace" },
  pods: { group: "", kind: "Pod" },
  services: { group: "", kind: "Service" },
  configmaps: { group: "", kind: "ConfigMap" },
  secrets: { group: "", kind: "Secret" },
  serviceaccounts: { group: "", kind: "ServiceAccount" },
  events: { group: "", kind: "Event" },
  deployments: { group: "apps", kind: "Deployment" },
  replicasets: { group: "apps", kind: "ReplicaSet" },
  daemonsets: { group: "apps", kind: "DaemonSet" },
  statefulsets: { group: "apps", kind: "StatefulSet" },
  jobs: { group: "batch", kind: "Job" },
  cronjobs: { group: "batch", kind: "CronJob" },
  ingresses: { group: "networking.k8s.io", kind: "Ingress" },
  networkpolicies: { group: "networking.k8s.io", kind: "NetworkPolicy" },
  horizontalpodautoscalers: { group: "autoscaling", kind: "HorizontalPodAutoscaler" },
  poddisruptionbudgets: { group: "policy", kind: "PodDisruptionBudget" },
  roles: { group: "rbac.authorization.k8s.io", kind: "Role" },
  rolebindings: { group: "rbac.authorization.k8s.io", kind: "RoleBinding" },
  leases: { group: "coordination.k8s.io", kind: "Lease" },
};

/** The latest recorded state of each object before a request. */
function objectsBefore(name: string): Map<string, JsonObject> {
  const objects = new Map<string, JsonObject>();
  for (const { name: current, response } of recordedRequests()) {
    if (current === name) break;
    const { body } = response;
    if (!isObject(body)) continue;
    const found = Array.isArray(body["items"]) ? body["items"].filter(isObject) : [body];
    for (const object of found) {
      const kind = body["kind"] === "Table" ? "" : String(body["kind"]).replace(/List$/, "");
      const { name: objectName } = objectAt(object, "metadata") ?? {};
      if (objectName !== undefined) objects.set(`${kind}/${objectName}`, object);
    }
  }
  return objects;
}

const isChanging = new Set(["AGE", "TIME"]);

for (const { name, request, response } of recordedRequests()) {
  const { body } = response;
  if (!isObject(body) || body["kind"] !== "Table" || name.startsWith("cr/")) continue;
  test(`${name}: columns and cells are those of kube-apiserver`, () => {
    const resource =
      request.path
        .replace(/\?.*/, "")
        .split("/")
        .findLast((part) => part in KINDS) ?? "";
    const kind = KINDS[resource];
    assert.ok(kind, request.path);
    const printer = builtInPrinter(kind);
    assert.deepEqual(printer.columns, body["columnDefinitions"]);
    const known = objectsBefore(name);
    assert.ok(Array.isArray(body["rows"]));
    for (const row of body["rows"]) {
      const object = known.get(`${kind.kind}/${row.object.metadata.name}`);
      // Pods and replica sets made by controllers were never shown whole.
      if (object === undefined || /-HASH|^d1$|^ssad$|^j1/.test(row.object.metadata.name)) continue;
      const cells = printer.cells(object, 0);
      assert.equal(cells.length, row.cells.length);
      cells.forEach((cell, i) => {
        if (!isChanging.has(row.cells[i])) assert.deepEqual(cell, row.cells[i], `${name} column ${i}`);
      });
    }
  });
}

test("custom columns take what their paths find", () => {
  const printer = customPrinter({
    additionalPrinterColumns: [
      { name: "Size", type: "integer", jsonPath: ".spec.replicas" },
      { name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
      { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
      { name: "Wrong", type: "integer", jsonPath: ".spec.name" },
    ],
  });
  const object = {
    metadata: { name: "a", creationTimestamp: "1970-01-01T00:00:00Z" },
    spec: { replicas: 3, name: "x" },
    status: {
      conditions: [
        { type: "Other", status: "False" },
        { type: "Ready", status: "True" },
      ],
    },
  };
  assert.deepEqual(printer.cells(object, 200_000), ["a", 3, "True", "3m20s", null]);
  assert.deepEqual(jsonPathValues(".metadata.labels['a/b']", { metadata: { labels: { "a/b": 1 } } }), [1]);
  assert.deepEqual(jsonPathValues(".spec.missing", object), []);
  assert.equal(jsonPathValues(".spec[", object), undefined);
});

test("the status of a pod is told from its containers", () => {
  const pod = (status: object, metadata = {}) => ({
    metadata,
    spec: { containers: [{}], initContainers: [{ name: "i" }] },
    status,
  });
  const cases: [JsonObject, string][] = [
    [pod({ phase: "Pending" }), "Pending"],
    [pod({ phase: "Pending", initContainerStatuses: [{ name: "i", state: { running: {} } }] }), "Init:0/1"],
    [
      pod({
        phase: "Pending",
        initContainerStatuses: [{ name: "i", state: { terminated: { exitCode: 2 } } }],
      }),
      "Init:ExitCode:2",
    ],
    [
      pod({ phase: "Running", containerStatuses: [{ state: { waiting: { reason: "CrashLoopBackOff" } } }] }),
      "CrashLoopBackOff",
    ],
    [pod({ phase: "Running" }, { deletionTimestamp: "x" }), "Terminating"],
    [pod({ phase: "Failed", containerStatuses: [{ state: { terminated: { signal: 9 } } }] }), "Signal:9"],
  ];
  for (const [object, reason] of cases) assert.equal(podState(object).reason, reason);
});

test("durations grow coarser", () => {
  const cases: [number, string][] = [
    [95, "95s"],
    [200, "3m20s"],
    [300, "5m"],
    [2700, "45m"],
    [11100, "3h5m"],
    [108000, "30h"],
    [273600, "3d4h"],
    [400 * 86400, "400d"],
    [(3 * 365 + 20) * 86400, "3y20d"],
  ];
  for (const [seconds, text] of cases) assert.equal(humanDuration(seconds * 1000), text);
});
