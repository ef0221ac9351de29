import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../testing/index.ts";
import { lineageOf, readCgroupOffer, unifiedHierarchy, unifiedPath } from "./cgroup-offer.ts";

const dir = temporaryDirectory();
test.after(() => dir[Symbol.dispose]());

for (const [machine, mountinfo, hierarchy] of [
  [
    "unified",
    "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
    { mountPoint: "/sys/fs/cgroup", root: "/" },
  ],
  [
    "hybrid",
    "31 30 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n32 30 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
    { mountPoint: "/sys/fs/cgroup/unified", root: "/" },
  ],
  [
    "a container's part",
    "9 8 0:26 /docker/a1 /sys/fs/cgroup ro - cgroup2 cgroup ro\n",
    { mountPoint: "/sys/fs/cgroup", root: "/docker/a1" },
  ],
  ["v1", "31 30 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", undefined],
] as const) {
  test(`where cgroup v2 is mounted: ${machine}`, () =>
    assert.deepEqual(unifiedHierarchy(mountinfo), hierarchy));
}

test("a process's path in the unified hierarchy, among those of others", () => {
  assert.equal(unifiedPath("4:memory:/a\n0::/user.slice/x.scope\n"), "/user.slice/x.scope");
  assert.equal(unifiedPath("4:memory:/a\n"), undefined);
});

test("the lineage ends where the hierarchy is mounted, and never leaves what is mounted", () => {
  assert.deepEqual(lineageOf({ mountPoint: "/cg", root: "/" }, "/a/b"), ["/cg/a/b", "/cg/a", "/cg"]);
  assert.deepEqual(lineageOf({ mountPoint: "/cg", root: "/docker/1" }, "/docker/1/x"), ["/cg/x", "/cg"]);
  assert.deepEqual(lineageOf({ mountPoint: "/cg", root: "/" }, "/"), ["/cg"]);
  assert.deepEqual(lineageOf({ mountPoint: "/cg", root: "/docker/1" }, "/"), []);
});

function makeCgroup(path: string, files: Record<string, string>): void {
  mkdirSync(path, { recursive: true });
  const usual = {
    "cgroup.controllers": "cpu memory pids\n",
    "cgroup.procs": "",
    "cgroup.subtree_control": "",
  };
  for (const [name, text] of Object.entries({ ...usual, ...files })) writeFileSync(join(path, name), text);
}

const machine = (mountPoint: string, own: string) => ({
  mountinfo: `30 24 0:26 / ${mountPoint} rw - cgroup2 cgroup2 rw\n`,
  ownCgroup: `0::${own}\n`,
});

test("what each cgroup offers is read from its files", () => {
  const top = join(dir.path, "cg");
  makeCgroup(top, {});
  makeCgroup(join(top, "job"), {
    "cgroup.type": "domain\n",
    "cgroup.procs": "1\n2\n",
    "memory.max": "max\n",
    "cpu.max": "50000 100000\n",
  });
  const { lineage, systemd } = readCgroupOffer(
    {},
    { ...machine(top, "/job"), uid: 0, env: {}, systemdDirectory: "/no/such" },
  );
  const controllers = ["cpu", "memory", "pids"];
  assert.deepEqual(lineage, [
    {
      path: join(top, "job"),
      ...{ controllers, isRoot: false, hasProcesses: true, isWritable: true, isLimited: true },
    },
    { path: top, controllers, isRoot: true, hasProcesses: false, isWritable: true, isLimited: false },
  ]);
  assert.equal(systemd, undefined);
});

test("where there is no cgroup v2, or its files are gone, nothing is offered", () => {
  const nothing = { mountinfo: "", ownCgroup: "", uid: 0, env: {}, systemdDirectory: "/no/such" };
  assert.deepEqual(readCgroupOffer({}, nothing), { lineage: [] });
  const top = join(dir.path, "gone");
  const { lineage } = readCgroupOffer({}, { ...nothing, ...machine(top, "/") });
  assert.equal(lineage[0]?.isWritable, false);
});

test("systemd is asked where it runs, has its tool on the PATH, and a user's manager is there", () => {
  const bin = join(dir.path, "bin");
  const runtime = join(dir.path, "run");
  mkdirSync(bin);
  mkdirSync(join(runtime, "systemd"), { recursive: true });
  writeFileSync(join(runtime, "systemd/private"), "");
  writeFileSync(join(bin, "systemd-run"), "");
  chmodSync(join(bin, "systemd-run"), 0o755);
  makeCgroup(join(dir.path, "top"), {});
  const ask = (uid: number, env: NodeJS.ProcessEnv, systemdDirectory = runtime) =>
    readCgroupOffer({}, { ...machine(join(dir.path, "top"), "/"), uid, env, systemdDirectory }).systemd;
  assert.equal(ask(0, { PATH: bin }), "system");
  assert.equal(ask(1000, { PATH: bin, XDG_RUNTIME_DIR: runtime }), "user");
  assert.equal(ask(1000, { PATH: bin }), undefined);
  assert.equal(ask(0, { PATH: "" }), undefined);
  assert.equal(ask(0, { PATH: bin }, "/no/such"), undefined);
});
