import assert from "node:assert/strict";
import { test } from "node:test";
import { formatTime } from "@tracegate/kube";
import { expiresAt, planAnalysisRun, settleAnalysisRun } from "./plan.ts";
import type { AnalysisRun, AnalysisRunSpec, Measurement, Metric } from "./types.ts";

const start = Date.parse("2030-01-01T00:00:00.400Z");
const metric = (over: Partial<Metric> = {}): Metric => ({
  name: "errors",
  interval: "1s",
  count: 2,
  provider: { prometheus: { query: "q" } },
  ...over,
});
const runOf = (spec: Partial<AnalysisRunSpec> = {}): AnalysisRun => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "AnalysisRun",
  metadata: { name: "r", namespace: "n", uid: "u" },
  spec: { metrics: [metric()], ...spec },
  status: { phase: "" },
});

/** Answers every measurement that falls due with the next phase, until the run ends. */
function play(
  run: AnalysisRun,
  phases: Record<string, Measurement["phase"][]>,
): { run: AnalysisRun; at: number[]; events: string[] } {
  let now = start;
  let current = run;
  const at: number[] = [];
  const events: string[] = [];
  for (let pass = 0; pass < 100; pass++) {
    const plan = planAnalysisRun(current, now);
    if ("outcome" in plan) {
      events.push(...plan.outcome.events.map(({ message }) => message));
      return { run: { ...current, status: plan.outcome.status }, at, events };
    }
    if (plan.tasks.length > 0) at.push(now - start);
    const taken = plan.tasks.map((task) => {
      const phase = phases[task.metric.name]?.shift() ?? "Successful";
      const time = formatTime(now);
      const message = phase === "Error" ? { message: "no answer" } : {};
      return { task, measurement: { phase, startedAt: time, finishedAt: time, value: "[1]", ...message } };
    });
    const outcome = settleAnalysisRun(current, plan.metrics, taken, now);
    events.push(...outcome.events.map(({ message }) => message));
    current = { ...current, status: outcome.status };
    now = outcome.wakeAt ?? now;
  }
  return { run: current, at, events };
}

test("measurements come an interval after the stored end of the one before, which is a whole second", () => {
  const { run, at } = play(runOf({ metrics: [metric({ count: 3 })] }), {});
  assert.deepEqual(at, [0, 600, 1600]);
  assert.equal(run.status?.phase, "Successful");
  assert.deepEqual(run.status?.runSummary, { count: 1, successful: 1 });
});

test("after an error the next try is ten seconds later, and enough errors in a row end the run", () => {
  const { run, at } = play(runOf({ metrics: [metric({ consecutiveErrorLimit: 2 })] }), {
    errors: ["Error", "Error", "Error"],
  });
  assert.deepEqual(at, [0, 9600, 19_600]);
  assert.equal(
    run.status?.message,
    'Metric "errors" assessed Error due to consecutiveErrors (3) > consecutiveErrorLimit (2): "Error Message: no answer"',
  );
});

test("a failed metric winds the others down in the next pass, and they end well", () => {
  const spec = { metrics: [metric(), metric({ name: "latency", count: 20 })] };
  const { run, events } = play(runOf(spec), { errors: ["Failed"] });
  assert.equal(run.status?.phase, "Failed");
  assert.equal(run.status?.metricResults?.find(({ name }) => name === "latency")?.phase, "Successful");
  assert.deepEqual(events, [
    "Metric 'errors' Completed. Result: Failed",
    "Metric 'latency' Completed. Result: Successful",
    "Analysis Completed. Result: Failed",
  ]);
});

test("a dry run fails without consequence", () => {
  const { run } = play(
    runOf({ metrics: [metric(), metric({ name: "new", count: 1 })], dryRun: [{ metricName: "ne.*" }] }),
    { new: ["Failed"] },
  );
  assert.equal(run.status?.phase, "Successful");
  assert.deepEqual(run.status?.dryRunSummary, { count: 1, failed: 1 });
});

test("a first measurement waits for its delay, counted from the start of the run", () => {
  const { at } = play(runOf({ metrics: [metric({ count: 1, initialDelay: "5s" })] }), {});
  assert.deepEqual(at, [4600]);
});

test("a terminated run without end is successful, and says so", () => {
  const running = play(
    runOf({
      metrics: [
        { name: "errors", count: 1, provider: { job: { spec: { template: { spec: { containers: [] } } } } } },
      ],
      terminate: true,
    }),
    {},
  );
  assert.equal(running.run.status?.phase, "Successful");
  assert.equal(running.run.status?.message, "Run Terminated");
});

test("a run that cannot be measured says what is wrong with it", () => {
  const message = (spec: Partial<AnalysisRunSpec>): string | undefined =>
    play(runOf(spec), {}).run.status?.message;
  assert.equal(message({ metrics: [] }), "Analysis spec invalid: no metrics specified");
  assert.equal(
    message({ metrics: [metric({ interval: "x" })] }),
    'Analysis spec invalid: metrics[0]: invalid interval string: time: invalid duration "x"',
  );
  assert.equal(
    message({ metrics: [metric({ provider: {} })] }),
    "Analysis spec invalid: metrics[0]: no provider specified",
  );
  assert.equal(
    message({ args: [{ name: "x" }] }),
    'Unable to resolve metric arguments: argument "x" was not supplied',
  );
  assert.equal(
    message({ dryRun: [{ metricName: "*" }] }),
    "Analysis spec invalid: dryRun[0]: Rule didn't match any metric name(s)",
  );
});

test("only the newest measurements are kept", () => {
  const { run } = play(runOf({ metrics: [metric({ count: 15 })] }), {});
  assert.equal(run.status?.metricResults?.[0]?.measurements?.length, 10);
  assert.equal(run.status?.metricResults?.[0]?.count, 15);
});

/** A run's end by the phases of its measurements: the metric's limits, the run's phase and message. */
const endings: readonly [Partial<Metric>, Measurement["phase"][], string, string | undefined][] = [
  [
    { count: 5, failureLimit: 1 },
    ["Failed", "Successful", "Failed"],
    "Failed",
    'Metric "errors" assessed Failed due to failed (2) > failureLimit (1)',
  ],
  [{ count: 3, failureLimit: 1 }, ["Failed", "Successful", "Successful"], "Successful", undefined],
  [
    { count: 5, inconclusiveLimit: 1 },
    ["Inconclusive", "Successful", "Inconclusive"],
    "Inconclusive",
    'Metric "errors" assessed Inconclusive due to inconclusive (2) > inconclusiveLimit (1)',
  ],
  [{ count: 2 }, ["Error", "Successful", "Error", "Successful"], "Successful", undefined],
  [
    { consecutiveSuccessLimit: 2, failureLimit: 9 },
    ["Successful", "Failed", "Successful", "Successful"],
    "Successful",
    undefined,
  ],
  [
    { count: 3, consecutiveSuccessLimit: 2, failureLimit: 1 },
    ["Successful", "Failed", "Successful"],
    "Inconclusive",
    undefined,
  ],
  [
    { count: 3, consecutiveSuccessLimit: 2, failureLimit: -1 },
    ["Failed", "Failed", "Successful"],
    "Failed",
    undefined,
  ],
  [
    { count: 1 },
    ["Error", "Error", "Error", "Error", "Error"],
    "Error",
    'Metric "errors" assessed Error due to consecutiveErrors (5) > consecutiveErrorLimit (4): "Error Message: no answer"',
  ],
];
for (const [limits, phases, phase, message] of endings)
  test(`${JSON.stringify(limits)} with ${phases.join(", ")} is ${phase}`, () => {
    const { count: _, ...unlimited } = metric();
    const { run } = play(runOf({ metrics: [{ ...unlimited, ...limits }] }), { errors: [...phases] });
    assert.deepEqual([run.status?.phase, run.status?.message], [phase, message]);
  });

test("the worst metric tells what a run ended for, and the first of equals", () => {
  const { run } = play(runOf({ metrics: ["a", "b", "c"].map((name) => metric({ name, count: 1 })) }), {
    a: ["Inconclusive"],
    b: ["Failed"],
    c: ["Failed"],
  });
  assert.equal(run.status?.message, 'Metric "b" assessed Failed due to failed (1) > failureLimit (0)');
  assert.deepEqual(run.status?.runSummary, { count: 3, failed: 2, inconclusive: 1 });
  assert.deepEqual(run.status?.dryRunSummary, {});
});

test("a metric that was only tried out says why it failed, and the run does not", () => {
  const { run } = play(runOf({ metrics: [metric({ count: 1 })], dryRun: [{ metricName: "errors" }] }), {
    errors: ["Failed"],
  });
  assert.deepEqual([run.status?.phase, run.status?.message], ["Successful", undefined]);
  assert.equal(
    run.status?.metricResults?.[0]?.message,
    "Metric assessed Failed due to failed (1) > failureLimit (0)",
  );
});

test("a rule says how many measurements are kept", () => {
  const { run } = play(
    runOf({ metrics: [metric({ count: 6 })], measurementRetention: [{ metricName: "err.*", limit: 3 }] }),
    {},
  );
  assert.equal(run.status?.metricResults?.[0]?.measurements?.length, 3);
});

test("a finished run may go so long after its end as its outcome says", () => {
  const ended = (phase: "Successful" | "Failed" | "Error"): number | undefined =>
    expiresAt({
      ...runOf({ ttlStrategy: { secondsAfterCompletion: 60, secondsAfterSuccess: 5 } }),
      status: { phase, completedAt: formatTime(start) },
    });
  const since = Date.parse(formatTime(start));
  assert.equal(ended("Successful"), since + 5000);
  assert.equal(ended("Failed"), since + 60_000);
  assert.equal(ended("Error"), since + 60_000);
  assert.equal(
    expiresAt({ ...runOf(), status: { phase: "Successful", completedAt: formatTime(start) } }),
    undefined,
  );
});
