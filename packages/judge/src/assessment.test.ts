import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  assessMetric,
  type Counters,
  isCompleted,
  type Limits,
  limitPassed,
  type MeasurementPhase,
  metricVerdict,
  overallVerdict,
  tally,
} from "./index.ts";

const limits: Limits = {
  count: 3,
  failureLimit: 0,
  inconclusiveLimit: 0,
  consecutiveErrorLimit: 4,
  consecutiveSuccessLimit: 0,
};
const after = (...phases: MeasurementPhase[]): Counters => phases.reduce<Counters>(tally, {});
const assess = (counters: Counters, over: Partial<Limits> = {}, terminating = false) =>
  assessMetric({ counters, measured: true, inFlight: false }, { ...limits, ...over }, terminating);

test("a metric runs until its count, its first failure, or its error limit", () => {
  assert.equal(assess(after("Successful", "Successful")), "Running");
  assert.equal(assess(after("Successful", "Successful", "Successful")), "Successful");
  assert.equal(assess(after("Successful", "Failed")), "Failed");
  assert.equal(assess(after("Error", "Error", "Error", "Error")), "Running");
  assert.equal(assess(after("Error", "Error", "Error", "Error", "Error")), "Error");
  assert.equal(assess(after("Inconclusive")), "Inconclusive");
});

test("errors do not count as measurements, and a success forgives them", () => {
  assert.deepEqual(after("Error", "Error", "Successful"), {
    error: 2,
    successful: 1,
    count: 1,
    consecutiveSuccess: 1,
  });
});

test("a wanted run of successes ends the metric, or leaves it open when it never comes", () => {
  assert.equal(
    assess(after("Failed", "Successful", "Successful"), {
      failureLimit: 5,
      count: 9,
      consecutiveSuccessLimit: 2,
    }),
    "Successful",
  );
  assert.equal(
    assess(after("Failed", "Successful", "Failed"), { failureLimit: 5, consecutiveSuccessLimit: 2 }),
    "Inconclusive",
  );
  assert.equal(
    assess(after("Failed", "Successful", "Failed"), { failureLimit: -1, consecutiveSuccessLimit: 2 }),
    "Failed",
  );
});

test("termination ends a healthy metric well, and changes nothing that is completed", () => {
  assert.equal(assess(after("Successful"), {}, true), "Successful");
  assert.equal(assess(after("Failed"), {}, true), "Failed");
  assert.equal(
    assessMetric({ phase: "Failed", counters: {}, measured: true, inFlight: false }, limits, true),
    "Failed",
  );
  assert.equal(assessMetric({ counters: {}, measured: false, inFlight: false }, limits, true), "Successful");
});

test("a passed limit is named in the words users search for", () => {
  assert.equal(limitPassed(after("Failed"), limits)?.reason, "failed (1) > failureLimit (0)");
});

const phase = fc.constantFrom<MeasurementPhase>("Successful", "Failed", "Inconclusive", "Error");
test("count is the sum of what counted, and a longer history never un-fails", () => {
  fc.assert(
    fc.property(fc.array(phase, { maxLength: 20 }), (phases) => {
      const counters = after(...phases);
      const { count = 0, successful = 0, failed = 0, inconclusive = 0, error = 0 } = counters;
      assert.equal(count, successful + failed + inconclusive);
      assert.equal(count + error, phases.length);
      if (failed > 0 && limitPassed(counters, limits)?.phase === "Failed")
        assert.ok(isCompleted(assess(counters)));
    }),
  );
});

test("a gate without data or without a condition cannot tell", () => {
  const metric = {
    name: "errors",
    phase: "Successful" as const,
    counters: {},
    measurements: [{ phase: "Successful" as const, value: "[]" }],
    hasConditions: true,
  };
  assert.equal(metricVerdict(metric, limits).outcome, "cannot tell");
  assert.equal(
    metricVerdict({ ...metric, measurements: [{ phase: "Successful", value: "[0.1]" }] }, limits).outcome,
    "pass",
  );
  assert.equal(
    metricVerdict(
      { ...metric, measurements: [{ phase: "Successful", value: "[0.1]" }], hasConditions: false },
      limits,
    ).outcome,
    "cannot tell",
  );
  const failed = {
    ...metric,
    phase: "Failed" as const,
    counters: { failed: 1 },
    measurements: [{ phase: "Failed" as const, value: "[0.4]" }],
  };
  assert.equal(
    overallVerdict([
      { metric, limits },
      { metric: failed, limits },
    ]).outcome,
    "fail",
  );
  assert.equal(overallVerdict([{ metric: { ...failed, dryRun: true }, limits }]).outcome, "cannot tell");
});
