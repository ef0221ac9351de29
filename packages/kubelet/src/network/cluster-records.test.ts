import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndpointSlice, Service } from "@tracegate/kube";
import { networkConfig } from "./cluster-records.ts";
import { recordType, responseCode } from "./dns-message.ts";
import { resolveQuestion } from "./dns-zone.ts";

const service = (name: string, spec: Service["spec"]): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "ns" },
  spec,
});
const slice = (
  name: string,
  endpoints: EndpointSlice["endpoints"],
  ports = [{ name: "http", port: 8080 }],
): EndpointSlice => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name: `${name}-x`, namespace: "ns", labels: { "kubernetes.io/service-name": name } },
  addressType: "IPv4",
  endpoints,
  ports,
});
const web = service("web", {
  clusterIP: "10.96.1.1",
  ports: [
    { name: "http", port: 80 },
    { name: "dns", port: 53, protocol: "UDP" },
  ],
});
const headless = service("db", { clusterIP: "None" });
const outside = service("out", { type: "ExternalName", externalName: "Example.ORG." });
const endpoints = [
  { addresses: ["10.244.0.2"], conditions: { ready: true }, hostname: "db-0" },
  { addresses: ["10.244.0.3"], conditions: { ready: false } },
  { addresses: ["10.244.0.4"] },
];
const { services, records } = networkConfig(
  [web, headless, outside],
  [slice("web", endpoints), slice("db", endpoints)],
  [{ metadata: { name: "p", namespace: "ns" }, status: { podIP: "10.244.0.7" } }],
);
const ask = (name: string, type: number = recordType.A) =>
  resolveQuestion(records, { opcode: 0, question: { name, type, class: 1 } });
const addresses = (name: string) =>
  ask(name).answers.flatMap((answer) => (answer.type === "A" ? [answer.address] : []));

test("a service's TCP ports lead to its ready endpoints; a readiness that is not told counts as ready", () => {
  assert.deepEqual(services, [
    {
      clusterIP: "10.96.1.1",
      port: 80,
      endpoints: [
        { ip: "10.244.0.2", port: 8080 },
        { ip: "10.244.0.4", port: 8080 },
      ],
    },
  ]);
});

test("publishNotReadyAddresses takes unready ones too", () => {
  const all = { ...web, spec: { ...web.spec, publishNotReadyAddresses: true } };
  assert.equal(networkConfig([all], [slice("web", endpoints)]).services[0]?.endpoints.length, 3);
});

test("a name leads to the cluster address, a headless one to its ready pods", () => {
  assert.deepEqual(addresses("web.ns.svc.cluster.local"), ["10.96.1.1"]);
  assert.deepEqual(addresses("db.ns.svc.cluster.local"), ["10.244.0.2", "10.244.0.4"]);
  assert.deepEqual(addresses("db-0.db.ns.svc.cluster.local"), ["10.244.0.2"]);
  assert.deepEqual(addresses("10-244-0-7.ns.pod.cluster.local"), ["10.244.0.7"]);
});

test("an ExternalName is an alias", () => {
  assert.deepEqual(ask("out.ns.svc.cluster.local").answers, [
    { name: "out.ns.svc.cluster.local", ttl: 5, type: "CNAME", target: "example.org" },
  ]);
});

test("named ports have SRV records", () => {
  assert.deepEqual(ask("_http._tcp.web.ns.svc.cluster.local", recordType.SRV).answers, [
    {
      name: "_http._tcp.web.ns.svc.cluster.local",
      ttl: 5,
      type: "SRV",
      port: 80,
      target: "web.ns.svc.cluster.local",
    },
  ]);
});

test("an unknown name does not exist; a known one without IPv6 does", () => {
  assert.deepEqual(ask("none.ns.svc.cluster.local"), { code: responseCode.noSuchName, answers: [] });
  assert.deepEqual(ask("example.com"), { code: responseCode.noSuchName, answers: [] });
  assert.deepEqual(ask("constructor"), { code: responseCode.noSuchName, answers: [] });
  assert.deepEqual(ask("web.ns.svc.cluster.local", recordType.AAAA), {
    code: responseCode.noError,
    answers: [],
  });
  assert.deepEqual(ask("svc.cluster.local"), { code: responseCode.noError, answers: [] });
});
