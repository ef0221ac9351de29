import assert from "node:assert/strict";
import { test } from "node:test";
import type { AnalysisRun, Metric, MetricResult } from "./types.ts";
import { runVerdict } from "./verdict.ts";

const run = (metric: Partial<Metric>, result?: Partial<MetricResult>): AnalysisRun => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "AnalysisRun",
  metadata: { name: "r" },
  spec: {
    metrics: [
      { name: "errors", successCondition: "result[0] < 0.05", provider: { prometheus: {} }, ...metric },
    ],
  },
  status: {
    phase: "Running",
    metricResults: result === undefined ? [] : [{ name: "errors", phase: "Successful", ...result }],
  },
});

test("a run passes on measured values, and fails on them", () => {
  assert.deepEqual(runVerdict(run({}, { measurements: [{ phase: "Successful", value: "[0.01]" }] })), {
    outcome: "pass",
    reasons: [],
  });
  const failed = runVerdict(
    run({}, { phase: "Failed", failed: 1, measurements: [{ phase: "Failed", value: "[0.2]" }] }),
  );
  assert.deepEqual(failed, {
    outcome: "fail",
    reasons: ["errors: failed (1) > failureLimit (0), last value [0.2]"],
  });
});

test("without data, without a condition, or without a measurement it cannot tell", () => {
  assert.equal(
    runVerdict(run({ successCondition: "" }, { measurements: [{ phase: "Successful", value: "[]" }] }))
      .outcome,
    "cannot tell",
  );
  assert.equal(
    runVerdict(run({}, { phase: "Failed", failed: 1, measurements: [{ phase: "Failed", value: "[NaN]" }] }))
      .outcome,
    "cannot tell",
  );
  assert.deepEqual(runVerdict(run({})), { outcome: "cannot tell", reasons: ["errors: still pending"] });
});
