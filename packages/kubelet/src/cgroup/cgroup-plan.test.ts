import assert from "node:assert/strict";
import { test } from "node:test";
import { type CgroupFacts, type CgroupOffer, cgroupPlaces, enforcementBy } from "./cgroup-plan.ts";

const all = ["cpuset", "cpu", "io", "memory", "pids"];
const cgroup = (path: string, facts: Partial<CgroupFacts> = {}): CgroupFacts => ({
  path,
  controllers: all,
  isRoot: false,
  hasProcesses: false,
  isWritable: true,
  isLimited: false,
  ...facts,
});
const root = cgroup("/cg", { isRoot: true, hasProcesses: true });
const ofOthers = { isWritable: false };
const scope = (systemd: "user" | "system") => ({ how: "scope", systemd, mountPoint: "/cg" });
const below = (parent: string) => ({ how: "below", parent });

const table: readonly [machine: string, CgroupOffer, places: readonly object[], why?: RegExp][] = [
  ["cgroup v1 only", { lineage: [] }, [], /^cgroup v2 is not mounted$/],
  [
    "hybrid: cgroup v2 without controllers",
    { lineage: [cgroup("/cg", { controllers: [], isRoot: true })], systemd: "system" },
    [],
    /no memory controller/,
  ],
  ["root in the root cgroup, no systemd", { lineage: [root] }, [below("/cg")]],
  [
    "root logged in on a systemd machine",
    { lineage: [cgroup("/cg/s/1", { hasProcesses: true }), cgroup("/cg/s"), root], systemd: "system" },
    [scope("system"), below("/cg/s")],
  ],
  [
    "a user in a login session, systemd makes scopes",
    {
      lineage: [cgroup("/cg/session", { ...ofOthers, hasProcesses: true }), { ...root, ...ofOthers }],
      systemd: "user",
    },
    [scope("user")],
    /^\/cg\/session is not delegated to this user$/,
  ],
  [
    "the same without a user's systemd",
    { lineage: [cgroup("/cg/session", ofOthers), { ...root, ...ofOthers }] },
    [],
    /^\/cg\/session is not delegated to this user$/,
  ],
  [
    "a delegated scope inside a delegated slice: the scope holds the shell, its parent has room",
    { lineage: [cgroup("/cg/app/run", { hasProcesses: true }), cgroup("/cg/app"), { ...root, ...ofOthers }] },
    [below("/cg/app")],
  ],
  [
    "a container with a cgroup namespace: its root is no real root and holds its processes",
    { lineage: [cgroup("/cg", { hasProcesses: true })] },
    [],
    /^\/cg holds processes itself/,
  ],
  [
    "a container whose cgroups are mounted read-only",
    { lineage: [cgroup("/cg", { ...ofOthers, hasProcesses: true })] },
    [],
    /^\/cg is not delegated/,
  ],
  [
    "a limit lies on the own cgroup: what is started here does not leave it",
    { lineage: [cgroup("/cg/job", { hasProcesses: true, isLimited: true }), root] },
    [],
    /^\/cg\/job holds processes itself.*; above it, the limits of \/cg\/job would be left$/,
  ],
  [
    "a limit lies further up: below it there is room",
    {
      lineage: [
        cgroup("/cg/ci/job/1", { hasProcesses: true }),
        cgroup("/cg/ci/job"),
        cgroup("/cg/ci", { isLimited: true }),
        root,
      ],
    },
    [below("/cg/ci/job")],
  ],
  [
    "a cgroup that was not given the memory controller",
    {
      lineage: [cgroup("/cg/a", { controllers: ["pids"] }), { ...root, ...ofOthers }],
    },
    [],
    /^\/cg\/a is given no memory controller$/,
  ],
];
for (const [machine, offer, places, why] of table) {
  test(`${machine}: ${places.length === 0 ? "no place" : JSON.stringify(places)}`, () => {
    const found = cgroupPlaces(offer);
    assert.deepEqual(found.places, places);
    if (why !== undefined) assert.match(found.why, why);
  });
}

for (const [handedOn, memory, cpu, processes] of [
  [["cpuset", "cpu", "memory", "pids"], "cgroup", true, true],
  [["memory", "pids"], "cgroup", false, true],
  [["cpu"], "watching", true, false],
  [[], "watching", false, false],
] as const) {
  test(`with controllers [${handedOn}] memory is kept by ${memory}, CPU ${cpu ? "is" : "is not"}`, () =>
    assert.deepEqual(enforcementBy(handedOn), { memory, cpu, processes }));
}
