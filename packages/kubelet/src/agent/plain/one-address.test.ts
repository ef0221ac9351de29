import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../../testing/index.ts";
import { oneAddress } from "./one-address.ts";

const pod = "10.244.0.2";

test("a declared port is met at a port of its own until its pod goes", async () => {
  using dir = temporaryDirectory();
  const places = oneAddress(dir.path, 7);
  await places.add(pod, [80, 443, 80]);
  await places.add("10.244.0.3", [80]);
  const met = [places.locate(pod, 80), places.locate(pod, 443), places.locate("10.244.0.3", 80)];
  assert.deepEqual(new Set(met.map((place) => place?.host)), new Set(["127.0.0.1"]));
  const ports = met.map((place) => place?.port ?? 0);
  assert.equal(new Set(ports).size, 3);
  assert.ok(ports.every((port) => port >= 20_000 && port < 30_000));
  const told = JSON.parse(readFileSync(join(dir.path, pod, "declared.json"), "utf8"));
  assert.deepEqual(told, { 80: ports[0], 443: ports[1] });
  assert.equal(places.locate(pod, 81), undefined);
  places.remove(pod);
  assert.equal(places.locate(pod, 80), undefined);
  assert.equal(existsSync(join(dir.path, pod)), false);
});

test("where a Node program listens counts before what was declared, while that program lives", async () => {
  using dir = temporaryDirectory();
  const places = oneAddress(dir.path, 0);
  await places.add(pod, [80]);
  const declared = places.locate(pod, 80);
  const file = join(dir.path, pod, "80");
  writeFileSync(file, `4321 ${process.pid}`);
  assert.deepEqual(places.locate(pod, 80), { host: "127.0.0.1", port: 4321 });
  writeFileSync(file, `4321 ${spawnSync("true").pid}`);
  assert.deepEqual(places.locate(pod, 80), declared);
  // Being written, or by nobody of ours: no process group is signalled, let alone killed.
  for (const text of ["", "4321", "4321 0", "4321 -1", "x y"]) {
    writeFileSync(file, text);
    assert.deepEqual(places.locate(pod, 80), declared);
  }
});
