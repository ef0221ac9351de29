import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReplicaSet } from "@tracegate/kube";
import fc from "fast-check";
import { maxSurge, maxUnavailable } from "./canary-replicas.ts";
import { abortRollout, type CommandPatches, promoteRollout, retryRollout } from "./commands.ts";
import { planRollout } from "./plan.ts";
import type { RolloutAction, RolloutSnapshot } from "./snapshot.ts";
import { type CanaryStep, hashLabel, type Rollout, type RolloutStatus } from "./types.ts";

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

class World {
  readonly rollout: Rollout;
  readonly sets = new Map<string, ReplicaSet>();
  now = Date.parse("2030-01-01T00:00:00Z");

  constructor(steps: CanaryStep[], replicas: number) {
    this.rollout = {
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Rollout",
      metadata: { name: "web", namespace: "default", uid: "u", generation: 1 },
      spec: {
        replicas,
        selector: { matchLabels: { app: "web" } },
        template: template(1),
        strategy: { canary: { steps } },
      },
    };
  }

  get snapshot(): RolloutSnapshot {
    return {
      rollout: this.rollout,
      replicaSets: [...this.sets.values()],
      foreignReplicaSets: [],
      services: new Map(),
      templates: new Map(),
      clusterTemplates: new Map(),
      analysisRuns: [],
      pods: [],
    };
  }

  happen(event: Happening): void {
    const { rollout } = this;
    switch (event.what) {
      case "abort":
        this.#command(abortRollout(rollout));
        return;
      case "retry":
        this.#command(retryRollout(rollout));
        return;
      case "promote":
        this.#command(promoteRollout(rollout));
        return;
      case "promote fully":
        this.#command(promoteRollout(rollout, true));
        return;
      case "image":
        rollout.spec.template = template(event.version);
        rollout.metadata.generation = (rollout.metadata.generation ?? 0) + 1;
        return;
      case "replicas":
        rollout.spec.replicas = event.count;
        rollout.metadata.generation = (rollout.metadata.generation ?? 0) + 1;
        return;
      case "time":
        this.now += event.seconds * 1000;
        return;
      case "pods ready":
        for (const rs of this.sets.values()) available(rs, rs.spec.replicas ?? 0);
        return;
      default: {
        const change = event.what === "one pod ready" ? 1 : -1;
        const rs = [...this.sets.values()].find((set) =>
          event.what === "one pod lost" ? ready(set) > 0 : ready(set) < (set.spec.replicas ?? 0),
        );
        if (rs !== undefined) available(rs, ready(rs) + change);
      }
    }
  }

  #command({ status }: CommandPatches): void {
    const merged = Object.entries({ ...this.rollout.status, ...status }).filter(
      ([, value]) => value !== null,
    );
    this.rollout.status = Object.fromEntries(merged);
  }

  carryOut(actions: readonly RolloutAction[]): void {
    for (const action of actions) {
      if (action.do === "createReplicaSet")
        this.sets.set(action.replicaSet.metadata.name, {
          ...structuredClone(action.replicaSet),
          status: { replicas: 0 },
        });
      else if (action.do === "deleteReplicaSet") this.sets.delete(action.name);
      else if (action.do === "patchReplicaSet") {
        const rs = this.sets.get(action.name);
        const { spec = {}, metadata = {} } = action.body as {
          spec?: { replicas?: number };
          metadata?: { annotations?: Record<string, string | null> };
        }; // what plans send
        if (rs === undefined) continue;
        Object.assign(rs.spec, spec);
        for (const [key, value] of Object.entries(metadata.annotations ?? {})) {
          rs.metadata.annotations ??= {};
          if (value === null) delete rs.metadata.annotations[key];
          else rs.metadata.annotations[key] = value;
        }
        // Pods that are too many go at once; new ones are not ready yet.
        available(rs, Math.min(ready(rs), rs.spec.replicas ?? 0));
      } else if (action.do === "patchRollout") {
        const { metadata = {} } = action.body as { metadata?: { annotations?: Record<string, string> } }; // what plans send
        this.rollout.metadata.annotations = { ...this.rollout.metadata.annotations, ...metadata.annotations };
      }
    }
  }
}

const template = (version: number) => ({
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "web", image: `web:${version}` }] },
});
const ready = (rs: ReplicaSet): number => rs.status?.availableReplicas ?? 0;
const available = (rs: ReplicaSet, count: number): void => {
  const { generation } = rs.metadata;
  rs.status = {
    replicas: rs.spec.replicas ?? 0,
    readyReplicas: count,
    availableReplicas: count,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
};
const total = (sets: Iterable<ReplicaSet>, of: (rs: ReplicaSet) => number): number =>
  [...sets].reduce((sum, rs) => sum + of(rs), 0);

function holds(
  world: World,
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
        const world = new World(steps, replicas);
        const pass = (): boolean => {
          const before = world.rollout.status ?? {};
          const was = {
            ready: total(world.sets.values(), ready),
            size: total(world.sets.values(), (rs) => rs.spec.replicas ?? 0),
          };
          const plan = planRollout(world.snapshot, world.now);
          world.carryOut(plan.actions);
          holds(world, before, plan.status, was);
          world.rollout.status = plan.status;
          return plan.actions.length > 0 || JSON.stringify(before) !== JSON.stringify(plan.status);
        };
        for (const event of happenings) {
          world.happen(event);
          pass();
        }
        let passes = 0;
        for (; passes < 200; passes++) {
          world.happen({ what: "pods ready" });
          if (!pass()) break;
        }
        assert.ok(passes < 200, "with all pods ready it comes to rest");
      },
    ),
    { numRuns: 300 },
  );
});
