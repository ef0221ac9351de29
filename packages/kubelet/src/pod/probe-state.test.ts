import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container } from "@tracegate/kube";
import {
  applyStreak,
  initialProbeState,
  isDue,
  nextStreak,
  type ProbeKind,
  type ProbeStreak,
} from "./probe-state.ts";

const probe = { tcpSocket: { port: 1 } };
const container: Container = {
  name: "c",
  image: "i",
  startupProbe: { ...probe, failureThreshold: 4 },
  readinessProbe: { ...probe, successThreshold: 2 },
  livenessProbe: probe,
};

/** The state after a probe's results in a row. */
function after(kind: ProbeKind, results: readonly boolean[], from = initialProbeState(container, 0)) {
  let streak: ProbeStreak | undefined;
  let state = from;
  for (const success of results) {
    streak = nextStreak(streak, { success, output: "" });
    state = applyStreak(state, container, kind, streak);
  }
  return state;
}
const up = { attempt: 0, started: true, ready: true };

for (const [title, kind, results, from, expected] of [
  [
    "one success of the startup probe starts",
    "startup",
    [false, true],
    undefined,
    { attempt: 0, started: true, ready: false },
  ],
  [
    "failures below the threshold change nothing",
    "startup",
    [false, false, false],
    undefined,
    { attempt: 0, started: false, ready: false },
  ],
  [
    "the startup probe fails for good at its threshold",
    "startup",
    [false, false, false, false],
    undefined,
    { attempt: 0, started: false, ready: false, failed: "startup" },
  ],
  [
    "readiness needs its successes in a row",
    "readiness",
    [true, false, true],
    { ...up, ready: false },
    { ...up, ready: false },
  ],
  ["readiness after enough successes", "readiness", [true, true], { ...up, ready: false }, up],
  ["three failures take readiness away", "readiness", [false, false, false], up, { ...up, ready: false }],
  ["two failures do not", "readiness", [false, false], up, up],
  ["a success between failures counts anew", "liveness", [false, false, true, false, false], up, up],
  [
    "liveness fails for good after three",
    "liveness",
    [false, false, false],
    up,
    { ...up, failed: "liveness" },
  ],
] as const) {
  test(title, () => assert.deepEqual(after(kind, results, from), expected));
}

test("the startup probe goes before the others, and nothing is probed after a final failure", () => {
  const fresh = initialProbeState(container, 0);
  assert.deepEqual(
    (["startup", "readiness", "liveness"] as const).map((kind) => isDue(fresh, kind)),
    [true, false, false],
  );
  assert.deepEqual(
    (["startup", "readiness", "liveness"] as const).map((kind) => isDue(up, kind)),
    [false, true, true],
  );
  assert.equal(isDue({ ...up, failed: "liveness" }, "readiness"), false);
});

test("without probes a container is started and ready as soon as it runs", () => {
  assert.deepEqual(initialProbeState({ name: "c", image: "i" }, 3), {
    attempt: 3,
    started: true,
    ready: true,
  });
});
