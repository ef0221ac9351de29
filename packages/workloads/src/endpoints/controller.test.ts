import assert from "node:assert/strict";
import { test } from "node:test";
import { EndpointSlice, Pod, Service } from "@tracegate/kube";
import { simulatedCluster } from "../../testing/index.ts";
import { Endpoints } from "./endpoints-kind.ts";

const inDefault = (name: string) => ({ namespace: "default", name });

const pod = (name: string, port = 8080, image = "web:1"): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { ...inDefault(name), labels: { app: "web" } },
  spec: {
    containers: [{ name: "web", image, ports: [{ name: "http", containerPort: port }] }],
    terminationGracePeriodSeconds: 1,
  },
});

const service: Service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: inDefault("web"),
  spec: { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: "http" }] },
};

async function begin() {
  const { client, scheduler } = await simulatedCluster();
  await client.create(Service, service);
  const slices = async () => {
    const labelSelector = "kubernetes.io/service-name=web";
    const { items } = await client.list(EndpointSlice, { namespace: "default", labelSelector });
    return items
      .map(({ ports = [], endpoints }) => ({
        ports: ports.map(({ port }) => port),
        endpoints: endpoints.map(({ targetRef, conditions }) => `${targetRef?.name} ${conditions?.ready}`),
      }))
      .sort((a, b) => (a.ports[0] ?? 0) - (b.ports[0] ?? 0));
  };
  return { client, scheduler, slices };
}

test("a Service lists the pods it selects, with what their named port is, as they get ready and go", async () => {
  const { client, scheduler, slices } = await begin();
  await scheduler.advanceBy(100);
  assert.deepEqual(await slices(), [{ ports: [], endpoints: [] }]);
  await client.create(Pod, pod("a"));
  await client.create(Pod, pod("b", 8080, "web:1-never"));
  await client.create(Pod, pod("c", 9090));
  await scheduler.advanceBy(1000);
  assert.deepEqual(
    (await slices()).sort((x, y) => (x.ports[0] ?? 0) - (y.ports[0] ?? 0)),
    [
      { ports: [8080], endpoints: ["a true", "b false"] },
      { ports: [9090], endpoints: ["c true"] },
    ],
  );
  const endpoints = await client.get(Endpoints, inDefault("web"));
  assert.deepEqual(
    endpoints.subsets?.map(({ addresses, notReadyAddresses, ports }) => [
      addresses?.map(({ targetRef }) => targetRef?.name),
      notReadyAddresses?.map(({ targetRef }) => targetRef?.name),
      ports,
    ]),
    [
      [["a"], ["b"], [{ name: "http", port: 8080, protocol: "TCP" }]],
      [["c"], undefined, [{ name: "http", port: 9090, protocol: "TCP" }]],
    ],
  );
  await client.delete(Pod, inDefault("c"));
  await scheduler.advanceBy(100);
  assert.deepEqual((await slices())[1]?.endpoints, ["c false"]);
  await scheduler.advanceBy(1000);
  assert.deepEqual(await slices(), [{ ports: [8080], endpoints: ["a true", "b false"] }]);
});

test("when the Service goes, its Endpoints go", async () => {
  const { client, scheduler } = await begin();
  await scheduler.advanceBy(100);
  await client.delete(Service, inDefault("web"));
  await scheduler.advanceBy(100);
  await assert.rejects(client.get(Endpoints, inDefault("web")), /not found/);
});
