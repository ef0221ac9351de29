import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { openLog } from "./log.ts";

test("a log that cannot be written is told of once, and breaks nothing", {
  skip: !existsSync("/dev/full"),
}, () => {
  const told: string[] = [];
  const log = openLog("/dev/full", (line) => told.push(line));
  for (let line = 0; line < 3; line++) log.warn({ line }, "nobody will read this");
  assert.deepEqual(told, ["The log /dev/full cannot be written (ENOSPC); what it misses is lost."]);
});
