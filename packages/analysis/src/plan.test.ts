import assert from "node:assert/strict";
import { test } from "node:test";
import { formatTime } from "@tracegate/kube";
import { planAnalysisRun, settleAnalysisRun } from "./plan.ts";
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
