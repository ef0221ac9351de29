import assert from "node:assert/strict";
import { test } from "node:test";
import { fnv1a, podTemplateHash, safeEncode, sameTemplate, stepsHash } from "./pod-template-hash.ts";

const template = {
  metadata: { labels: { app: "web", tier: "a" } },
  spec: { containers: [{ name: "web", image: "web:1" }] },
};

test("FNV-1a has its published values", () => {
  assert.equal(fnv1a(Buffer.from("")), 0x811c9dc5);
  assert.equal(fnv1a(Buffer.from("a")), 0xe40c292c);
  assert.equal(fnv1a(Buffer.from("foobar")), 0xbf9cf968);
});

test("digits are spelt as 4 to 9 and b, c, d, f", () => {
  assert.equal(safeEncode("0123456789"), "456789bcdf");
});

test("steps hash as the recorded ones did", () => {
  assert.equal(
    stepsHash([{ setWeight: 50 }, { pause: { duration: "3s" } }, { setWeight: 100 }]),
    "dbc4ddbb5",
  );
  assert.equal(
    stepsHash([
      { setWeight: 50 },
      { analysis: { templates: [{ templateName: "gate" }] } },
      { setWeight: 100 },
    ]),
    "5754d84c46",
  );
  assert.equal(stepsHash([{ experiment: { templates: [] } }]), "f87f948f");
});

test("a hash does not depend on the order in which a manifest is written, nor on zero values", () => {
  const other = {
    spec: { containers: [{ image: "web:1", env: [], name: "web" }] },
    metadata: { labels: { tier: "a", app: "web" } },
  };
  assert.equal(podTemplateHash(other), podTemplateHash(template));
});

test("hashes are those that the original gives", () => {
  const hashOf = (spec: object, container: object = {}): string =>
    podTemplateHash({
      metadata: { labels: { app: "web" } },
      spec: {
        nodeName: "n1",
        terminationGracePeriodSeconds: 0,
        containers: [{ name: "web", image: "web:1", ...container }],
        ...spec,
      },
    });
  assert.equal(hashOf({}), "6ffb8f56c9");
  assert.equal(hashOf({ hostNetwork: true }, { ports: [{ containerPort: 80, hostPort: 81 }] }), "f9887d64");
  const securityContext = { allowPrivilegeEscalation: false, privileged: true };
  assert.equal(hashOf({}, { securityContext }), "744cb69855");
});

test("another image, another label or a collision make another hash", () => {
  const hash = podTemplateHash(template);
  assert.notEqual(
    podTemplateHash({ ...template, spec: { containers: [{ name: "web", image: "web:2" }] } }),
    hash,
  );
  assert.notEqual(podTemplateHash({ ...template, metadata: { labels: { app: "x" } } }), hash);
  assert.notEqual(podTemplateHash(template, 1), hash);
});

test("templates compare by meaning: defaults and the hash label do not count", () => {
  const live = {
    metadata: { labels: { app: "web", tier: "a", hash: "x" } },
    spec: {
      containers: [{ name: "web", image: "web:1", imagePullPolicy: "IfNotPresent" as const }],
      restartPolicy: "Always" as const,
    },
  };
  assert.ok(sameTemplate(template, live, "hash"));
  assert.ok(
    !sameTemplate({ ...template, spec: { containers: [{ name: "web", image: "web:2" }] } }, live, "hash"),
  );
});

test("templates compare by meaning: defaults of what containers and volumes hold do not count either", () => {
  const probe = { httpGet: { port: 80 } };
  const written = {
    metadata: { labels: { app: "web" } },
    spec: {
      containers: [
        {
          name: "web",
          image: "web:1",
          env: [{ name: "NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
          readinessProbe: probe,
        },
      ],
      volumes: [{ name: "config", configMap: { name: "config" } }],
    },
  };
  const [container] = written.spec.containers;
  const live = {
    ...written,
    spec: {
      containers: [
        {
          ...container,
          name: "web",
          image: "web:1",
          env: [{ name: "NAME", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } } }],
          readinessProbe: {
            httpGet: { path: "/", port: 80, scheme: "HTTP" as const },
            timeoutSeconds: 1,
            periodSeconds: 10,
            successThreshold: 1,
            failureThreshold: 3,
          },
        },
      ],
      volumes: [{ name: "config", configMap: { name: "config", defaultMode: 420 } }],
    },
  };
  assert.ok(sameTemplate(live, written, "hash"));
  const other = { ...written, spec: { ...written.spec, volumes: [{ name: "config", emptyDir: {} }] } };
  assert.ok(!sameTemplate(live, other, "hash"));
});
