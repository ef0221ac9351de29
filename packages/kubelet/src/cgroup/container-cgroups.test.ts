import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { wallClock } from "@tracegate/contracts";
import { temporaryDirectory } from "../../testing/index.ts";
import { type Enforcement, onlyWatching } from "./cgroup-plan.ts";
import { type CgroupFiles, ContainerCgroups, cgroupSettings, cpuWeight } from "./container-cgroups.ts";
import { enforcementIn, inCgroup } from "./enter-cgroup.ts";

const dir = temporaryDirectory();
test.after(() => dir[Symbol.dispose]());

const everything: Enforcement = { memory: "cgroup", cpu: true, processes: true };
const besides = { "memory.oom.group": "1", "memory.swap.max": "0" };

for (const [title, limits, enforcement, settings] of [
  [
    "memory and CPU",
    { memoryBytes: 64 << 20, cpuMillis: 250, cpuRequestMillis: 100 },
    everything,
    {
      "memory.max": "67108864",
      "cpu.max": "25000 100000",
      ...besides,
      "cpu.weight": "4",
      "pids.max": "4096",
    },
  ],
  ["no limits: the least weight", {}, everything, { "cpu.weight": "1", "pids.max": "4096" }],
  [
    "less CPU than a kernel can count",
    { cpuMillis: 1 },
    everything,
    { "cpu.max": "1000 100000", "cpu.weight": "1", "pids.max": "4096" },
  ],
  [
    "no CPU controller",
    { memoryBytes: 5, cpuMillis: 250 },
    { memory: "cgroup", cpu: false, processes: false },
    { "memory.max": "5", ...besides },
  ],
  ["memory is watched", { memoryBytes: 5 }, { ...onlyWatching, processes: true }, { "pids.max": "4096" }],
] as const) {
  test(`what is written for ${title}`, () => {
    const { required, optional } = cgroupSettings(limits, enforcement);
    assert.deepEqual(Object.fromEntries([...required, ...optional]), settings);
  });
}

for (const [millis, weight] of [
  [0, 1],
  [100, 4],
  [1000, 39],
  [256_000, 10_000],
  [1e9, 10_000],
] as const) {
  test(`a request of ${millis}m CPU weighs ${weight}`, () => assert.equal(cpuWeight(millis), weight));
}

/** Directories that look like cgroups: their files come and go with them. `busy` says how often one is still held. */
function lookalike(busy = 0): CgroupFiles & { readonly missing: Set<string> } {
  const missing = new Set<string>();
  let held = busy;
  return {
    missing,
    makeDirectory: (path) => {
      mkdirSync(path);
      writeFileSync(join(path, "memory.events"), "low 0\nmax 3\noom 1\noom_kill 0\noom_group_kill 0\n");
    },
    write: (path, value) => {
      for (const name of missing) if (path.endsWith(name)) throw new Error(`ENOENT: ${name}`);
      writeFileSync(path, value);
    },
    read: (path) => readFileSync(path, "utf8"),
    removeDirectory: (path) => {
      held -= 1;
      if (held >= 0) throw new Error("EBUSY");
      rmSync(path, { recursive: true });
    },
  };
}

test("a container's cgroup has its limits, tells of a kill, kills what is in it, and goes", async () => {
  const cgroups = new ContainerCgroups(dir.path, everything, wallClock, lookalike(2));
  const cgroup = cgroups.make("u1.c.0", { memoryBytes: 1 << 20 });
  const path = join(dir.path, "u1.c.0");
  assert.equal(cgroup?.processes, join(path, "cgroup.procs"));
  assert.equal(readFileSync(join(path, "memory.max"), "utf8"), "1048576");
  assert.equal(cgroup?.wasKilledForMemory(), false);
  writeFileSync(join(path, "memory.events"), "low 0\nmax 3\noom 1\noom_kill 2\n");
  assert.equal(cgroup?.wasKilledForMemory(), true);
  cgroup?.kill();
  assert.equal(readFileSync(join(path, "cgroup.kill"), "utf8"), "1");
  await cgroup?.remove();
  assert.equal(existsSync(path), false);
});

test("a container whose limit cannot be set is not started; what a kernel lacks besides is left out", () => {
  const files = lookalike();
  const cgroups = new ContainerCgroups(dir.path, everything, wallClock, files);
  files.missing.add("memory.swap.max");
  assert.ok(cgroups.make("u2.c.0", { memoryBytes: 1 }));
  files.missing.add("memory.max");
  assert.throws(() => cgroups.make("u3.c.0", { memoryBytes: 1 }), {
    message: "failed to limit the container: ENOENT: memory.max",
  });
  assert.equal(existsSync(join(dir.path, "u3.c.0")), false);
});

test("where nothing is kept by cgroups, none is made", () => {
  const cgroups = new ContainerCgroups("/no/such", onlyWatching, wallClock);
  assert.equal(cgroups.make("u.c.0", { memoryBytes: 1 }), undefined);
});

test("an agent keeps limits only where it is in the leaf of what it was given", () => {
  const given = (cgroup: string) =>
    enforcementIn("/sys/fs/cgroup/a/tracegate-1", cgroup, "memory pids").memory;
  assert.equal(given("4:memory:/\n0::/a/tracegate-1/agent\n"), "cgroup");
  assert.equal(given("0::/a\n"), "watching");
  assert.equal(given(""), "watching");
  assert.equal(enforcementIn("", "0::/agent\n", "memory").memory, "watching");
});

test("what cannot be entered is no error: the command runs, is told the place, and its exit code is kept", {
  skip: process.platform !== "linux",
}, () => {
  const parent = join(dir.path, "no-cgroup");
  mkdirSync(parent);
  const [program = "", ...args] = inCgroup({ how: "below", parent }, "x");
  const { status, stdout } = spawnSync(program, [...args, "sh", "-c", 'echo "$1"; exit 7', "sh"], {
    encoding: "utf8",
  });
  assert.equal(status, 7);
  assert.match(stdout, new RegExp(`^${parent}/tracegate-x-\\d+\n$`));
});
