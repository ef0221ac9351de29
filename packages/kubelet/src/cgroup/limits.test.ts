import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { wallClock } from "@tracegate/contracts";
import {
  containerSpec,
  eventually,
  podSpec,
  processesWith,
  skipWithoutNamespaces,
  temporaryDirectory,
} from "../../testing/index.ts";
import {
  type NamespacedSandbox,
  openNamespacedSandbox,
  openPlainSandbox,
} from "../namespaced/namespaced-sandbox.ts";
import { runtimeDirectory } from "../namespaced/runtime-directory.ts";
import { readCgroupOffer, unifiedPath } from "./cgroup-offer.ts";
import { probeLimits } from "./enter-cgroup.ts";

// Real cgroups, where this machine has some for us.
const probe = probeLimits();
const noCgroups = probe.place === undefined && `limits are only watched here: ${probe.why}`;

test("the probe says how limits are kept here, and leaves no cgroup", () => {
  assert.equal(probe.place === undefined, probe.enforcement.memory === "watching");
  assert.equal(probe.place === undefined, probe.why !== undefined);
  for (const { path } of readCgroupOffer({}).lineage) {
    if (existsSync(path))
      assert.deepEqual(
        readdirSync(path).filter((name) => name.includes("probe")),
        [],
      );
  }
});

for (const [kind, open, skip] of [
  ["namespaced", openNamespacedSandbox, noCgroups || skipWithoutNamespaces()],
  ["plain", openPlainSandbox, noCgroups],
] as const) {
  describe(`limits by cgroups in the ${kind} sandbox`, { skip }, () => {
    const dir = temporaryDirectory();
    const stateDir = join(dir.path, "state");
    let sandbox: NamespacedSandbox;
    before(async () => {
      sandbox = await open({ stateDir, clock: wallClock });
    });
    after(async () => {
      await sandbox.shutdown();
      dir[Symbol.dispose]();
    });
    const exitOf = (uid: string) =>
      eventually(`${uid} has ended`, async () => {
        const pod = (await sandbox.list()).find((candidate) => candidate.uid === uid);
        return pod?.containers[0]?.state === "exited" ? pod.containers[0] : undefined;
      });
    const node = kind === "plain" ? process.execPath : "/node";
    const binds = kind === "plain" ? [] : [{ source: process.execPath, target: "/node" }];
    const start = async (uid: string, script: string, limits = {}) => {
      await sandbox.startPod(podSpec(uid));
      const spec = containerSpec(stateDir, uid, ["sh", "-c", script], { binds, ...limits });
      assert.deepEqual(await sandbox.startContainer(spec), {});
    };
    const printed = (uid: string) => readFileSync(join(stateDir, "pods", uid, "c", "0.log"), "utf8");

    test("what the agent keeps is what the probe said", async () => {
      assert.deepEqual(await sandbox.enforcement(), probe.enforcement);
    });

    test("a container that grows at once is killed at its limit; its neighbour is not", async () => {
      await start("small", "while :; do sleep 0.1; done", { memoryLimitBytes: 64 << 20 });
      const grow = `${node} -e 'const held = []; for (;;) held.push(Buffer.alloc(8 << 20, 1))'`;
      await start("hungry", `${grow}; echo outlived`, { memoryLimitBytes: 128 << 20 });
      const { exitCode, oomKilled } = await exitOf("hungry");
      assert.deepEqual({ exitCode, oomKilled }, { exitCode: 137, oomKilled: true });
      assert.doesNotMatch(printed("hungry"), /outlived/);
      const small = (await sandbox.list()).find(({ uid }) => uid === "small")?.containers[0];
      assert.equal(small?.state, "running");
      for (const uid of ["small", "hungry"]) await sandbox.removePod(uid);
    });

    test("a container that is killed by somebody else is not said to be out of memory", async () => {
      await start("killed", "while :; do sleep 0.1; done", { memoryLimitBytes: 64 << 20 });
      await sandbox.stopContainer("killed", "c", 0);
      const { exitCode, oomKilled } = await exitOf("killed");
      assert.deepEqual({ exitCode, oomKilled }, { exitCode: 137, oomKilled: undefined });
      await sandbox.removePod("killed");
    });

    test("a busy container has no more CPU than its limit", { skip: !probe.enforcement.cpu }, async () => {
      await start("busy", "while :; do :; done", { cpuLimitMillis: 100 });
      const stat = () => readFileSync(join(cgroupsOf(stateDir), "busy.c.0", "cpu.stat"), "utf8");
      const value = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(stat())?.[1]);
      // Thirty periods of 100 ms hold thirty times 10 ms; the kernel hands the quota out in slices of 5 ms.
      await eventually("it is held back", () => value("nr_throttled") >= 30);
      assert.ok(value("usage_usec") < value("nr_periods") * 20_000);
      await sandbox.removePod("busy");
    });

    test("a fork bomb ends at its container", { skip: !probe.enforcement.processes }, async () => {
      const bomb = "while sleep 1000 & do :; done";
      await start("bomb", `trap '${bomb}' TERM; echo up; while :; do sleep 0.1; done`);
      await eventually("it has set its trap", () => printed("bomb") !== "");
      const limit = join(cgroupsOf(stateDir), "bomb.c.0", "pids.max");
      assert.equal(readFileSync(limit, "utf8").trim(), "4096");
      // As many would be a strain on a small machine.
      writeFileSync(limit, "50");
      await sandbox.stopContainer("bomb", "c", 60_000);
      await exitOf("bomb");
      assert.match(printed("bomb"), /fork/i);
      await sandbox.removePod("bomb");
    });

    test("what exec starts has the container's limits, too", async () => {
      await start("entered", "while :; do sleep 0.1; done", { memoryLimitBytes: 128 << 20 });
      const request = { podUid: "entered", container: "c", stdin: false, tty: false };
      const grow = "const held = []; for (;;) held.push(Buffer.alloc(8 << 20, 1))";
      const { exitCode } = await sandbox.exec({
        ...{ ...request, command: [node, "-e", grow], timeoutMs: 50_000, outputLimit: 1000 },
      });
      assert.equal(exitCode, 137);
      assert.equal((await exitOf("entered")).oomKilled, true);
      await sandbox.removePod("entered");
    });

    test("a container's cgroup goes with it, and with it what has left its process group", async () => {
      const marker = `marker-${process.pid}-${kind}-escaped`;
      await start("leaver", `setsid sh -c 'while :; do sleep 0.1; done # ${marker}' & echo up; sleep 1000`);
      await eventually("both run", () => processesWith(marker).length > 1 && printed("leaver") !== "");
      const path = join(cgroupsOf(stateDir), "leaver.c.0");
      assert.ok(existsSync(path));
      await sandbox.stopContainer("leaver", "c", 0);
      await exitOf("leaver");
      await sandbox.removePod("leaver");
      assert.equal(existsSync(path), false);
      assert.deepEqual(processesWith(marker), []);
    });

    test("an agent that is killed takes what has left its process group along", async () => {
      const marker = `marker-${process.pid}-${kind}-orphan`;
      const own = join(dir.path, "orphan");
      const other = await open({ stateDir: own, clock: wallClock });
      await other.startPod(podSpec("x"));
      const script = `setsid sh -c 'while :; do sleep 0.1; done # ${marker}' & sleep 1000`;
      await other.startContainer(containerSpec(own, "x", ["sh", "-c", script]));
      await eventually("it runs", () => processesWith(marker).length > 1);
      process.kill(agentOf(own), "SIGKILL");
      await eventually("it is gone", () => processesWith(marker).length === 0);
      await other.shutdown();
    });

    for (const [how, signal] of [
      ["is shut down", undefined],
      ["is killed", "SIGKILL"],
    ] as const) {
      test(`when the agent ${how}, its cgroups are gone`, async () => {
        const own = join(dir.path, how.replaceAll(" ", "-"));
        const other = await open({ stateDir: own, clock: wallClock });
        await other.startPod(podSpec("x"));
        await other.startContainer(containerSpec(own, "x", ["sleep", "1000"]));
        const base = cgroupsOf(own);
        assert.ok(existsSync(join(base, "x.c.0")));
        if (signal === undefined) await other.shutdown();
        else {
          process.kill(agentOf(own), signal);
          await eventually("the cgroups are gone", () => !existsSync(base));
          await other.shutdown();
        }
        await eventually("the cgroups are gone", () => !existsSync(base));
      });
    }
  });
}

/** The agent of a state directory: of the processes that name it, the one that is a Node program itself. */
function agentOf(stateDir: string): number {
  const [agent] = processesWith(`agent/main.ts\0${runtimeDirectory(stateDir)}`).filter((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith(`${process.execPath}\0`),
  );
  assert.ok(agent !== undefined, "the agent is found");
  return agent;
}

const ownCgroup = (pid: number): string => unifiedPath(readFileSync(`/proc/${pid}/cgroup`, "utf8")) ?? "";

/** Where an agent's containers have their cgroups. */
const cgroupsOf = (stateDir: string): string =>
  join(readCgroupOffer({}).lineage.at(-1)?.path ?? "", dirname(ownCgroup(agentOf(stateDir))));
