import assert from "node:assert/strict";
import { test } from "node:test";
import { RolloutWorld } from "../testing/rollout-world.ts";
import { abortRollout, promoteRollout, retryRollout } from "./commands.ts";
import { planRollout } from "./plan.ts";
import type { BlueGreenStrategy } from "./types.ts";

const analysis = (templateName: string) => ({ templates: [{ templateName }] });

/** A blue-green Rollout whose first version is stable. */
function released(strategy: Partial<BlueGreenStrategy> = {}): RolloutWorld {
  const blueGreen = { activeService: "active", previewService: "preview", ...strategy };
  const world = new RolloutWorld({ strategy: { blueGreen } }, ["active", "preview"], ["pre", "post"]);
  world.settle();
  assert.equal(world.rollout.status?.phase, "Healthy");
  return world;
}
const run = (world: RolloutWorld, version: number, revision: number, infix: string): string =>
  `web-${world.hash(version) ?? ""}-${revision}-${infix}`;

test("the first version needs neither pause nor proof", () => {
  const world = released({ autoPromotionEnabled: false, prePromotionAnalysis: analysis("pre") });
  assert.equal(world.selected("active"), 1);
  assert.deepEqual(world.told("RolloutCompleted"), [
    "Rollout completed update to revision 1 (v1): Initial deploy",
  ]);
  assert.equal(world.runs.size, 0);
});

test("a version that replaces the first before it served is initial too", () => {
  const blueGreen = { activeService: "active", postPromotionAnalysis: analysis("post") };
  const world = new RolloutWorld({ strategy: { blueGreen } }, ["active"], ["post"]);
  for (let i = 0; i < 3; i++) world.pass();
  world.deploy(2);
  world.settle();
  assert.equal(world.selected("active"), 2);
  assert.deepEqual(
    world.told("RolloutCompleted").at(-1),
    "Rollout completed update to revision 2 (v2): Initial deploy",
  );
});

test("the old version stays for its delay, follows the Rollout's size, and then goes", () => {
  const world = released();
  world.deploy(2);
  world.settle();
  assert.equal(world.selected("active"), 2);
  assert.equal(world.size(1), 2);
  world.change({ replicas: 3 });
  world.settle();
  assert.deepEqual([world.size(1), world.size(2)], [3, 3]);
  world.wait(29);
  assert.equal(world.size(1), 3);
  world.wait(2);
  assert.equal(world.size(1), 0);
});

test("only so many old versions are kept as scaleDownDelayRevisionLimit says", () => {
  const world = released({ scaleDownDelayRevisionLimit: 1 });
  for (const version of [2, 3]) {
    world.deploy(version);
    world.settle();
  }
  assert.deepEqual([world.size(1), world.size(2), world.size(3)], [0, 2, 2]);
});

test("a pause waits for a person, or for autoPromotionSeconds", () => {
  const manual = released({ autoPromotionEnabled: false, autoPromotionSeconds: 5 });
  manual.deploy(2);
  manual.settle();
  assert.equal(manual.rollout.status?.message, "BlueGreenPause");
  manual.wait(60);
  assert.equal(manual.selected("active"), 1);
  manual.command(promoteRollout(manual.rollout));
  manual.settle();
  assert.equal(manual.selected("active"), 2);

  const timed = released({ autoPromotionSeconds: 5 });
  timed.deploy(2);
  timed.settle();
  timed.wait(4);
  assert.equal(timed.selected("active"), 1);
  timed.wait(2);
  assert.equal(timed.selected("active"), 2);
});

test("a pause that the spec no longer asks for ends", () => {
  const world = released({ autoPromotionEnabled: false });
  world.deploy(2);
  world.settle();
  world.change({ strategy: { blueGreen: { activeService: "active", previewService: "preview" } } });
  world.settle();
  assert.equal(world.selected("active"), 2);
});

test("a small preview is proven and paused once, grows, and takes over", () => {
  const world = released({
    autoPromotionEnabled: false,
    previewReplicaCount: 1,
    prePromotionAnalysis: analysis("pre"),
  });
  world.deploy(2);
  world.settle();
  assert.equal(world.size(2), 1);
  assert.equal(world.rollout.status?.phase, "Progressing");
  world.endRun(run(world, 2, 2, "pre"), "Successful");
  world.settle();
  assert.equal(world.rollout.status?.message, "BlueGreenPause");
  assert.deepEqual([world.size(2), world.selected("active")], [1, 1]);
  world.command(promoteRollout(world.rollout));
  world.settle();
  assert.deepEqual([world.size(2), world.selected("active")], [2, 2]);
  assert.equal(world.told("RolloutPaused").length, 1);
  assert.equal(world.rollout.status?.blueGreen?.scaleUpPreviewCheckPoint, undefined);
});

test("a full promotion needs neither the small preview nor its proof", () => {
  const world = released({ previewReplicaCount: 1, prePromotionAnalysis: analysis("pre") });
  world.deploy(2);
  world.settle();
  world.command(promoteRollout(world.rollout, true));
  world.settle();
  assert.deepEqual([world.size(2), world.selected("active")], [2, 2]);
  assert.equal(world.runs.get(run(world, 2, 2, "pre"))?.spec.terminate, true);
});

test("a failed proof before the switch aborts it; the preview goes after its delay", () => {
  const world = released({ prePromotionAnalysis: analysis("pre") });
  world.deploy(2);
  world.settle();
  world.endRun(run(world, 2, 2, "pre"), "Failed", "bad");
  world.settle();
  assert.equal(
    world.rollout.status?.message,
    "RolloutAborted: Rollout aborted update to revision 2: Blue/green pre-promotion analysis phase error/failed: bad",
  );
  assert.deepEqual([world.selected("active"), world.size(2)], [1, 2]);
  world.wait(31);
  assert.equal(world.size(2), 0);
});

for (const [name, delay] of [
  ["while its pods are still there", 0],
  ["after they are gone", 31],
] as const)
  test(`a retry after a failed proof proves the version anew, ${name}`, () => {
    const world = released({ prePromotionAnalysis: analysis("pre") });
    world.deploy(2);
    world.settle();
    world.endRun(run(world, 2, 2, "pre"), "Failed");
    world.settle();
    world.wait(delay);
    world.command(retryRollout(world.rollout));
    world.settle();
    assert.equal(world.selected("active"), 1);
    assert.equal(world.rollout.status?.phase, "Progressing");
    world.endRun(`${run(world, 2, 2, "pre")}.1`, "Successful");
    world.settle();
    assert.equal(world.selected("active"), 2);
  });

test("where no analysis judges, a retry lets the version whose pods are still there take over at once", () => {
  const world = released({ autoPromotionEnabled: false });
  world.deploy(2);
  world.settle();
  world.command(abortRollout(world.rollout));
  world.settle();
  world.command(retryRollout(world.rollout));
  world.settle();
  assert.equal(world.selected("active"), 2);
  assert.equal(world.rollout.status?.phase, "Healthy");
});

test("with abortScaleDownDelaySeconds 0 the preview stays after an abort", () => {
  const world = released({ abortScaleDownDelaySeconds: 0, autoPromotionEnabled: false });
  world.deploy(2);
  world.settle();
  world.command(abortRollout(world.rollout));
  world.settle();
  world.wait(3600);
  assert.equal(world.size(2), 2);
});

test("without a delay of its own, the old version stays until the proof after the switch", () => {
  const world = released({ postPromotionAnalysis: analysis("post") });
  world.deploy(2);
  world.settle();
  assert.equal(world.selected("active"), 2);
  assert.equal(world.rollout.status?.message, "waiting for analysis to complete");
  world.wait(120);
  assert.equal(world.size(1), 2);
  world.endRun(run(world, 2, 2, "post"), "Successful");
  world.settle();
  assert.equal(world.rollout.status?.phase, "Healthy");
  world.wait(31);
  assert.equal(world.size(1), 0);
});

test("a failed proof after the switch leads back to the stable version", () => {
  const world = released({ postPromotionAnalysis: analysis("post") });
  world.deploy(2);
  world.settle();
  world.endRun(run(world, 2, 2, "post"), "Failed", "bad");
  world.settle();
  assert.equal(world.selected("active"), 1);
  assert.equal(world.rollout.status?.phase, "Degraded");
});

test("an inconclusive proof waits for a person, who has it asked anew", () => {
  const world = released({ prePromotionAnalysis: analysis("pre") });
  world.deploy(2);
  world.settle();
  world.endRun(run(world, 2, 2, "pre"), "Inconclusive");
  world.settle();
  assert.equal(world.rollout.status?.message, "InconclusiveAnalysisRun");
  world.command(promoteRollout(world.rollout));
  world.settle();
  assert.equal(world.selected("active"), 1);
  world.endRun(`${run(world, 2, 2, "pre")}.1`, "Successful");
  world.settle();
  assert.equal(world.selected("active"), 2);
});

test("back to a version that still runs needs neither pause nor proof", () => {
  const world = released({
    autoPromotionEnabled: false,
    prePromotionAnalysis: analysis("pre"),
    postPromotionAnalysis: analysis("post"),
    scaleDownDelaySeconds: 60,
  });
  world.deploy(2);
  world.settle();
  world.endRun(run(world, 2, 2, "pre"), "Successful");
  world.settle();
  world.command(promoteRollout(world.rollout));
  world.settle();
  world.endRun(run(world, 2, 2, "post"), "Successful");
  world.settle();
  const runs = world.runs.size;
  world.deploy(1);
  world.settle();
  assert.equal(world.selected("active"), 1);
  assert.equal(world.rollout.status?.phase, "Healthy");
  assert.equal(world.runs.size, runs);
  assert.equal(
    world.told("RolloutCompleted").at(-1),
    `Rollout completed update to revision 3 (v1): Rollback to 'web-v1' within scaleDownDelay`,
  );
});

test("a person's pause stops both Services", () => {
  const world = released();
  world.change({ paused: true });
  world.deploy(2);
  world.settle();
  assert.deepEqual([world.selected("active"), world.selected("preview")], [1, 1]);
  assert.equal(world.rollout.status?.message, "manually paused");
  world.change({ paused: false });
  world.settle();
  assert.equal(world.selected("active"), 2);
});

test("while the new version is proven after the switch, the stable one follows a new size too", () => {
  const world = released({ postPromotionAnalysis: analysis("post") });
  world.deploy(2);
  world.settle();
  world.change({ replicas: 3 });
  world.settle();
  assert.deepEqual([world.size(1), world.size(2)], [3, 3]);
  world.endRun(run(world, 2, 2, "post"), "Successful");
  world.settle();
  assert.equal(world.rollout.status?.phase, "Healthy");
});

test("a second version that is replaced before it took over goes after the delay", () => {
  const world = released({ autoPromotionEnabled: false });
  for (const version of [2, 3]) {
    world.deploy(version);
    world.settle();
  }
  assert.deepEqual([world.size(1), world.size(2), world.size(3)], [2, 2, 2]);
  assert.deepEqual([world.selected("active"), world.selected("preview")], [1, 3]);
  world.wait(31);
  assert.equal(world.size(2), 0);
});

test("back to the stable version before the switch needs nothing", () => {
  const world = released({ autoPromotionEnabled: false, prePromotionAnalysis: analysis("pre") });
  world.deploy(2);
  world.settle();
  world.deploy(1);
  world.settle();
  assert.equal(world.rollout.status?.phase, "Healthy");
  assert.equal(world.selected("preview"), 1);
  assert.equal(world.runs.get(run(world, 2, 2, "pre"))?.spec.terminate, true);
});

test("seconds of an automatic promotion mean nothing where a person promotes, however long it takes", () => {
  const world = released({ autoPromotionEnabled: false, autoPromotionSeconds: 2 });
  world.deploy(2);
  world.settle();
  assert.equal(world.rollout.status?.phase, "Paused");
  world.wait(60);
  assert.equal(world.selected("active"), 1);
  assert.equal(planRollout(world.snapshot, world.now).requeueAfterMs, undefined);
});
