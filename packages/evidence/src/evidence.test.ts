import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { AnalysisRun, type Measurement } from "@tracegate/analysis";
import { memoryClient } from "@tracegate/controller-runtime/testing";
import { Rollout, type RolloutStatus } from "@tracegate/rollouts";
import { evidenceArchive } from "./archive.ts";
import { evidenceController } from "./controller.ts";
import { decidedRelease } from "./decision.ts";
import { evidencePackage } from "./evidence-package.ts";
import { evidenceMarkdown } from "./markdown.ts";

const now = Date.parse("2026-01-02T03:04:05Z");
const clock = { now: () => now, after: () => Promise.resolve() };

const rollout = (status: RolloutStatus, revision = 2): Rollout => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Rollout",
  metadata: {
    name: "web",
    namespace: "shop",
    uid: "r",
    generation: 2,
    annotations: { "rollout.argoproj.io/revision": String(revision) },
  },
  spec: { template: { spec: { containers: [{ name: "web", image: "web:2" }] } } },
  status: { observedGeneration: "2", currentPodHash: "new", stableRS: "old", ...status },
});
const promoted: RolloutStatus = { phase: "Healthy", stableRS: "new" };
const aborted: RolloutStatus = {
  phase: "Degraded",
  abort: true,
  abortedAt: "2026-01-02T03:04:00Z",
  message: "RolloutAborted",
};

const run = (uid: string, phase: "Successful" | "Failed", values: readonly string[]): AnalysisRun => {
  const measurements: Measurement[] = values.map((value) => ({
    phase,
    value,
    finishedAt: "2026-01-02T03:04:00Z",
  }));
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "AnalysisRun",
    metadata: {
      name: `web-new-2-${uid}`,
      namespace: "shop",
      uid,
      creationTimestamp: `2026-01-02T03:03:0${uid}Z`,
      annotations: { "rollout.argoproj.io/revision": "2" },
      ownerReferences: [
        { apiVersion: "argoproj.io/v1alpha1", kind: "Rollout", name: "web", uid: "r", controller: true },
      ],
    },
    spec: {
      args: [{ name: "hash", value: "new" }],
      metrics: [
        {
          name: "errors",
          interval: "10s",
          count: 3,
          successCondition: "result[0] < 0.05",
          failureLimit: 1,
          provider: { prometheus: { address: "http://prometheus", query: 'errors{hash="{{args.hash}}"}' } },
        },
      ],
    },
    status: {
      phase,
      metricResults: [
        {
          name: "errors",
          phase,
          count: values.length,
          ...(phase === "Successful" ? { successful: values.length } : { failed: values.length }),
          measurements,
        },
      ],
    },
  };
};

test("a release is decided when it is promoted or taken back, and open before", () => {
  const open: [string, Rollout][] = [
    ["progressing", rollout({ phase: "Progressing" })],
    ["healthy on an older version", rollout({ phase: "Healthy" })],
    ["aborted, but not yet settled", rollout({ phase: "Progressing", abort: true })],
    ["a spec not seen yet", rollout({ ...promoted, observedGeneration: "1" })],
    ["the first revision", rollout(promoted, 1)],
  ];
  for (const [fact, object] of open) assert.equal(decidedRelease(object, [], new Set()), undefined, fact);
  assert.equal(decidedRelease(rollout(promoted), [], new Set())?.verdict, "go");
  assert.equal(decidedRelease(rollout(aborted), [], new Set())?.verdict, "no-go");
});

test("the package says what was asked, what was measured, and what would have reverted it", () => {
  const decided = decidedRelease(
    rollout(promoted),
    [run("1", "Successful", ["[0.01]", "[0.02]", "[0]"])],
    new Set(),
  );
  assert.ok(decided);
  const evidence = evidencePackage(decided, 1, "2026-01-02T03:04:05.000Z");
  assert.equal(evidence.judgement.outcome, "pass");
  const [gate] = evidence.gates;
  assert.equal(gate?.asked.query, 'errors{hash="new"}');
  assert.deepEqual(
    gate?.measurements.map(({ value }) => value),
    ["[0.01]", "[0.02]", "[0]"],
  );
  assert.deepEqual(gate?.wouldHaveReverted, [
    "2 measurements that do not meet `result[0] < 0.05` (failureLimit 1)",
    "5 measurements in a row that fail to get an answer (consecutiveErrorLimit 4)",
  ]);
  assert.deepEqual(evidencePackage(decided, 1, "2026-01-02T03:04:05.000Z"), evidence);
  const page = evidenceMarkdown(evidence);
  assert.match(page, /^# Go: shop\/web revision 2, attempt 1\n/);
  assert.match(page, /\| errors \| pass \| `result\[0\] < 0\.05` \| \[0\.01\], \[0\.02\], \[0\] \|/);
});

test("a release let through without a gate says that nothing was judged", () => {
  const decided = decidedRelease(rollout(promoted), [], new Set());
  assert.ok(decided);
  const evidence = evidencePackage(decided, 1, "2026-01-02T03:04:05.000Z");
  assert.equal(evidence.verdict, "go");
  assert.deepEqual(evidence.judgement, { outcome: "cannot tell", reasons: ["no metric was judged"] });
  assert.match(evidenceMarkdown(evidence), /No gate was asked/);
});

test("each attempt leaves one package, however often it is looked at; a retry leaves a second with its own runs", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "evidence-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const client = memoryClient(clock);
  const archive = evidenceArchive(root);
  const written: string[] = [];
  const controller = evidenceController({
    client,
    clock,
    archive,
    written: (directory) => written.push(directory),
  });
  const look = () => controller.reconcile({ namespace: "shop", name: "web" }, new AbortController().signal);

  const seen = { observedGeneration: "1" };
  const created = await client.create(Rollout, rollout({ ...aborted, ...seen }));
  const own = (object: AnalysisRun): AnalysisRun => ({
    ...object,
    metadata: {
      ...object.metadata,
      ownerReferences: (object.metadata.ownerReferences ?? []).map((owner) => ({
        ...owner,
        uid: created.metadata.uid ?? "",
      })),
    },
  });
  await client.create(AnalysisRun, own(run("1", "Failed", ["[0.5]", "[0.6]"])));
  await look();
  await look();
  assert.deepEqual(written, [join(root, "shop", "web", "2", "1")]);

  await client.create(AnalysisRun, own(run("2", "Successful", ["[0]", "[0]", "[0]"])));
  const status = { ...promoted, abort: null, abortedAt: null };
  await client.patch(
    Rollout,
    { namespace: "shop", name: "web" },
    { type: "merge", body: { status } },
    { subresource: "status" },
  );
  await look();
  await look();
  assert.deepEqual(written.slice(1), [join(root, "shop", "web", "2", "2")]);
  const second = JSON.parse(readFileSync(join(root, "shop", "web", "2", "2", "evidence.json"), "utf8"));
  assert.equal(second.verdict, "go");
  assert.deepEqual(
    second.gates.map(({ analysisRun }: { analysisRun: string }) => analysisRun),
    ["web-new-2-2"],
  );
});
