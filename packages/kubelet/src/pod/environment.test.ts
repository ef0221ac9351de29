import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, Pod } from "@tracegate/kube";
import fc from "fast-check";
import {
  ConfigError,
  type ConfigSources,
  containerEnvironment,
  expand,
  serviceVariables,
} from "./environment.ts";

const meta = (name: string) => ({ name, namespace: "shop" });
const sources: ConfigSources = {
  configMap: (name) =>
    name === "cm"
      ? { apiVersion: "v1", kind: "ConfigMap", metadata: meta("cm"), data: { a: "1", b: "2" } }
      : undefined,
  secret: (name) =>
    name === "s"
      ? {
          apiVersion: "v1",
          kind: "Secret",
          metadata: meta("s"),
          data: { p: Buffer.from("hush").toString("base64") },
        }
      : undefined,
};
const pod: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "web-1",
    namespace: "shop",
    uid: "u",
    labels: { app: "web", "rollouts-pod-template-hash": "abc" },
    annotations: { note: 'a "b"' },
  },
  spec: { containers: [], serviceAccountName: "robot" },
};
const facts = {
  podIP: "10.244.0.9",
  hostIP: "127.0.0.1",
  nodeName: "tracegate",
  allocatable: { cpu: "4", memory: "1Gi" },
};
const environment = (container: Partial<Container>, imageEnv = {}, serviceEnv = {}) =>
  containerEnvironment({
    pod,
    container: { name: "c", image: "i", ...container },
    facts,
    sources,
    imageEnv,
    serviceEnv,
  });

const field = (fieldPath: string) => ({ env: [{ name: "X", valueFrom: { fieldRef: { fieldPath } } }] });
for (const [path, value] of [
  ["metadata.name", "web-1"],
  ["metadata.namespace", "shop"],
  ["metadata.uid", "u"],
  ["metadata.labels['rollouts-pod-template-hash']", "abc"],
  ["metadata.labels['none']", ""],
  ["metadata.labels", 'app="web"\nrollouts-pod-template-hash="abc"'],
  ["metadata.annotations['note']", 'a "b"'],
  ["spec.nodeName", "tracegate"],
  ["spec.serviceAccountName", "robot"],
  ["status.podIP", "10.244.0.9"],
  ["status.hostIP", "127.0.0.1"],
] as const) {
  test(`${path} comes from the downward API`, () => assert.deepEqual(environment(field(path)), { X: value }));
}

for (const [resource, divisor, value] of [
  ["limits.cpu", undefined, "1"],
  ["limits.cpu", "1m", "250"],
  ["limits.memory", "1Mi", "100"],
  ["requests.memory", undefined, "52428800"],
  ["limits.ephemeral-storage", undefined, "0"],
] as const) {
  test(`${resource} by ${divisor ?? "1"} is ${value}`, () => {
    const resourceFieldRef = { resource, ...(divisor === undefined ? {} : { divisor }) };
    const resources = { limits: { cpu: "250m", memory: "100Mi" }, requests: { memory: "50Mi" } };
    assert.deepEqual(environment({ resources, env: [{ name: "X", valueFrom: { resourceFieldRef } }] }), {
      X: value,
    });
  });
}

test("a limit that is not set is what the node has", () => {
  assert.deepEqual(
    environment({ env: [{ name: "X", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } }] }),
    { X: "4" },
  );
});

test("later sources win: image, services, envFrom in order, env", () => {
  assert.deepEqual(
    environment(
      {
        envFrom: [
          { configMapRef: { name: "cm" } },
          { prefix: "S_", secretRef: { name: "s" } },
          { configMapRef: { name: "no", optional: true } },
        ],
        env: [{ name: "b", value: "$(a)-$(SVC)" }],
      },
      { a: "image", IMAGE: "yes" },
      { SVC: "10.96.0.9", a: "service" },
    ),
    { IMAGE: "yes", SVC: "10.96.0.9", a: "1", b: "1-10.96.0.9", S_p: "hush" },
  );
});

test("a value sees what comes before it, not what comes after", () => {
  const env = [
    { name: "A", value: "$(B)" },
    { name: "B", value: "b" },
    { name: "C", value: "$(B)$$(B)$(none)$" },
  ];
  assert.deepEqual(environment({ env }), { A: "$(B)", B: "b", C: "b$(B)$(none)$" });
});

const dangling: readonly [string, Partial<Container>, string][] = [
  [
    "a ConfigMap that is not there",
    { envFrom: [{ configMapRef: { name: "no" } }] },
    'configmap "no" not found',
  ],
  [
    "a Secret that is not there",
    { env: [{ name: "X", valueFrom: { secretKeyRef: { name: "no", key: "k" } } }] },
    'secret "no" not found',
  ],
  [
    "a key that is not there",
    { env: [{ name: "X", valueFrom: { configMapKeyRef: { name: "cm", key: "k" } } }] },
    "couldn't find key k in ConfigMap shop/cm",
  ],
];
for (const [title, container, message] of dangling) {
  test(`${title} is named`, () => {
    assert.throws(() => environment(container), new ConfigError(message));
  });
}

test("an optional reference that leads nowhere sets nothing", () => {
  const configMapKeyRef = { name: "no", key: "k", optional: true };
  assert.deepEqual(environment({ env: [{ name: "X", valueFrom: { configMapKeyRef } }] }), {});
});

test("text without a dollar expands to itself, and doubling the dollars protects any text", () => {
  fc.assert(
    fc.property(
      fc.string().filter((text) => !text.includes("$")),
      (text) =>
        assert.equal(
          expand(text, () => "x"),
          text,
        ),
    ),
  );
  fc.assert(
    fc.property(fc.string(), (text) =>
      assert.equal(
        expand(text.replaceAll("$", "$$$$"), () => "x"),
        text,
      ),
    ),
  );
});

test("services are told as Docker links were", () => {
  assert.deepEqual(
    serviceVariables([
      { name: "my-db", clusterIP: "10.96.1.1", ports: [{ name: "sql", port: 5432, protocol: "TCP" }] },
    ]),
    {
      MY_DB_SERVICE_HOST: "10.96.1.1",
      MY_DB_SERVICE_PORT: "5432",
      MY_DB_SERVICE_PORT_SQL: "5432",
      MY_DB_PORT: "tcp://10.96.1.1:5432",
      MY_DB_PORT_5432_TCP: "tcp://10.96.1.1:5432",
      MY_DB_PORT_5432_TCP_PROTO: "tcp",
      MY_DB_PORT_5432_TCP_PORT: "5432",
      MY_DB_PORT_5432_TCP_ADDR: "10.96.1.1",
    },
  );
});
