import assert from "node:assert/strict";
import { test } from "node:test";
import type { Manifest } from "../manifest.ts";
import { compare } from "./compare.ts";
import { withIgnoredOf } from "./ignore-differences.ts";
import { trackingAnnotation } from "./tracking.ts";

const config = (
  name: string,
  data: Record<string, string>,
  annotations: Record<string, string> = {},
): Manifest => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: {
    name,
    namespace: "ns",
    annotations: { [trackingAnnotation]: `app:/ConfigMap:ns/${name}`, ...annotations },
  },
  data,
});
const deployment = (fields: object): Manifest => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "ns", generation: 1 },
  ...fields,
});
const run = (
  targets: Manifest[] | undefined,
  live: Manifest[],
  ignoreDifferences: Parameters<typeof compare>[0]["ignoreDifferences"] = [],
) =>
  compare({
    application: "app",
    ...(targets === undefined ? {} : { targets }),
    live,
    ignoreDifferences,
  });
const statuses = ({ resources }: ReturnType<typeof compare>) =>
  resources.map(({ status }) => `${status.name} ${status.status}${status.requiresPruning ? " prune" : ""}`);

test("equal, different, missing and extra objects", () => {
  const result = run(
    [config("same", { a: "1" }), config("changed", { a: "2" }), config("absent", {})],
    [
      { ...config("same", { a: "1" }), status: { ignored: true } },
      config("changed", { a: "1" }),
      config("extra", {}),
    ],
  );
  assert.deepEqual(statuses(result), [
    "absent OutOfSync",
    "changed OutOfSync",
    "extra OutOfSync prune",
    "same Synced",
  ]);
  assert.equal(result.status, "OutOfSync");
});

test("an object that merely carries a copied mark does not count", () => {
  const copy = config("copy", {}, { [trackingAnnotation]: "app:/ConfigMap:ns/original" });
  const copied = run([], [copy]);
  assert.deepEqual([copied.status, copied.resources[0]?.status.status], ["Synced", undefined]);
  assert.equal(
    run([], [config("extra", {}, { "argocd.argoproj.io/compare-options": "IgnoreExtraneous" })]).status,
    "Synced",
  );
});

test("a missing Deployment makes the Application Missing, a missing ConfigMap or Rollout does not", () => {
  assert.equal(run([deployment({})], []).health, "Missing");
  assert.equal(run([config("c", {})], []).health, "Healthy");
  assert.equal(
    run([{ ...deployment({}), apiVersion: "argoproj.io/v1alpha1", kind: "Rollout" }], []).health,
    "Healthy",
  );
});

test("hooks are neither compared nor counted, but listed while they live", () => {
  const hook = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "pre", namespace: "ns", annotations: { "argocd.argoproj.io/hook": "PreSync" } },
  };
  assert.deepEqual(run([hook], []).resources, []);
  const [listed] = run([hook], [hook]).resources;
  assert.deepEqual(listed?.status, {
    group: "batch",
    version: "v1",
    kind: "Job",
    namespace: "ns",
    name: "pre",
    hook: true,
    requiresPruning: true,
  });
});

test("ignored differences are not seen, by pointer, path or field manager", () => {
  const target = deployment({
    spec: { replicas: 1, template: { spec: { containers: [{ name: "c", image: "a" }] } } },
  });
  const live = deployment({
    spec: { replicas: 3, template: { spec: { containers: [{ name: "c", image: "a" }] } } },
  });
  const other = deployment({
    spec: { replicas: 1, template: { spec: { containers: [{ name: "c", image: "b" }] } } },
  });
  assert.equal(run([target], [live]).status, "OutOfSync");
  assert.equal(
    run([target], [live], [{ group: "apps", kind: "Deployment", jsonPointers: ["/spec/replicas"] }]).status,
    "Synced",
  );
  assert.equal(
    run(
      [target],
      [live],
      [{ group: "apps", kind: "Deployment", name: "else", jsonPointers: ["/spec/replicas"] }],
    ).status,
    "OutOfSync",
  );
  assert.equal(
    run(
      [target],
      [other],
      [
        {
          group: "*",
          kind: "*",
          jqPathExpressions: ['.spec.template.spec.containers[] | select(.name == "c") | .image'],
        },
      ],
    ).status,
    "Synced",
  );
  const scaled = {
    ...live,
    metadata: {
      ...live.metadata,
      managedFields: [{ manager: "hpa", fieldsV1: { "f:spec": { "f:replicas": {} } } }],
    },
  };
  assert.equal(
    run([target], [scaled], [{ group: "apps", kind: "Deployment", managedFieldsManagers: ["hpa"] }]).status,
    "Synced",
  );
  assert.throws(
    () => run([target], [live], [{ kind: "*", group: "*", jqPathExpressions: ["map(.x)"] }]),
    /is not supported at 'map/,
  );
});

test("ignored fields are taken over from what lives where an object is replaced", () => {
  const target = deployment({ spec: { replicas: 1, paused: false } });
  const live = deployment({ spec: { replicas: 3, paused: true }, status: { replicas: 3 } });
  const rules = [{ group: "apps", kind: "Deployment", jsonPointers: ["/spec/replicas"] }];
  assert.deepEqual(withIgnoredOf(live, target, rules), deployment({ spec: { replicas: 3, paused: false } }));
});

test("quantities and Secrets are compared by what they mean", () => {
  const limits = (cpu: string) =>
    deployment({
      spec: { template: { spec: { containers: [{ name: "c", resources: { limits: { cpu } } }] } } },
    });
  assert.equal(run([limits("1000m")], [limits("1")]).status, "Synced");
  const secret = (fields: object) => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "s", namespace: "ns" },
    ...fields,
  });
  assert.equal(run([secret({ stringData: { k: "v" } })], [secret({ data: { k: "dg==" } })]).status, "Synced");
});

test("of kinds that the project forbids nothing is said", () => {
  const permits = ({ kind }: Manifest) => kind !== "ConfigMap";
  const result = compare({
    application: "app",
    targets: [config("c", {})],
    live: [],
    ignoreDifferences: [],
    permits,
  });
  assert.deepEqual([statuses(result), result.status], [["c Unknown"], "OutOfSync"]);
});

test("resources whose deletion somebody has to approve are marked", () => {
  const asking = config("c", {}, { "argocd.argoproj.io/sync-options": "Delete=confirm" });
  assert.equal(run([asking], []).resources[0]?.status.requiresDeletionConfirmation, true);
  assert.equal(run([config("c", {})], []).resources[0]?.status.requiresDeletionConfirmation, undefined);
});

test("without targets everything is unknown, and health is still that of what lives", () => {
  const result = run(undefined, [config("c", {})]);
  assert.deepEqual(
    [result.status, statuses(result), result.health],
    ["Unknown", ["c Unknown prune"], "Healthy"],
  );
});
