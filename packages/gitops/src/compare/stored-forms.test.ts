import assert from "node:assert/strict";
import { test } from "node:test";
import type { Manifest } from "../manifest.ts";
import { asTyped } from "./as-typed.ts";
import { differs } from "./compare.ts";
import { withStoredDefaults } from "./stored-defaults.ts";

const object = (apiVersion: string, kind: string, fields: object): Manifest =>
  ({ apiVersion, kind, metadata: { name: "x", namespace: "n" }, ...fields }) as Manifest; // made here

test("another spelling of the same value is no difference", () => {
  const quota = (hard: object) => object("v1", "ResourceQuota", { spec: { hard } });
  const live = quota({ "requests.cpu": "1", pods: "10" });
  assert.equal(differs(quota({ "requests.cpu": "1000m", pods: 10 }), live, []), false);
  assert.equal(differs(quota({ "requests.cpu": "1001m", pods: 10 }), live, []), true);
});

test("what the API fills in where a manifest says nothing is no difference, in lists too", () => {
  const range = (limit: object) => object("v1", "LimitRange", { spec: { limits: [limit] } });
  const limit = { type: "Container", default: { cpu: "1" } };
  const live = range({ ...limit, defaultRequest: { cpu: "1" } });
  assert.equal(differs(range(limit), live, []), false);
  assert.equal(differs(range({ ...limit, default: { cpu: "2" } }), live, []), true);
});

test("no rules are written as none or as an empty list", () => {
  const role = (rules: unknown) => object("rbac.authorization.k8s.io/v1", "Role", { rules });
  assert.equal(differs(role([]), role(null), []), false);
  assert.equal(differs(role([{ verbs: ["get"] }]), role(null), []), true);
});

test("an object that its type cannot hold or does not know comes back as it is", () => {
  const wrong = object("apps/v1", "Deployment", { spec: { replicas: "two" } });
  const unknown = object("apps/v1", "Deployment", { spec: { replicaz: 2 } });
  const custom = object("example.com/v1", "Thing", { spec: { a: "1000m" } });
  for (const one of [wrong, unknown, custom]) assert.equal(asTyped(one), one);
  assert.equal(withStoredDefaults(wrong), wrong);
  assert.equal((withStoredDefaults(unknown)["spec"] as { replicaz: number }).replicaz, 2);
});
