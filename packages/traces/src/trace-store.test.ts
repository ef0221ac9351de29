import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Clock } from "@tracegate/contracts";
import { decodeJson, Payload } from "@tracegate/otlp";
import type { TraceQuery } from "./trace.ts";
import { TraceStore } from "./trace-store.ts";

const NOW = 1_765_800_000_000;
const directory = mkdtempSync(join(tmpdir(), "traces-"));
after(() => rmSync(directory, { recursive: true }));

function stillClock(now = NOW): Clock & { set: (ms: number) => void } {
  let at = now;
  return {
    now: () => at,
    after: () => new Promise(() => undefined),
    set(ms) {
      at = ms;
    },
  };
}

/** One span of a trace of its own, `ageMs` before now. */
function one(id: number, ageMs = 0, span: object = {}, service = "shop"): Payload<"traces"> {
  const start = BigInt(NOW - ageMs) * 1_000_000n;
  const made = {
    traceId: String(id).padStart(32, "a"),
    spanId: String(id).padStart(16, "b"),
    name: "op",
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(start + 5_000_000n),
    ...span,
  };
  const resource = { attributes: [{ key: "service.name", value: { stringValue: service } }] };
  const json = { resourceSpans: [{ resource, scopeSpans: [{ spans: [made] }] }] };
  return Payload.fromModel("traces", decodeJson("traces", JSON.stringify(json)));
}

const ANY: TraceQuery = {
  service: "",
  operation: "",
  startUs: 0,
  endUs: (NOW + 1000) * 1000,
  minDurationUs: undefined,
  maxDurationUs: undefined,
  tags: {},
  limit: 0,
};

const traceIds = (store: TraceStore, query: Partial<TraceQuery> = {}) =>
  store.find({ ...ANY, ...query }).map((t) => Number.parseInt(t.traceId.replaceAll("a", ""), 10));

describe("the trace store", () => {
  test("hands out the newest traces first, as many as asked for", async () => {
    const store = new TraceStore({ clock: stillClock(), path: ":memory:" });
    await Promise.all([store.ingest(one(1, 300)), store.ingest(one(3, 100)), store.ingest(one(2, 200))]);
    assert.deepEqual(traceIds(store), [3, 2, 1]);
    assert.deepEqual(traceIds(store, { limit: 2 }), [3, 2]);
    assert.deepEqual(traceIds(store, { startUs: (NOW - 250) * 1000, endUs: (NOW - 150) * 1000 }), [2]);
    store.close();
  });

  test("wants one span to satisfy service, operation, duration and tags together", async () => {
    const store = new TraceStore({ clock: stillClock(), path: ":memory:" });
    const tag = (key: string, stringValue: string) => ({ attributes: [{ key, value: { stringValue } }] });
    await store.ingest(one(1, 0, { name: "a", ...tag("k", "v") }));
    await store.ingest(one(2, 0, { name: "b", ...tag("k", "v"), status: { code: 2 } }));
    await store.ingest(one(3, 0, { name: "b" }, "other"));
    assert.deepEqual(traceIds(store, { operation: "b", tags: { k: "v" } }), [2]);
    assert.deepEqual(traceIds(store, { tags: { error: "true" } }), [2]);
    assert.deepEqual(traceIds(store, { tags: { error: "false" }, service: "shop" }), [1]);
    assert.deepEqual(traceIds(store, { service: "other" }), [3]);
    assert.deepEqual(traceIds(store, { minDurationUs: 5001 }), []);
    assert.deepEqual(traceIds(store, { minDurationUs: 5000, maxDurationUs: 5000 }).length, 3);
    store.close();
  });

  test("shows a span that was sent twice once", async () => {
    const store = new TraceStore({ clock: stillClock(), path: ":memory:" });
    await store.ingest(one(1));
    await store.ingest(one(1));
    assert.equal(store.find(ANY)[0]?.spans.length, 1);
    store.close();
  });

  test("deletes what is too old, and forgets services of which nothing is left", async () => {
    const clock = stillClock();
    const store = new TraceStore({ clock, path: ":memory:", maxAgeMs: 3_600_000 });
    await store.ingest(one(1, 0, {}, "old"));
    clock.set(NOW + 3_600_001);
    await store.ingest(one(2, -3_600_001));
    assert.deepEqual(store.services(), ["shop"]);
    assert.deepEqual(traceIds(store, { endUs: Number.MAX_SAFE_INTEGER }), [2]);
    store.close();
  });

  test("deletes the oldest traces when spans take too much room", async () => {
    const store = new TraceStore({ clock: stillClock(), path: ":memory:", maxBytes: 2000 });
    for (let i = 1; i <= 100; i++) await store.ingest(one(i, 1000 - i));
    const left = traceIds(store);
    assert.ok(left.length > 10 && left.length < 40, `${left.length} traces are left`);
    assert.equal(left[0], 100);
    store.close();
  });

  test("refuses spans once it is closed", async () => {
    const store = new TraceStore({ clock: stillClock(), path: ":memory:" });
    store.close();
    await assert.rejects(store.ingest(one(1)), { code: "Unavailable" });
  });

  test("keeps every span that it acknowledged when its process is killed", async () => {
    const path = join(directory, "killed.db");
    const acknowledged = await ingestUntilKilled(path, 50);
    const store = new TraceStore({ clock: stillClock(), path });
    const stored = new Set(traceIds(store));
    for (const id of acknowledged) assert.ok(stored.has(id), `trace ${id} was acknowledged and is gone`);
    store.close();
  });
});

/** A process that stores one trace after the other and names each that was acknowledged; killed after `enough`. */
function ingestUntilKilled(path: string, enough: number): Promise<number[]> {
  const script = fileURLToPath(new URL("../testing/ingest-forever.ts", import.meta.url));
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, path]);
  let said = "";
  child.stdout.on("data", (data) => {
    said += data;
    if (said.split("\n").length > enough) child.kill("SIGKILL");
  });
  // The last line may be cut off in the middle.
  return new Promise((resolve) =>
    child.on("close", () => resolve(said.split("\n").slice(0, -1).map(Number))),
  );
}
