import assert from "node:assert/strict";
import { test } from "node:test";
import { processStart, startInPs, startInStat } from "./process-start.ts";

const fields = Array.from({ length: 30 }, (_, index) => index + 4).join(" ");

for (const [title, stat, start] of [
  ["a live process", `21 (node) S ${fields}`, "22"],
  ["a name with spaces and parentheses", `21 (a) S (b) R ${fields}`, "22"],
  ["one that nobody has waited for", `21 (node) Z ${fields}`, undefined],
] as const) {
  test(`/proc tells the start of ${title}`, () => assert.equal(startInStat(stat), start));
}

for (const [title, line, start] of [
  ["a live process", "Ss   Sat Nov  1 14:58:03 2026\n", "Sat Nov 1 14:58:03 2026"],
  ["one whose state is padded", " S+ Sat Nov 21 14:58:03 2026    \n", "Sat Nov 21 14:58:03 2026"],
  ["one that nobody has waited for", "Z    Sat Nov 21 14:58:03 2026\n", undefined],
  ["one that is gone", "", undefined],
] as const) {
  test(`ps tells the start of ${title}`, () => assert.equal(startInPs(line), start));
}

for (const system of ["linux", "darwin"] as const) {
  test(`a process starts once, and one that is gone has no start (as on ${system})`, {
    skip: process.platform === "linux" ? false : system === "linux",
  }, () => {
    const own = processStart(process.pid, system);
    assert.ok(own !== undefined && own !== "");
    assert.equal(processStart(process.pid, system), own);
    assert.equal(processStart(2 ** 22 + 1, system), undefined);
  });
}
