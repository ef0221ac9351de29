import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "@tracegate/kube";
import { withKeptAddresses } from "./service-form.ts";

const service = (spec: object): KubeObject =>
  ({ apiVersion: "v1", kind: "Service", metadata: { name: "s" }, spec }) as KubeObject;
const kept = (spec: object, before: object): object => {
  const { spec: made } = withKeptAddresses(service(spec), service(before)) as KubeObject & { spec: object };
  return made;
};

const address = { clusterIP: "10.96.0.9", clusterIPs: ["10.96.0.9"] };
const port = { port: 80, protocol: "TCP" };
const exposed = {
  ...address,
  type: "NodePort",
  externalTrafficPolicy: "Cluster",
  ports: [{ ...port, nodePort: 30_001 }],
};

test("an update without addresses keeps those that the Service has", () => {
  assert.deepEqual(kept({ type: "NodePort", ports: [port] }, exposed), {
    ...address,
    type: "NodePort",
    ports: [{ ...port, nodePort: 30_001 }],
  });
});

test("what only the former type had goes with it", () => {
  assert.deepEqual(kept({ ...exposed, type: "ClusterIP" }, exposed), {
    ...address,
    type: "ClusterIP",
    ports: [port],
  });
  assert.deepEqual(kept({ ...address, type: "ExternalName" }, { ...address, type: "ClusterIP" }), {
    type: "ExternalName",
  });
});

test("what is changed together with the type is left to validation", () => {
  const changed = { ...exposed, type: "ClusterIP", externalTrafficPolicy: "Local" };
  assert.equal(Reflect.get(kept(changed, exposed), "externalTrafficPolicy"), "Local");
});

test("another address stands in both fields, so that its change is seen", () => {
  const wanted = { ...address, clusterIP: "10.96.0.10", type: "ClusterIP" };
  assert.deepEqual(kept(wanted, { ...address, type: "ClusterIP" }), {
    clusterIP: "10.96.0.10",
    clusterIPs: ["10.96.0.10"],
    type: "ClusterIP",
  });
});
