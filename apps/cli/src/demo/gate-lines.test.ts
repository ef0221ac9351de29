import assert from "node:assert/strict";
import { test } from "node:test";
import type { AnalysisRun } from "@tracegate/analysis";
import { painter } from "../painter.ts";
import { gateLines, rounded } from "./gate-lines.ts";

test("gates stand in columns: name, condition, what was measured, a dot for what is still to come while the run goes on", () => {
  const run: AnalysisRun = {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "AnalysisRun",
    metadata: { name: "hotrod-b-2-1" },
    spec: {
      metrics: [
        { name: "traffic", successCondition: "result[0] >= 0.05", count: 2, provider: {} },
        { name: "errors", successCondition: "result[0] < 1", count: 2, provider: {} },
      ],
    },
    status: {
      phase: "Running",
      metricResults: [
        {
          name: "traffic",
          phase: "Running",
          count: 1,
          measurements: [{ phase: "Successful", value: "[3.14159]", finishedAt: "2030-01-01T00:00:00Z" }],
        },
      ],
    },
  };
  assert.deepEqual(gateLines(run, painter(false)), [
    "traffic  result[0] >= 0.05  3.14  ·",
    "errors   result[0] < 1      ·  ·",
  ]);
  const over: AnalysisRun = { ...run, status: { ...run.status, phase: "Error" } };
  assert.deepEqual(gateLines(over, painter(false)), [
    "traffic  result[0] >= 0.05  3.14",
    "errors   result[0] < 1",
  ]);
  assert.deepEqual(gateLines(undefined, painter(false)), []);
});

test("values are shown with three digits; an answer without series is nothing", () => {
  assert.deepEqual(["[0.123456]", "[]", "NaN", "1e-7"].map(rounded), ["0.123", "nothing", "NaN", "1e-7"]);
});
