import assert from "node:assert/strict";
import { test } from "node:test";
import { RolloutWorld, template } from "../testing/rollout-world.ts";
import { abortRollout, promoteRollout, retryRollout } from "./commands.ts";
import type { CanaryStep, CanaryStrategy, RolloutSpec } from "./types.ts";

const analysis = (templateName: string) => ({ templates: [{ templateName }] });

/** A canary Rollout whose first version is stable. */
function released(canary: CanaryStrategy, spec: Partial<RolloutSpec> = {}): RolloutWorld {
  const world = new RolloutWorld({ strategy: { canary }, ...spec }, [], ["a", "b"]);
  world.settle();
  assert.equal(world.rollout.status?.phase, "Healthy");
  return world;
}
const indexOf = (world: RolloutWorld): number | undefined => world.rollout.status?.currentStepIndex;
const runNames = (world: RolloutWorld): string[] =>
  [...world.runs.keys()].map((name) =>
    [1, 2, 3].reduce((text, version) => text.replaceAll(world.hash(version) ?? "\0", `v${version}`), name),
  );
const runOf = (world: RolloutWorld, suffix: string): string => `web-${world.hash(2) ?? ""}-${suffix}`;

const pauses: CanaryStep[] = [{ setWeight: 50 }, { pause: {} }, { setWeight: 80 }, { pause: {} }];

test("the arithmetic's examples are what a Rollout goes through", () => {
  for (const [replicas, weights, counts] of [
    [5, [20, 40, 60, 80, 100], ["1/4", "2/3", "3/2", "4/1", "5/0"]],
    [2, [20, 40, 60, 80, 100], ["1/2", "1/2", "2/1", "2/1", "2/0"]],
  ] as const) {
    const steps = weights.flatMap((setWeight): CanaryStep[] => [{ setWeight }, { pause: {} }]);
    const world = released({ steps }, { replicas });
    world.deploy(2);
    const seen = weights.map(() => {
      world.settle();
      const now = `${world.size(2)}/${world.size(1)}`;
      world.command(promoteRollout(world.rollout));
      return now;
    });
    assert.deepEqual(seen, counts);
  }
});

for (const [replicas, path] of [
  [10, ["5/5", "5/8", "0/8", "0/10"]],
  [4, ["2/2", "2/3", "0/3", "0/4"]],
] as const)
  test(`an abort of ${replicas} replicas goes back by ${path.join(" ")}`, () => {
    const world = released({ steps: pauses }, { replicas });
    world.deploy(2);
    world.settle();
    const seen = [`${world.size(2)}/${world.size(1)}`];
    world.command(abortRollout(world.rollout));
    for (let i = 0; i < 10; i++) {
      world.allReady();
      world.pass();
      const now = `${world.size(2)}/${world.size(1)}`;
      if (seen.at(-1) !== now) seen.push(now);
    }
    assert.deepEqual(seen, path);
  });

test("promote skips a running analysis, and the next analysis step has a run of its own", () => {
  const world = released({ steps: [{ analysis: analysis("a") }, { analysis: analysis("b") }] });
  world.deploy(2);
  world.settle();
  assert.deepEqual(runNames(world), ["web-v2-2-0"]);
  world.command(promoteRollout(world.rollout));
  world.settle();
  assert.deepEqual(runNames(world), ["web-v2-2-0", "web-v2-2-1"]);
  assert.equal(world.runs.get(runOf(world, "2-0"))?.spec.terminate, true);
  assert.equal(indexOf(world), 1);
  world.endRun(runOf(world, "2-1"), "Successful");
  world.settle();
  assert.equal(world.rollout.status?.phase, "Healthy");
});

test("an inconclusive step waits; promote moves on, taking the pause away has it asked anew", () => {
  const paused = (): RolloutWorld => {
    const world = released({ steps: [{ analysis: analysis("a") }, { pause: {} }] });
    world.deploy(2);
    world.settle();
    world.endRun(runOf(world, "2-0"), "Inconclusive");
    world.settle();
    assert.equal(world.rollout.status?.message, "InconclusiveAnalysisRun");
    return world;
  };
  const promoted = paused();
  promoted.command(promoteRollout(promoted.rollout));
  promoted.settle();
  assert.equal(indexOf(promoted), 1);
  const resumed = paused();
  resumed.command({ status: { pauseConditions: null }, output: "" });
  resumed.settle();
  assert.deepEqual(runNames(resumed), ["web-v2-2-0", "web-v2-2-0.1"]);
});

test("a background analysis starts at its step, outlives steps and pauses, and ends with the promotion", () => {
  const world = released({ steps: pauses, analysis: { ...analysis("a"), startingStep: 2 } });
  world.deploy(2);
  world.settle();
  assert.deepEqual(runNames(world), []);
  world.command(promoteRollout(world.rollout));
  world.settle();
  assert.deepEqual(runNames(world), ["web-v2-2"]);
  assert.equal(world.rollout.status?.canary?.currentBackgroundAnalysisRunStatus?.status, "Running");
  world.command(promoteRollout(world.rollout));
  world.settle();
  assert.equal(world.rollout.status?.phase, "Healthy");
  assert.equal(world.runs.get(runOf(world, "2"))?.spec.terminate, true);
});

test("a background analysis of a canary without steps runs whatever its starting step", () => {
  const world = released({ analysis: { ...analysis("a"), startingStep: 1 } }, { replicas: 10 });
  world.deploy(2);
  for (let i = 0; i < 6; i++) world.pass();
  assert.deepEqual(runNames(world), ["web-v2-2"]);
});

test("a failed background analysis aborts, and a retry asks anew from the first step", () => {
  const world = released({ steps: pauses, analysis: analysis("a") });
  world.deploy(2);
  world.settle();
  world.endRun(runOf(world, "2"), "Failed", "bad");
  world.settle();
  assert.equal(
    world.rollout.status?.message,
    "RolloutAborted: Rollout aborted update to revision 2: Background analysis phase error/failed: bad",
  );
  assert.deepEqual([world.size(1), world.size(2), indexOf(world)], [2, 0, 0]);
  world.command(retryRollout(world.rollout));
  world.settle();
  assert.deepEqual(runNames(world), ["web-v2-2", "web-v2-2.1"]);
  assert.equal(indexOf(world), 1);
});

test("other steps under way start from the first of them", () => {
  const world = released({ steps: pauses });
  world.deploy(2);
  world.settle();
  world.command(promoteRollout(world.rollout));
  world.settle();
  assert.equal(indexOf(world), 3);
  world.change({ strategy: { canary: { steps: [{ setWeight: 10 }, { pause: {} }] } } });
  world.settle();
  assert.equal(indexOf(world), 1);
});

test("within the rollback window an older version skips its steps; beyond it does not", () => {
  for (const [revisions, target, index, reason] of [
    [1, 2, 4, "Rollback within window"],
    [1, 1, 1, undefined],
    [2, 1, 4, "Rollback within window"],
  ] as const) {
    const world = released({ steps: pauses }, { rollbackWindow: { revisions } });
    for (const version of [2, 3]) {
      world.deploy(version);
      world.settle();
      world.command(promoteRollout(world.rollout, true));
      world.settle();
    }
    world.deploy(target);
    world.settle();
    assert.equal(indexOf(world), index, `${revisions} revisions, back to ${target}`);
    const last = world.told("RolloutCompleted").at(-1);
    if (reason !== undefined)
      assert.equal(last, `Rollout completed update to revision 4 (v${target}): ${reason}`);
    else assert.equal(world.rollout.status?.phase, "Paused");
  }
});

test("with a progress threshold a step needs not all of its pods", () => {
  const steps: CanaryStep[] = [{ setWeight: 50 }, { pause: {} }];
  const canary: CanaryStrategy = { steps, replicaProgressThreshold: { type: "Percent", value: 50 } };
  const world = released(canary, { replicas: 8 });
  world.deploy(2);
  const partly = (count: number): number | undefined => {
    for (let i = 0; i < 20; i++) {
      for (const [version, of] of [
        [1, 8],
        [2, count],
      ] as const) {
        const rs = world.replicaSet(version);
        if (rs !== undefined) world.available(rs, Math.min(of, rs.spec.replicas ?? 0));
      }
      world.pass();
    }
    return indexOf(world);
  };
  assert.equal(partly(1), 0);
  assert.equal(partly(2), 1);
});

test("a third version drains the second before anything else shrinks, its broken pods first", () => {
  const world = released({ steps: pauses }, { replicas: 4 });
  world.deploy(2);
  world.settle();
  world.deploy(3);
  const second = world.replicaSet(2);
  assert.ok(second);
  world.available(second, 0);
  for (let i = 0; i < 12 && world.size(2) !== 0; i++) {
    world.pass();
    assert.ok((world.size(1) ?? 0) >= 2, "stable keeps what it has");
  }
  assert.equal(world.size(2), 0);
  world.settle();
  assert.deepEqual([world.size(1), world.size(2), world.size(3)], [2, 0, 2]);
});

test("a new template under an abort clears it", () => {
  const world = released({ steps: pauses });
  world.deploy(2);
  world.settle();
  world.command(abortRollout(world.rollout));
  world.settle();
  assert.equal(world.rollout.status?.phase, "Degraded");
  world.deploy(3);
  world.settle();
  assert.equal(world.rollout.status?.abort, undefined);
  assert.equal(world.rollout.status?.message, "CanaryPauseStep");
});

test("old versions beyond the history limit are deleted with their runs", () => {
  const world = released({ steps: [{ analysis: analysis("a") }] }, { revisionHistoryLimit: 1 });
  for (const version of [2, 3, 4]) {
    world.deploy(version);
    world.settle();
    const last = [...world.runs.keys()].at(-1);
    world.endRun(last ?? "", "Successful");
    world.settle();
  }
  assert.deepEqual(
    [1, 2, 3, 4].map((version) => world.size(version)),
    [undefined, undefined, 0, 1 + 1],
  );
  assert.equal(world.runs.size, 2);
});

test("a failure to create pods shows as the ReplicaSet tells it", () => {
  const world = released({ steps: pauses });
  const rs = world.replicaSet(1);
  assert.ok(rs);
  const failure = {
    type: "ReplicaFailure",
    status: "True" as const,
    reason: "FailedCreate",
    message: "quota",
  };
  rs.status = { ...rs.status, replicas: 2, conditions: [failure] };
  world.pass();
  const shown = world.rollout.status?.conditions?.find(({ type }) => type === "ReplicaFailure");
  assert.equal(`${shown?.status} ${shown?.reason}: ${shown?.message}`, "True FailedCreate: quota");
  world.settle();
  assert.equal(
    world.rollout.status?.conditions?.some(({ type }) => type === "ReplicaFailure"),
    false,
  );
});

test("a template and a size changed at once are both carried out", () => {
  const world = released({ steps: pauses });
  world.change({ template: template(2), replicas: 6 });
  world.settle();
  assert.deepEqual([world.size(1), world.size(2)], [3, 3]);
});

test("a Rollout of no replicas goes through its steps without pods", () => {
  const world = released({ steps: pauses }, { replicas: 0 });
  world.deploy(2);
  world.settle();
  assert.equal(world.rollout.status?.message, "CanaryPauseStep");
  world.command(promoteRollout(world.rollout, true));
  world.settle();
  assert.equal(world.rollout.status?.phase, "Healthy");
});

test("an update that makes no progress is told so, and given up where the spec says", () => {
  for (const [progressDeadlineAbort, message] of [
    [false, "ProgressDeadlineExceeded: ReplicaSet 'v2' has timed out progressing."],
    [true, "RolloutAborted: Rollout aborted update to revision 2"],
  ] as const) {
    const world = released({ steps: pauses }, { progressDeadlineSeconds: 10, progressDeadlineAbort });
    world.deploy(2);
    for (let passes = 0; passes < 10; passes++) world.pass();
    assert.ok((world.wakeAt ?? 0) > world.now);
    world.now += 12_000;
    for (let passes = 0; passes < 5; passes++) world.pass();
    const shown = world.rollout.status?.message?.replace(`"web-${world.hash(2)}"`, "'v2'");
    assert.equal(shown, message);
    const events = progressDeadlineAbort
      ? ['ReplicaSet "web-v2" has timed out progressing.', "Rollout aborted update to revision 2"]
      : [];
    assert.deepEqual(world.told("RolloutAborted"), events);
  }
});

test("at a pause no deadline counts", () => {
  const world = released({ steps: pauses }, { progressDeadlineSeconds: 10 });
  world.deploy(2);
  world.settle();
  world.wait(3600);
  assert.equal(world.rollout.status?.phase, "Paused");
});

test("a pod that is lost after the promotion makes the Rollout progress again, not time out", () => {
  const world = released({}, { progressDeadlineSeconds: 10 });
  world.now += 3_600_000;
  const rs = world.replicaSet(1);
  assert.ok(rs);
  world.available(rs, 1);
  world.pass();
  const progressing = world.rollout.status?.conditions?.find(({ type }) => type === "Progressing");
  assert.equal(progressing?.reason, "ReplicaSetNotAvailable");
  assert.equal(world.rollout.status?.message, "updated replicas are still becoming available");
});
