import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment, IntOrString, ReplicaSet } from "@tracegate/kube";
import fc from "fast-check";
import { limits, newReplicaSetSize, scaleDownOld, sum } from "./sizes.ts";

const deployment = (replicas: number, maxSurge?: IntOrString, maxUnavailable?: IntOrString): Deployment => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas,
    selector: {},
    template: { spec: { containers: [] } },
    strategy: {
      rollingUpdate: {
        ...(maxSurge !== undefined && { maxSurge }),
        ...(maxUnavailable !== undefined && { maxUnavailable }),
      },
    },
  },
});

const replicaSet = (name: string, replicas: number, availableReplicas: number): ReplicaSet => ({
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  metadata: { name, creationTimestamp: `2025-01-01T00:00:0${name.length}Z` },
  spec: { replicas, selector: {}, template: { spec: { containers: [] } } },
  status: { replicas, availableReplicas },
});

test("percentages round surge up and unavailability down; nothing at all becomes one unavailable", () => {
  const table: [number, IntOrString | undefined, IntOrString | undefined, number, number][] = [
    [10, undefined, undefined, 3, 2],
    [3, "25%", "25%", 1, 0],
    [1, 0, "25%", 0, 1],
    [2, 5, 5, 5, 2],
    [0, 1, 1, 1, 0],
  ];
  for (const [replicas, maxSurge, maxUnavailable, surge, unavailable] of table) {
    assert.deepEqual(limits(deployment(replicas, maxSurge, maxUnavailable)), { surge, unavailable });
  }
});

test("old ReplicaSets lose unavailable pods first, then available ones from the oldest on", () => {
  const newest = replicaSet("new", 1, 1);
  const sizes = (old: ReplicaSet[]) =>
    scaleDownOld(deployment(4, 1, 1), newest, old).map(({ replicaSet: { metadata }, size }) => [
      metadata.name,
      size,
    ]);
  assert.deepEqual(sizes([replicaSet("a", 4, 4)]), [["a", 2]]);
  assert.deepEqual(sizes([replicaSet("a", 2, 2), replicaSet("aa", 2, 0)]), [["aa", 0]]);
  assert.deepEqual(sizes([replicaSet("a", 1, 1), replicaSet("aa", 3, 3)]), [
    ["a", 0],
    ["aa", 2],
  ]);
  assert.deepEqual(sizes([replicaSet("a", 3, 2)]), [["a", 2]]);
});

test("no step takes more than may be missing, nor makes more than may be beside", () => {
  const size = fc.nat(12);
  fc.assert(
    fc.property(
      size,
      size,
      size,
      fc.array(fc.tuple(size, size), { maxLength: 3 }),
      size,
      size,
      (...given) => {
        const [replicas, surge, unavailable, olds, newSize, newAvailable] = given;
        const web = deployment(replicas, surge, unavailable);
        const old = olds.map(([n, available], i) => replicaSet("a".repeat(i + 1), n, Math.min(n, available)));
        const newest = replicaSet("new", newSize, Math.min(newSize, newAvailable));
        const all = [...old, newest];
        const grown = newReplicaSetSize(web, newest, all);
        const total = sum(all, ({ spec }) => spec.replicas ?? 0) - newSize + grown;
        assert.ok(grown === newSize || total <= replicas + limits(web).surge);
        const available = sum(all, ({ status }) => status?.availableReplicas ?? 0);
        const taken = sum(scaleDownOld(web, newest, old), (resize) => {
          const had = resize.replicaSet.status?.availableReplicas ?? 0;
          return Math.max(0, had - resize.size);
        });
        assert.ok(taken === 0 || available - taken >= replicas - limits(web).unavailable);
      },
    ),
  );
});
