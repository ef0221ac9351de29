import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodTemplateSpec } from "@tracegate/kube";
import { injectedHash, templateAffinity, withoutInjectedAffinity } from "./anti-affinity.ts";
import type { Rollout, RolloutSpec } from "./types.ts";

const own = { nodeAffinity: { note: "kept" }, podAntiAffinity: {} };
const template = (affinity?: object): PodTemplateSpec => ({
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "web", image: "web:2" }], ...(affinity === undefined ? {} : { affinity }) },
});
const rollout = (antiAffinity: Record<string, unknown>, stableRS?: string, affinity?: object): Rollout => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Rollout",
  metadata: { name: "web", namespace: "ns" },
  spec: { template: template(affinity), strategy: { canary: { antiAffinity } } } satisfies RolloutSpec,
  ...(stableRS === undefined ? {} : { status: { stableRS } }),
});
const preferred = { preferredDuringSchedulingIgnoredDuringExecution: { weight: 10 } };
const required = { requiredDuringSchedulingIgnoredDuringExecution: {} };

test("pods of a new version are kept from the nodes of the stable one", () => {
  const rule = {
    labelSelector: {
      matchExpressions: [{ key: "rollouts-pod-template-hash", operator: "In", values: ["abc"] }],
    },
    namespaces: ["ns"],
    topologyKey: "kubernetes.io/hostname",
  };
  assert.deepEqual(templateAffinity(rollout(required, "abc")), {
    podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [rule] },
  });
  assert.deepEqual(templateAffinity(rollout(preferred, "abc", own)), {
    nodeAffinity: { note: "kept" },
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 10, podAffinityTerm: rule }],
    },
  });
});

test("the first version keeps from nobody, and who does not ask for it keeps its own affinity", () => {
  assert.equal(templateAffinity(rollout(required)), undefined);
  assert.deepEqual(templateAffinity(rollout({}, "abc", own)), own);
});

test("what was added is found again and taken away, nothing else", () => {
  const given = {
    podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "zone" }] },
  };
  for (const [kind, affinity] of [
    [required, undefined],
    [required, given],
    [preferred, given],
  ] as const) {
    const mixed = template(templateAffinity(rollout(kind, "abc", affinity)));
    assert.equal(injectedHash(mixed), "abc");
    assert.deepEqual(withoutInjectedAffinity(mixed), template(affinity));
  }
  assert.equal(injectedHash(template(given)), undefined);
});
