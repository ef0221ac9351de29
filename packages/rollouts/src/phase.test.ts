import assert from "node:assert/strict";
import { test } from "node:test";
import { rolloutPhase } from "./phase.ts";
import type { RolloutCondition, RolloutSpec, RolloutStatus } from "./types.ts";

const condition = (type: string, reason: string, message: string): RolloutCondition => ({
  type,
  status: "False",
  reason,
  message,
  lastUpdateTime: "",
  lastTransitionTime: "",
});
const canary: RolloutSpec = { replicas: 2, strategy: { canary: {} } };
const blueGreen: RolloutSpec = { replicas: 2, strategy: { blueGreen: { activeService: "a" } } };
const full: RolloutStatus = { replicas: 2, updatedReplicas: 2, availableReplicas: 2, currentPodHash: "new" };
const run = (status: string) => ({ name: "r", status });

/** Each row would also fit those below it: the first that holds decides. */
const table: readonly [RolloutSpec, RolloutStatus, string][] = [
  [
    { ...canary, paused: true },
    {
      conditions: [
        condition("Progressing", "RolloutAborted", "x"),
        condition("InvalidSpec", "InvalidSpec", "bad"),
      ],
    },
    "Degraded: InvalidSpec: bad",
  ],
  [
    { ...canary, paused: true },
    { conditions: [condition("Progressing", "RolloutAborted", "gave up")] },
    "Degraded: RolloutAborted: gave up",
  ],
  [
    { ...canary, paused: true },
    { conditions: [condition("Progressing", "ProgressDeadlineExceeded", "too slow")] },
    "Degraded: ProgressDeadlineExceeded: too slow",
  ],
  [
    { ...canary, paused: true },
    { pauseConditions: [{ reason: "CanaryPauseStep", startTime: "" }] },
    "Paused: manually paused",
  ],
  [
    { ...canary, restartAt: "now" },
    {
      pauseConditions: [
        { reason: "InconclusiveAnalysisRun", startTime: "" },
        { reason: "CanaryPauseStep", startTime: "" },
      ],
    },
    "Paused: InconclusiveAnalysisRun",
  ],
  [{ ...canary, restartAt: "now" }, {}, "Progressing: rollout is restarting"],
  [{ ...canary, restartAt: "now" }, { ...full, stableRS: "new", restartedAt: "now" }, "Healthy: "],
  [canary, { updatedReplicas: 1 }, "Progressing: more replicas need to be updated"],
  [
    canary,
    { ...full, availableReplicas: 1, replicas: 3 },
    "Progressing: updated replicas are still becoming available",
  ],
  [canary, { ...full, replicas: 3 }, "Progressing: old replicas are pending termination"],
  [canary, { ...full, stableRS: "old" }, "Progressing: waiting for all steps to complete"],
  [canary, { ...full, stableRS: "new" }, "Healthy: "],
  [
    blueGreen,
    { ...full, blueGreen: { activeSelector: "old" } },
    "Progressing: active service cutover pending",
  ],
  [
    blueGreen,
    { ...full, stableRS: "old", blueGreen: { activeSelector: "new" } },
    "Progressing: waiting for analysis to complete",
  ],
  [
    blueGreen,
    {
      ...full,
      stableRS: "old",
      blueGreen: { activeSelector: "new", postPromotionAnalysisRunStatus: run("Running") },
    },
    "Progressing: waiting for analysis to complete",
  ],
  [
    blueGreen,
    {
      ...full,
      stableRS: "old",
      blueGreen: { activeSelector: "new", postPromotionAnalysisRunStatus: run("Successful") },
    },
    "Progressing: waiting for post-promotion verification to complete",
  ],
  // Kept old pods do not make blue-green unhealthy.
  [blueGreen, { ...full, replicas: 4, stableRS: "new", blueGreen: { activeSelector: "new" } }, "Healthy: "],
];
for (const [i, [spec, status, expected]] of table.entries())
  test(`${expected} (row ${i + 1})`, () => {
    const { phase, message } = rolloutPhase(spec, status);
    assert.equal(`${phase}: ${message}`, expected);
  });
