import assert from "node:assert/strict";
import { test } from "node:test";
import { targetResolver } from "./job.ts";
import { discoverPods, kubernetesPodsJob, type PodForDiscovery } from "./kubernetes-pods.ts";

const hotrod: PodForDiscovery = {
  metadata: {
    name: "hotrod-6f-x",
    namespace: "hotrod",
    labels: { app: "hotrod", "rollouts-pod-template-hash": "6f", "app.kubernetes.io/name": "h" },
    annotations: {
      "prometheus.io/scrape": "true",
      "prometheus.io/port": "8080",
      "prometheus.io/path": "/metrics",
    },
  },
  spec: {
    nodeName: "node-1",
    containers: [
      { name: "hotrod", ports: [{ containerPort: 8080 }, { containerPort: 8081 }, { containerPort: 8083 }] },
    ],
  },
  status: { podIP: "10.244.0.7", phase: "Running" },
};

const resolve = (...pods: PodForDiscovery[]) => targetResolver(kubernetesPodsJob(15_000))(discoverPods(pods));
const annotated = (annotations: Record<string, string>): PodForDiscovery => ({
  ...hotrod,
  metadata: { ...hotrod.metadata, annotations },
});

test("an annotated pod is one target, however many ports it has, labelled as queries expect", () => {
  const { active } = resolve(hotrod);
  assert.equal(active.length, 1);
  assert.equal(active[0]?.url, "http://10.244.0.7:8080/metrics");
  assert.deepEqual(active[0]?.labels.toRecord(), {
    app: "hotrod",
    app_kubernetes_io_name: "h",
    instance: "10.244.0.7:8080",
    job: "kubernetes-pods",
    namespace: "hotrod",
    node: "node-1",
    pod: "hotrod-6f-x",
    rollouts_pod_template_hash: "6f",
  });
});

test("path, scheme and parameters come from annotations too", () => {
  const { active } = resolve(
    annotated({
      "prometheus.io/scrape": "true",
      "prometheus.io/port": "9",
      "prometheus.io/path": "/m/x",
      "prometheus.io/scheme": "https",
      "prometheus.io/param_module": "a b",
    }),
  );
  assert.equal(active[0]?.url, "https://10.244.0.7:9/m/x?module=a+b");
});

test("without a port annotation every declared port is a target", () => {
  const { active } = resolve(annotated({ "prometheus.io/scrape": "true" }));
  assert.deepEqual(
    active.map(({ url }) => url),
    ["http://10.244.0.7:8080/metrics", "http://10.244.0.7:8081/metrics", "http://10.244.0.7:8083/metrics"],
  );
});

test("an IPv6 pod is dialled in brackets", () => {
  const { active } = resolve({ ...hotrod, status: { podIP: "fd00:0:0:0:0:0:0:7", phase: "Running" } });
  assert.equal(active[0]?.url, "http://[fd00:0:0:0:0:0:0:7]:8080/metrics");
});

test("pods that do not ask, have no address, or have ended are not scraped", () => {
  assert.equal(resolve(annotated({})).active.length, 0);
  assert.equal(resolve(annotated({ "prometheus.io/scrape": "false" })).dropped.length, 3);
  assert.equal(resolve({ ...hotrod, status: { phase: "Pending" } }).active.length, 0);
  assert.equal(resolve({ ...hotrod, status: { podIP: "10.244.0.7", phase: "Succeeded" } }).active.length, 0);
});
