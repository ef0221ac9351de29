import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Kind,
  type KubeObject,
  type Patch,
  type Ref,
  type ResourceClient,
  StatusError,
} from "@tracegate/kube";
import fc from "fast-check";
import { analysisRunController } from "./controller.ts";
import type { MetricProvider } from "./provider.ts";
import { immediateProvider } from "./providers/immediate.ts";
import { jobProvider } from "./providers/job.ts";
import type { AnalysisRun } from "./types.ts";

/** Stops everything, as a killed process does; the next life starts from what is stored. */
class Killed extends Error {}

/** Objects by kind and name, with versions that are checked. `beforeWrite` may kill. */
function storage(beforeWrite: () => void, afterWrite: () => void) {
  const objects = new Map<string, KubeObject & { status?: unknown }>();
  let version = 0;
  const key = (kind: Kind, ref: Ref): string => `${kind.kind}/${ref.name}`;
  const unused = (): never => {
    throw new Error("not used by this controller");
  };
  const put = (at: string, object: KubeObject): void => {
    beforeWrite();
    objects.set(at, { ...object, metadata: { ...object.metadata, resourceVersion: String(++version) } });
    afterWrite();
  };
  const read = (kind: Kind, ref: Ref) => {
    const found = objects.get(key(kind, ref));
    if (found === undefined) throw new StatusError({ code: 404, reason: "NotFound" });
    return found;
  };
  const client = {
    get: async (kind: Kind, ref: Ref) => read(kind, ref),
    list: async (kind: Kind) => ({
      apiVersion: "v1",
      kind: "List",
      metadata: { resourceVersion: "1" },
      items: [...objects.values()].filter((object) => object.kind === kind.kind),
    }),
    create: async (kind: Kind, object: KubeObject) => {
      if (objects.has(key(kind, object.metadata)))
        throw new StatusError({ code: 409, reason: "AlreadyExists" });
      put(key(kind, object.metadata), object);
      return object;
    },
    patch: async (kind: Kind, ref: Ref, patch: Patch) => {
      const old = read(kind, ref);
      const { metadata, status } = (patch.type === "merge" ? patch.body : {}) as {
        metadata?: { resourceVersion?: string };
        status?: object;
      }; // what this controller sends
      if (metadata?.resourceVersion !== old.metadata.resourceVersion)
        throw new StatusError({ code: 409, reason: "Conflict" });
      put(key(kind, ref), { ...old, ...{ status: { ...(old.status as object), ...status } } });
      return read(kind, ref);
    },
    update: unused,
    watch: unused,
    delete: async () => undefined,
    deleteCollection: unused,
  } as unknown as ResourceClient; // the methods that are called, without their type parameters
  return { client, objects };
}

const ref = { namespace: "n", name: "r" };
const runWith = (spec: AnalysisRun["spec"]): AnalysisRun => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "AnalysisRun",
  metadata: { name: "r", namespace: "n", uid: "u", resourceVersion: "0" },
  spec,
  status: { phase: "" },
});

async function live(
  spec: AnalysisRun["spec"],
  kills: readonly number[],
  onWake?: (objects: Map<string, KubeObject & { status?: unknown }>) => void,
) {
  let now = Date.parse("2030-01-01T00:00:00Z");
  let writes = 0;
  let dead = false;
  // Even numbers kill before the write is stored, odd ones after it, so the answer is lost.
  const kill = (odd: number) => (): void => {
    // A dead process writes nothing more, whatever its code would do about the error.
    if (dead) throw new Killed();
    if (kills.includes(2 * writes + odd)) {
      writes++;
      dead = true;
      throw new Killed();
    }
    if (odd === 1) writes++;
  };
  const { client, objects } = storage(kill(0), kill(1));
  objects.set("AnalysisRun/r", runWith(spec));
  const clock = { now: () => now, after: () => Promise.resolve() };
  const asked: number[] = [];
  const prometheus: MetricProvider = immediateProvider(async () => {
    asked.push(now);
    return { result: Float64Array.of(0), text: "[0]" };
  }, clock.now);
  const start = () =>
    analysisRunController({
      client,
      clock,
      events: { event: () => undefined },
      providers: { prometheus, job: jobProvider({ client, now: clock.now }) },
    });
  let controller = start();
  for (let i = 0; i < 200; i++) {
    onWake?.(objects);
    try {
      const next = await controller.reconcile(ref, new AbortController().signal);
      if (next === undefined) break;
      now += Math.max(1, next.requeueAfterMs);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      dead = false;
      controller = start();
    }
  }
  return { run: objects.get("AnalysisRun/r") as AnalysisRun, objects, asked }; // stored above
}

test("killed at any write, a run has exactly its measurements, each an interval after the one before", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.nat(15), { maxLength: 6 }), async (kills) => {
      const { run } = await live(
        {
          metrics: [
            {
              name: "m",
              interval: "10s",
              count: 4,
              successCondition: "result[0] < 1",
              provider: { prometheus: {} },
            },
          ],
        },
        kills,
      );
      const [result] = run.status?.metricResults ?? [];
      assert.equal(run.status?.phase, "Successful");
      assert.equal(result?.count, 4);
      assert.equal(result?.measurements?.length, 4);
      const times = (result?.measurements ?? []).map(({ finishedAt }) => Date.parse(finishedAt ?? ""));
      for (const [i, time] of times.entries()) if (i > 0) assert.ok(time - (times[i - 1] ?? 0) >= 10_000);
    }),
    { numRuns: 60 },
  );
});

test("killed at any write, a Job metric runs one Job", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.nat(9), { maxLength: 4 }), fc.nat(3), async (kills, patience) => {
      let looks = 0;
      const { run, objects } = await live(
        {
          metrics: [
            { name: "check", provider: { job: { spec: { template: { spec: { containers: [] } } } } } },
          ],
        },
        kills,
        (all) => {
          const [name, job] = [...all].find(([key]) => key.startsWith("Job/")) ?? [];
          if (name !== undefined && job !== undefined && looks++ >= patience)
            all.set(name, { ...job, status: { conditions: [{ type: "Complete", status: "True" }] } });
        },
      );
      assert.equal(run.status?.phase, "Successful");
      assert.deepEqual(
        [...objects.keys()].filter((key) => key.startsWith("Job/")),
        ["Job/u.check.1"],
      );
      assert.equal(run.status?.metricResults?.[0]?.count, 1);
    }),
    { numRuns: 40 },
  );
});

test("a provider that is not served is an error that names it", async () => {
  const { run } = await live(
    { metrics: [{ name: "m", consecutiveErrorLimit: 0, provider: { datadog: { query: "q" } } }] },
    [],
  );
  assert.equal(run.status?.phase, "Error");
  assert.match(run.status?.message ?? "", /datadog is not supported here/);
});
