import assert from "node:assert/strict";
import { test } from "node:test";
import { formatTime, type Pod } from "@tracegate/kube";
import { DELETION_COST, deletionOrder } from "./deletion-order.ts";

const NOW = Date.UTC(2025, 0, 1);

interface Traits {
  node?: string;
  phase?: "Pending" | "Running";
  readyForMs?: number;
  ageMs?: number;
  restarts?: number;
  cost?: string;
}

function pod(name: string, traits: Traits = {}): Pod {
  const { node = "n", phase = "Running", readyForMs, ageMs = 60_000, restarts = 0, cost } = traits;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      uid: name,
      creationTimestamp: formatTime(NOW - ageMs),
      ...(cost !== undefined && { annotations: { [DELETION_COST]: cost } }),
    },
    spec: { containers: [], ...(node !== "" && { nodeName: node }) },
    status: {
      phase,
      conditions:
        readyForMs === undefined
          ? []
          : [{ type: "Ready", status: "True", lastTransitionTime: formatTime(NOW - readyForMs) }],
      containerStatuses: [{ name: "c", image: "", imageID: "", ready: true, restartCount: restarts }],
    },
  };
}

const ready = { readyForMs: 50_000 };

// Each row: the first of the two goes before the second.
const rules: [string, Pod, Pod][] = [
  ["on no node", pod("b", { node: "" }), pod("a", ready)],
  ["pending", pod("b", { phase: "Pending" }), pod("a")],
  ["not ready", pod("b"), pod("a", ready)],
  ["cheaper to delete", pod("b", { ...ready, cost: "-5" }), pod("a", ready)],
  ["a cost that is no number is 0", pod("b", { ...ready, cost: "0" }), pod("c", { ...ready, cost: "1" })],
  ["more of its kind on the node", pod("b", { ...ready, node: "crowded" }), pod("a", ready)],
  ["ready for much less time", pod("b", { readyForMs: 2_000 }), pod("a", { readyForMs: 50_000 })],
  ["restarted more", pod("b", { ...ready, restarts: 3 }), pod("a", ready)],
  ["much younger", pod("b", { ageMs: 2_000 }), pod("a", { ageMs: 60_000 })],
  ["ages of one magnitude: by uid", pod("a", { ageMs: 41_000 }), pod("b", { ageMs: 40_000 })],
];

for (const [rule, first, second] of rules) {
  test(`of two surplus pods the one goes first that is: ${rule}`, () => {
    const neighbours = ({ spec }: Pod) => (spec.nodeName === "crowded" ? 2 : 1);
    for (const pods of [
      [first, second],
      [second, first],
    ]) {
      assert.equal(deletionOrder(pods, neighbours, NOW)[0]?.metadata.name, first.metadata.name);
    }
  });
}
