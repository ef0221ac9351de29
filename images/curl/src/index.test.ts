import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { curlImage } from "./index.ts";

const run = ([program = "", ...words]: readonly string[], ...args: string[]) =>
  spawnSync(program, [...words, ...args], { encoding: "utf8" }).stdout.split(" ")[0];

test("arguments are curl's, said or not, unless they begin with another program", () => {
  assert.equal(run(curlImage.entrypoint, "--version"), "curl");
  assert.equal(run(curlImage.entrypoint, "curl", "--version"), "curl");
  assert.equal(run(curlImage.entrypoint, "echo", "echoed --version"), "echoed");
});

test("where no other programs are to run, they are curl's whatever they are", () => {
  assert.equal(run(curlImage.curlOnly, "--version"), "curl");
  assert.equal(run(curlImage.curlOnly, "curl", "--version"), "curl");
  assert.equal(run(curlImage.curlOnly, "echo", "--version"), "curl");
});
