import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { wallClock } from "@tracegate/contracts";
import { processPool } from "./process-pool.ts";

interface Answer {
  readonly more: boolean;
  readonly pid: number;
  readonly retired?: boolean;
}

function setUp(t: TestContext, processes: number) {
  const file = new URL("../../testing/pooled-process.ts", import.meta.url);
  const limits = { timeLimitMs: 60_000, heapMb: 100, idleMs: 60_000 };
  const pool = processPool<string, Answer>({ file, clock: wallClock, processes, ...limits }, (answer) =>
    answer.more ? "more" : answer.retired === true ? "retired" : "last",
  );
  t.after(() => pool.close());
  const pidOf = async (told: string) => (await pool.run(told))[0]?.pid;
  return { pool, pidOf };
}

test("one process does one thing after another, and all its answers belong together", async (t) => {
  const { pool, pidOf } = setUp(t, 1);
  const [pid, ...others] = await Promise.all(Array.from({ length: 5 }, () => pidOf("answer")));
  assert.deepEqual(others, Array(4).fill(pid));
  assert.deepEqual(await pool.run("answer"), [
    { more: true, pid },
    { more: false, pid, retired: false },
  ]);
});

test("one that has done enough is replaced, and nothing asked meanwhile is lost", async (t) => {
  const { pidOf } = setUp(t, 1);
  const [first, retired, second, third] = await Promise.all(
    ["answer", "retire", "answer", "answer"].map((told) => pidOf(told)),
  );
  assert.equal(first, retired);
  assert.notEqual(second, first);
  assert.equal(second, third);
});

test("how a process ended is told to whom it worked for, and the next has another", async (t) => {
  const { pool, pidOf } = setUp(t, 1);
  await assert.rejects(pool.run("exit"), { reason: "failed", message: "its process ended with 3: told to" });
  await assert.rejects(pool.run("die"), { reason: "killed", message: "killed by the system" });
  assert.ok((await pidOf("answer")) !== undefined);
});

test("what waits when the pool is closed is told so", async (t) => {
  const { pool } = setUp(t, 1);
  const asked = Array.from({ length: 3 }, () => assert.rejects(pool.run("answer"), { reason: "closed" }));
  await pool.close();
  await Promise.all(asked);
  await assert.rejects(pool.run("answer"), { reason: "closed" });
  assert.deepEqual(pool.pids, []);
});

test("a program that is not there is told, not waited for", async (t) => {
  const file = new URL("./nothing.ts", import.meta.url);
  const limits = { timeLimitMs: 60_000, heapMb: 100, idleMs: 60_000 };
  const pool = processPool({ file, clock: wallClock, processes: 1, ...limits }, () => "last");
  t.after(() => pool.close());
  await assert.rejects(pool.run({}), { reason: "failed", message: /its process ended with 1/ });
});
