import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type Clock, wallClock } from "@tracegate/contracts";
import {
  MemoryWatch,
  type ProcessTable,
  processGroupIn,
  residentByGroup,
  residentBySet,
  residentBytes,
  residentHere,
} from "./memory-watch.ts";

for (const [title, status, bytes] of [
  [
    "anonymous and shared pages count, pages of files do not",
    { VmRSS: 99, RssAnon: 5, RssFile: 90, RssShmem: 4 },
    9,
  ],
  ["a kernel that tells no kinds apart has only the whole", { VmRSS: 99 }, 99],
  ["a kernel thread or a zombie has none", {}, 0],
] as const) {
  test(title, () => {
    const lines = Object.entries(status).map(
      ([name, value]) => `${name}:\t${String(value).padStart(8)} kB\n`,
    );
    assert.equal(residentBytes(`Name:\tRssAnon:\t 7 kB\n${lines.join("")}Threads:\t1\n`), bytes * 1024);
  });
}

for (const [title, stat, group] of [
  ["plain", "21 (cat) R 20 19 18 0 -1", "19"],
  ["name with spaces and parentheses", "21 (a) S 1 (b) R 20 19 18 0 -1", "19"],
  ["nothing", "", undefined],
] as const) {
  test(`the process group of a stat line: ${title}`, () => assert.equal(processGroupIn(stat), group));
}

test("this machine's own files are understood", { skip: process.platform !== "linux" }, () => {
  assert.ok(residentBytes(readFileSync("/proc/self/status", "utf8")) > 1024 ** 2);
  assert.match(processGroupIn(readFileSync("/proc/self/stat", "utf8")) ?? "", /^\d+$/);
});

/** pid → [set, kilobytes] */
const table = (rows: Record<number, [string, number] | undefined>): ProcessTable => ({
  pids: () => Object.keys(rows).map(Number),
  processSetOf: (pid) => rows[pid]?.[0],
  status: (pid) => `RssAnon:\t${rows[pid]?.[1]} kB\n`,
});

test("the processes of a container count together, those of others and those that are gone do not", () => {
  const processes = table({ 1: ["a", 10], 2: ["b", 3], 3: ["a", 5], 4: undefined, 5: ["c", 7] });
  const sums = residentBySet(processes, new Set(["a", "b"]));
  assert.deepEqual(
    [...sums],
    [
      ["a", 15 * 1024],
      ["b", 3 * 1024],
    ],
  );
});

test("where ps tells, the processes of a group count together", () => {
  const text = "    1  900\n   30   10\n  300    7\n   30    5\n\n";
  assert.deepEqual([...residentByGroup(text, new Set(["30", "31"]))], [["30", 15 * 1024]]);
});

test("ps of this machine is understood", { skip: process.platform === "win32" }, async () => {
  const group = execFileSync("ps", ["-o", "pgid=", "-p", String(process.pid)], { encoding: "utf8" }).trim();
  const resident = await residentHere(() => undefined, "darwin")(new Set([group]));
  assert.ok((resident.get(group) ?? 0) > 1024 ** 2);
});

test("past its limit a container is told of once; at the limit it is not; without containers nobody looks", async () => {
  const rows: Record<number, [string, number]> = { 1: ["a", 10], 2: ["b", 10] };
  let looks = 0;
  const waits: (() => void)[] = [];
  const clock: Clock = { now: wallClock.now, after: () => new Promise((resolve) => waits.push(resolve)) };
  const processes = table(rows);
  const watch = new MemoryWatch((sets) => {
    looks += 1;
    return residentBySet(processes, sets);
  }, clock);
  const turn = async () => {
    waits.shift()?.();
    await new Promise(setImmediate);
  };
  assert.equal(looks, 0);
  const told: string[] = [];
  const add = (processSet: string) =>
    watch.add({
      processSet,
      limitBytes: 10 * 1024,
      onExceeded: (bytes) => told.push(`${processSet} ${bytes}`),
    });
  add("a");
  const forget = add("b");
  await turn();
  assert.deepEqual(told, []);
  rows[3] = ["a", 1];
  await turn();
  await turn();
  assert.deepEqual(told, ["a 11264"]);
  forget();
  await turn();
  const before = looks;
  await turn();
  assert.deepEqual([looks, waits.length], [before, 0]);
  add("b");
  assert.equal(looks, before + 1);
});
