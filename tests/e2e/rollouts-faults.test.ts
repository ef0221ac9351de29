import assert from "node:assert/strict";
import { test } from "node:test";
import { type ResourceClient, StatusError } from "@tracegate/kube";
import { loadScenario, type Replay, replay } from "../recordings/rollouts.ts";

/**
 * An API whose writes fail as told, one number a write: 1 refuses it, 2 does it and loses the answer (as when a process dies
 * right after), anything else lets it pass. When the numbers end, all is well.
 */
function faults(plan: readonly number[]): (client: ResourceClient) => ResourceClient {
  let writes = 0;
  const failing =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const fault = plan[writes++];
      const lost = new StatusError({
        code: 500,
        reason: "InternalError",
        message: "the connection was lost",
      });
      if (fault === 1) throw lost;
      const result = await call(...args);
      if (fault === 2) throw lost;
      return result;
    };
  return (client) => ({
    ...client,
    create: failing(client.create) as ResourceClient["create"], // the same signatures, with faults
    patch: failing(client.patch) as ResourceClient["patch"],
    delete: failing(client.delete),
  });
}

/** Every write fails in one of these, refused in one and with its answer lost in another. */
const stride = 6;
const plans = ([1, 2] as const).flatMap((fault) =>
  Array.from({ length: stride }, (_, offset) =>
    Array.from({ length: 90 }, (_, i) => (i % stride === offset ? fault : 0)),
  ),
);
const rollouts = ({ states }: Replay) => states.get("Rollout/web") ?? [];

test("whatever writes fail, a release whose gate fails is never promoted, and goes back", async () => {
  const scenario = loadScenario("analysis-fail");
  for (const plan of plans) {
    const states = rollouts(await replay(scenario, faults(plan)));
    assert.ok(states.every(({ state }) => state["stableRS"] !== "hash2"));
    const last = states.at(-1)?.state;
    assert.equal(last?.["phase"], "Degraded", JSON.stringify(last));
    assert.equal(last?.["updatedReplicas"], undefined);
  }
});

test("whatever writes fail, a release whose gate passes is measured as asked, and promoted after it", async () => {
  const scenario = loadScenario("analysis-pass");
  for (const plan of plans) {
    const result = await replay(scenario, faults(plan));
    const last = rollouts(result).at(-1)?.state;
    assert.equal(last?.["phase"], "Healthy", JSON.stringify(last));
    assert.equal(last?.["stableRS"], "hash2");
    const runs = [...result.states].filter(([key]) => key.startsWith("AnalysisRun/"));
    assert.deepEqual(
      runs.map(([key]) => key),
      ["AnalysisRun/web-hash2-2-1"],
    );
    const metrics = runs[0]?.[1].at(-1)?.state["metrics"] as Record<
      string,
      { count: number; measurements: unknown[] }
    >; // as the replay projects runs
    assert.deepEqual(
      Object.values(metrics).map(({ count, measurements }) => [count, measurements.length]),
      [[3, 3]],
    );
  }
});
