import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReplicaSet } from "@tracegate/kube";
import fc from "fast-check";
import { RolloutWorld, template } from "../testing/rollout-world.ts";
import { maxSurge, maxUnavailable } from "./canary-replicas.ts";
import { abortRollout, promoteRollout, retryRollout } from "./commands.ts";
import { type BlueGreenStrategy, type CanaryStep, hashLabel, type RolloutStatus } from "./types.ts";

/** A release in a world where pods become ready when they please, and people do what they like. */
type Happening =
  | {
      readonly what:
        | "pods ready"
        | "one pod ready"
        | "one pod lost"
        | "abort"
        | "retry"
        | "promote"
        | "promote fully";
    }
  | { readonly what: "image"; readonly version: number }
  | { readonly what: "replicas"; readonly count: number }
  | { readonly what: "time"; readonly seconds: number };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ what: "pods ready" as const }) },
  { weight: 3, arbitrary: fc.constant({ what: "one pod ready" as const }) },
  fc.constantFrom({ what: "one pod lost" as const }, { what: "abort" as const }, { what: "retry" as const }),
  fc.constantFrom({ what: "promote" as const }, { what: "promote fully" as const }),
  fc.integer({ min: 1, max: 3 }).map((version) => ({ what: "image" as const, version })),
  fc.integer({ min: 1, max: 6 }).map((count) => ({ what: "replicas" as const, count })),
  {
    weight: 3,
    arbitrary: fc.integer({ min: 1, max: 10 }).map((seconds) => ({ what: "time" as const, seconds })),
  },
);

const step: fc.Arbitrary<CanaryStep> = fc.oneof(
  fc.integer({ min: 0, max: 100 }).map((setWeight) => ({ setWeight })),
  fc.constantFrom<CanaryStep>({ pause: {} }, { pause: { duration: 5 } }),
);

function happen(world: RolloutWorld, event: Happening): void {
  const { rollout, sets } = world;
  switch (event.what) {
    case "abort":
      world.command(abortRollout(rollout));
      return;
    case "retry":
      world.command(retryRollout(rollout));
      return;
    case "promote":
      world.command(promoteRollout(rollout));
      return;
    case "promote fully":
      world.command(promoteRollout(rollout, true));
      return;
    case "image":
      world.change({ template: template(event.version) });
      return;
    case "replicas":
      world.change({ replicas: event.count });
      return;
    case "time":
      world.now += event.seconds * 1000;
      return;
    case "pods ready":
      world.allReady();
      return;
    default: {
      const change = event.what === "one pod ready" ? 1 : -1;
      const rs = [...sets.values()].find((set) =>
        event.what === "one pod lost" ? ready(set) > 0 : ready(set) < (set.spec.replicas ?? 0),
      );
      if (rs !== undefined) world.available(rs, ready(rs) + change);
    }
  }
}

const ready = (rs: ReplicaSet): number => rs.status?.availableReplicas ?? 0;
const total = (sets: Iterable<ReplicaSet>, of: (rs: ReplicaSet) => number): number =>
  [...sets].reduce((sum, rs) => sum + of(rs), 0);

function holds(
  world: RolloutWorld,
  before: RolloutStatus,
  status: RolloutStatus,
  was: { ready: number; size: number },
): void {
  const { rollout, sets } = world;
  const replicas = rollout.spec.replicas ?? 1;
  const steps = rollout.spec.strategy?.canary?.steps ?? [];
  const index = status.currentStepIndex ?? 0;
  assert.ok(index >= 0 && index <= steps.length, "the step is one of the steps");
  const sameVersion = before.currentPodHash === status.currentPodHash;
  const promoted = before.stableRS !== status.stableRS;
  if (promoted && before.stableRS !== undefined) {
    const rs = [...sets.values()].find(({ metadata }) => metadata.labels?.[hashLabel] === status.stableRS);
    assert.equal(rs === undefined ? 0 : ready(rs), replicas, "what is promoted has all its pods");
    assert.ok(
      before.currentStepIndex === steps.length || steps.length === 0 || before.promoteFull === true,
      "what is promoted has done its steps",
    );
    assert.notEqual(before.abort, true, "what is aborted is not promoted");
  }
  if (
    before.abort === true &&
    before.stableRS !== undefined &&
    sameVersion &&
    before.stableRS !== before.currentPodHash &&
    before.promoteFull !== true
  )
    assert.equal(status.abort, true, "an abort stays until it is taken back");
  if (sameVersion && !promoted && before.promoteFull !== true && before.stableRS !== status.currentPodHash)
    assert.ok(index <= (before.currentStepIndex ?? 0) + 1, "one step at a time");
  const least = replicas - maxUnavailable(rollout, replicas);
  const now = total(sets.values(), ready);
  assert.ok(
    now >= Math.min(least, was.ready),
    `availability is kept: ${now} of ${was.ready}, at least ${least}`,
  );
  const size = total(sets.values(), (rs) => rs.spec.replicas ?? 0);
  // On the way back to the stable version it gets its full size at once, as upstream has it.
  if (status.currentPodHash === status.stableRS) return;
  assert.ok(size <= Math.max(was.size, replicas + maxSurge(rollout, replicas)), `the surge is kept: ${size}`);
}

test("whatever happens, a canary keeps its promises at every pass, and comes to rest", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 4 }),
      fc.integer({ min: 1, max: 6 }),
      fc.array(happening, { maxLength: 40 }),
      (steps, replicas, happenings) => {
        const world = new RolloutWorld({ replicas, strategy: { canary: { steps } } });
        const pass = (): boolean => {
          const before = world.rollout.status ?? {};
          const was = {
            ready: total(world.sets.values(), ready),
            size: total(world.sets.values(), (rs) => rs.spec.replicas ?? 0),
          };
          const changed = world.pass();
          holds(world, before, world.rollout.status ?? {}, was);
          return changed;
        };
        for (const event of happenings) {
          happen(world, event);
          pass();
        }
        let passes = 0;
        for (; passes < 200; passes++) {
          world.allReady();
          if (!pass()) break;
        }
        assert.ok(passes < 200, "with all pods ready it comes to rest");
      },
    ),
    { numRuns: 300 },
  );
});

const blueGreen: fc.Arbitrary<Partial<BlueGreenStrategy>> = fc.record(
  {
    previewService: fc.constant("preview"),
    previewReplicaCount: fc.integer({ min: 1, max: 3 }),
    autoPromotionEnabled: fc.boolean(),
    autoPromotionSeconds: fc.integer({ min: 1, max: 10 }),
    scaleDownDelaySeconds: fc.integer({ min: 1, max: 20 }),
    scaleDownDelayRevisionLimit: fc.nat(2),
    abortScaleDownDelaySeconds: fc.nat(10),
    prePromotionAnalysis: fc.constant({ templates: [{ templateName: "proof" }] }),
    postPromotionAnalysis: fc.constant({ templates: [{ templateName: "proof" }] }),
  },
  { requiredKeys: [] },
);
type Verdict = "Successful" | "Failed" | "Inconclusive";
const verdict = fc.constantFrom<Verdict>("Successful", "Failed", "Inconclusive");

test("whatever happens, the active Service moves only to a version that has all its pods", () => {
  fc.assert(
    fc.property(
      blueGreen,
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.oneof(happening, verdict), { maxLength: 40 }),
      (strategy, replicas, happenings) => {
        const spec = { replicas, strategy: { blueGreen: { activeService: "active", ...strategy } } };
        const world = new RolloutWorld(spec, ["active", "preview"], ["proof"]);
        const active = () => world.services.get("active")?.spec.selector?.[hashLabel];
        const pass = (): boolean => {
          const before = active();
          const aborted = world.rollout.status?.abort === true;
          const changed = world.pass();
          const now = active();
          if (now === before || aborted || world.rollout.status?.abort === true) return changed;
          const rs = [...world.sets.values()].find(({ metadata }) => metadata.labels?.[hashLabel] === now);
          assert.equal(rs === undefined ? 0 : ready(rs), world.rollout.spec.replicas ?? 1);
          return changed;
        };
        for (const event of happenings) {
          if (typeof event !== "string") happen(world, event);
          else
            for (const [name, { status }] of world.runs)
              if (status?.phase === "Running") world.endRun(name, event);
          pass();
        }
        let passes = 0;
        for (; passes < 200; passes++) {
          world.allReady();
          if (!pass()) break;
        }
        assert.ok(passes < 200, "with all pods ready it comes to rest");
      },
    ),
    { numRuns: 300 },
  );
});
