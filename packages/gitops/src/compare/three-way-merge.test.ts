import assert from "node:assert/strict";
import { test } from "node:test";
import { isObject, type JsonObject } from "@tracegate/kube";
import fc from "fast-check";
import { sameJson, threeWayMerge } from "./three-way-merge.ts";

const deployment = { apiVersion: "apps/v1", kind: "Deployment" };
const rollout = { apiVersion: "argoproj.io/v1alpha1", kind: "Rollout" };
const podSpec = (spec: JsonObject): JsonObject => ({ spec: { template: { spec } } });

test("the target wins, what was applied before and is gone from it goes, what others set stays", () => {
  const merged = threeWayMerge(
    { data: { a: "1", b: "1" } },
    { data: { a: "2" } },
    { data: { a: "1", b: "1", c: "live" } },
    rollout,
  );
  assert.deepEqual(merged, { data: { a: "2", c: "live" } });
});

test("containers of built-in kinds merge by name, defaults of the API stay", () => {
  const live = podSpec({
    containers: [
      { name: "c", image: "web:1", imagePullPolicy: "Always" },
      { name: "injected", image: "proxy" },
    ],
    dnsPolicy: "ClusterFirst",
  });
  const merged = threeWayMerge(
    podSpec({ containers: [{ name: "c", image: "web:1" }] }),
    podSpec({ containers: [{ name: "c", image: "web:2" }] }),
    live,
    deployment,
  );
  assert.deepEqual(
    merged,
    podSpec({
      containers: [
        { name: "c", image: "web:2", imagePullPolicy: "Always" },
        { name: "injected", image: "proxy" },
      ],
      dnsPolicy: "ClusterFirst",
    }),
  );
});

test("lists of custom resources are replaced whole", () => {
  const merged = threeWayMerge(
    {},
    podSpec({ containers: [{ name: "c" }] }),
    podSpec({ containers: [{ name: "c", image: "x" }, { name: "d" }] }),
    rollout,
  );
  assert.deepEqual(merged, podSpec({ containers: [{ name: "c" }] }));
});

test("a Service's ports are told apart by port and protocol, which may be left out", () => {
  const service = { apiVersion: "v1", kind: "Service" };
  const live = {
    spec: {
      ports: [
        { port: 53, protocol: "UDP", targetPort: 53 },
        { port: 53, protocol: "TCP", targetPort: 53 },
      ],
    },
  };
  assert.ok(
    sameJson(
      threeWayMerge({}, { spec: { ports: [{ port: 53, protocol: "UDP" }, { port: 53 }] } }, live, service),
      live,
    ),
  );
});

test("a list in another order is a difference, an empty value that the API leaves out is none", () => {
  const live = podSpec({ containers: [{ name: "a" }, { name: "b" }] });
  assert.ok(
    !sameJson(
      threeWayMerge({}, podSpec({ containers: [{ name: "b" }, { name: "a" }] }), live, deployment),
      live,
    ),
  );
  assert.ok(
    sameJson(
      threeWayMerge(
        {},
        podSpec({ containers: [{ name: "a", resources: {}, args: [] }, { name: "b" }] }),
        live,
        deployment,
      ),
      live,
    ),
  );
});

test("one form of a union replaces the other", () => {
  const live = { spec: { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } } };
  const merged = threeWayMerge({}, { spec: { strategy: { type: "Recreate" } } }, live, deployment);
  assert.deepEqual(merged, { spec: { strategy: { type: "Recreate" } } });
});

test("names that every object inherits are names like others", () => {
  const merged = threeWayMerge(
    { data: {} },
    { data: { constructor: "1" } },
    { data: { toString: "2" } },
    rollout,
  );
  assert.deepEqual(merged, { data: { toString: "2", constructor: "1" } });
});

test("merging a second time changes nothing", () => {
  const json = fc.dictionary(
    fc.constantFrom("a", "b", "c"),
    fc.oneof(
      fc.integer(),
      fc.string(),
      fc.array(fc.integer(), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom("x", "y"), fc.integer()),
    ),
    { maxKeys: 3 },
  );
  fc.assert(
    fc.property(json, json, json, (last, target, live) => {
      const once = threeWayMerge(last, target, live, rollout);
      assert.deepEqual(threeWayMerge(target, target, once, rollout), once);
      for (const [key, value] of Object.entries(target))
        if (!isObject(value)) assert.deepEqual(once[key], value);
    }),
  );
});
