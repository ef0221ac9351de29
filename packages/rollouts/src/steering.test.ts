import assert from "node:assert/strict";
import { test } from "node:test";
import { promotePatches, type SteeringPatch } from "./steering.ts";
import type { Rollout, RolloutStatus } from "./types.ts";

const steps = [{ setWeight: 50 }, { pause: {} }, { setWeight: 100 }];
const rollout = (status: RolloutStatus, paused?: boolean): Rollout => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Rollout",
  metadata: { name: "web" },
  spec: { strategy: { canary: { steps } }, ...(paused === undefined ? {} : { paused }) },
  status,
});
const status = (body: Record<string, unknown>): SteeringPatch => ({
  body: { status: body },
  subresource: "status",
});

const pause = [{ reason: "CanaryPauseStep" as const, startTime: "2026-01-01T00:00:00Z" }];
const inconclusive = { currentStepAnalysisRunStatus: { name: "a", status: "Inconclusive" } };

const cases: [string, Rollout, { full?: boolean }, SteeringPatch[]][] = [
  [
    "a pause is taken away",
    rollout({ pauseConditions: pause, currentStepIndex: 1 }),
    {},
    [status({ pauseConditions: null })],
  ],
  [
    "without a pause the current step is stepped over",
    rollout({ currentStepIndex: 0 }),
    {},
    [status({ pauseConditions: null, currentStepIndex: 1 })],
  ],
  [
    "behind the last step there is nothing to step over",
    rollout({ currentStepIndex: 3 }),
    {},
    [status({ pauseConditions: null })],
  ],
  [
    "an inconclusive analysis is stepped over together with its pause",
    rollout({ pauseConditions: pause, controllerPause: true, currentStepIndex: 1, canary: inconclusive }),
    {},
    [status({ pauseConditions: null, controllerPause: false, currentStepIndex: 2 })],
  ],
  [
    "a user's own pause goes first",
    rollout({ pauseConditions: pause, currentStepIndex: 1 }, true),
    {},
    [{ body: { spec: { paused: false } } }, status({ pauseConditions: null })],
  ],
  [
    "full skips all that is left",
    rollout({ currentPodHash: "b", stableRS: "a" }),
    { full: true },
    [status({ promoteFull: true })],
  ],
  [
    "full has nothing to skip on a stable version",
    rollout({ currentPodHash: "a", stableRS: "a" }),
    { full: true },
    [],
  ],
];

for (const [fact, given, options, expected] of cases) {
  test(`promote: ${fact}`, () => assert.deepEqual(promotePatches(given, options), expected));
}
