import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { Duplex } from "node:stream";
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
import { type NamespacedSandbox, openSandbox } from "./namespaced-sandbox.ts";
import { plainKind } from "./plain-kind.ts";
import { runtimeDirectory } from "./runtime-directory.ts";

// How pods begin and end, the same in both sandboxes, and what must not be left of them.
for (const [kind, skip] of [
  ["namespaced", skipWithoutNamespaces()],
  ["plain", (await plainKind()).kind !== "plain" && "this machine does not answer on all of 127.0.0.0/8"],
  ["loopback", false],
] as const) {
  describe(`the life of pods in the ${kind} sandbox`, { skip }, () => {
    const dir = temporaryDirectory();
    // Deeper than the 108 bytes that a socket's path may have.
    const stateDir = join(dir.path, ...Array.from({ length: 12 }, (_, level) => `a-deep-checkout-${level}`));
    let sandbox: NamespacedSandbox;
    before(async () => {
      sandbox = await openSandbox(kind, { stateDir, clock: wallClock });
    });
    after(async () => {
      await sandbox.shutdown();
      dir[Symbol.dispose]();
    });

    const stateOf = async (uid: string) =>
      (await sandbox.list()).find((candidate) => candidate.uid === uid)?.containers[0];
    const exitOf = (uid: string) =>
      eventually(`${uid} has ended`, async () => {
        const state = await stateOf(uid);
        return state?.state === "exited" ? state : undefined;
      });
    const printed = (uid: string) => {
      const file = join(stateDir, "pods", uid, "c", "0.log");
      return existsSync(file) ? readFileSync(file, "utf8") : "";
    };
    const start = async (uid: string, script: string) => {
      const { ip } = await sandbox.startPod(podSpec(uid, { ports: { c: [8080] } }));
      const spec = containerSpec(stateDir, uid, ["sh", "-c", script], {
        binds: kind !== "namespaced" ? [] : [{ source: process.execPath, target: "/node" }],
      });
      assert.deepEqual(await sandbox.startContainer(spec), {});
      return ip;
    };
    const node = kind !== "namespaced" ? process.execPath : "/node";

    test("sockets work for a state directory whose path is longer than a socket's may be", async () => {
      assert.ok(Buffer.byteLength(stateDir) > 108);
      assert.ok(Buffer.byteLength(sandbox.socketPath) < 108);
      const ip = await start("deep", server(node));
      assert.equal(await askWhenReady(sandbox, ip), "served");
      const closer = await sandbox.listen("10.244.255.9", 80, (connection) => connection.end("outside\n"));
      assert.equal(await readAll(await sandbox.dial("10.244.255.9", 80)), "outside\n");
      await closer.close();
      await sandbox.removePod("deep");
    });

    test("a program that ignores SIGTERM is killed after its grace and not before; one that obeys ends by itself", async () => {
      for (const [uid, handler, graceMs, exitCode] of [
        ["stubborn", "trap '' TERM", 700, 137],
        ["obedient", "trap 'exit 9' TERM", 60_000, 9],
        // PID 1 of a namespace has no default action for SIGTERM: as in a container, only SIGKILL ends it.
        ["heedless", ":", kind !== "namespaced" ? 60_000 : 700, kind !== "namespaced" ? 143 : 137],
      ] as const) {
        await start(uid, `${handler}; echo up; while :; do sleep 0.05; done`);
        await eventually("it has set its trap", () => printed(uid).includes("up"));
        await sandbox.stopContainer(uid, "c", graceMs);
        const state = await exitOf(uid);
        assert.equal(state.exitCode, exitCode);
        const took = (state.finishedAt ?? 0) - (state.stoppingSince ?? 0);
        if (exitCode === 137) assert.ok(took >= graceMs, `it was given ${took} ms`);
        await sandbox.removePod(uid);
      }
    });

    test("what a program starts ends with it, and nobody is left unwaited for", async () => {
      const marker = `marker-${process.pid}-${kind}-orphan`;
      const agent = agentOf(stateDir);
      await start(
        "parent",
        `for i in 1 2 3; do (sh -c 'sleep 0.05' & ) ; done
         (sh -c 'while :; do sleep 0.1; done # ${marker}' >/dev/null 2>&1 &)
         sleep 0.2; echo over`,
      );
      assert.equal((await exitOf("parent")).exitCode, 0);
      await eventually("no orphan is left", () => processesWith(marker).length === 0);
      await eventually("no zombie is left", () => zombiesOf(agent).length === 0);
      await sandbox.removePod("parent");
    });

    test("a hundred pods start, serve and stop, and nothing of them is left", async () => {
      const agent = agentOf(stateDir);
      // What is only made at first use is there now.
      await askWhenReady(sandbox, await start("first", server(node)));
      await sandbox.removePod("first");
      const before = await settled(agent, stateDir);
      const uids = Array.from({ length: 100 }, (_, index) => `many-${index}`);
      const ips = await inTens(uids, (uid) => start(uid, server(node)));
      assert.equal(new Set(ips).size, 100);
      const answers = await inTens(ips, (ip) => askWhenReady(sandbox, ip));
      assert.deepEqual(new Set(answers), new Set(["served"]));
      const running = (await sandbox.list()).filter(({ containers }) => containers[0]?.state === "running");
      assert.equal(running.length, 100);
      assert.ok(census(agent, stateDir).processes >= before.processes + 100);
      await inTens(uids, (uid) => sandbox.stopContainer(uid, "c", 30_000));
      await inTens(uids, async (uid) => assert.equal((await exitOf(uid)).exitCode, 0, uid));
      await inTens(uids, (uid) => sandbox.removePod(uid));
      assert.deepEqual(await sandbox.list(), []);
      if (kind !== "namespaced") {
        for (const ip of ips) await assert.rejects(sandbox.dial(ip, 8080), /connection refused/);
      }
      await eventually("all is as before", () => isNoMore(census(agent, stateDir), before)).catch(() =>
        assert.deepEqual(census(agent, stateDir), before),
      );
    });
  });
}

/** A program that serves until it is asked to end. Perl, where there is one, is a tenth of a Node. */
const server = (node: string) => `
if command -v perl > /dev/null; then exec perl -MIO::Socket::INET -e '
  $SIG{TERM} = sub { exit 0 };
  my $s = IO::Socket::INET->new(Listen => 5, ReuseAddr => 1, LocalAddr => $ENV{POD_IP} // "0.0.0.0", LocalPort => $ENV{PORT} // 8080) or die $!;
  while (1) { my $c = $s->accept or next; print $c "served"; close $c }'
fi
exec ${node} -e 'process.on("SIGTERM", () => process.exit(0)); require("node:net").createServer((c) => c.end("served")).listen(8080)'`;

async function readAll(stream: Duplex): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += chunk;
  stream.destroy(); // The other half, too.
  return text;
}

const askWhenReady = (sandbox: NamespacedSandbox, ip: string): Promise<string> =>
  eventually(`${ip} serves`, async () => {
    try {
      return await readAll(await sandbox.dial(ip, 8080));
    } catch {
      return undefined;
    }
  });

/** Ten at a time, as a busy node has it. */
async function inTens<T, R>(items: readonly T[], act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += 10)
    results.push(...(await Promise.all(items.slice(from, from + 10).map(act))));
  return results;
}

interface Census {
  /** Of the agent and of this process: sockets, pipes and namespaces among them. */
  readonly files: number;
  readonly ownFiles: number;
  readonly processes: number;
  /** Files that hold namespaces of pods open among them. */
  readonly mounts: number;
  /** Ends of wires in the agent's network. */
  readonly links: number;
  /** That listen, in the agent's network. */
  readonly sockets: number;
  /** In the directory of the agent's sockets: pods' roots and volumes, what stands for their ports. */
  readonly directories: number;
}

function census(agent: number, stateDir: string): Census {
  const root = join(`/proc/${agent}/root`, runtimeDirectory(stateDir));
  const lines = (file: string) => readFileSync(`/proc/${agent}/${file}`, "utf8").split("\n").length;
  // 0A: listens.
  const listeners = readFileSync(`/proc/${agent}/net/tcp`, "utf8")
    .split("\n")
    .filter((line) => / 0A /.test(line));
  return {
    files: readdirSync(`/proc/${agent}/fd`).length,
    ownFiles: readdirSync("/proc/self/fd").length,
    processes: descendantsOf(agent).length,
    mounts: isShared(agent) ? 0 : lines("mountinfo"),
    links: isShared(agent) ? 0 : lines("net/dev"),
    // A network of the machine's has those of others, too.
    sockets: isShared(agent) ? 0 : listeners.length,
    directories: ["m", "ports"].reduce((sum, name) => sum + entriesOf(join(root, name)), 0),
  };
}

const entriesOf = (directory: string): number => (existsSync(directory) ? readdirSync(directory).length : 0);

/** The agent has no network of its own. */
const isShared = (agent: number): boolean =>
  readlinkSync(`/proc/${agent}/ns/net`) === readlinkSync("/proc/self/ns/net");

const isNoMore = (now: Census, before: Census): boolean =>
  (Object.keys(before) as (keyof Census)[]).every((key) => now[key] <= before[key]); // its own keys

/** The census once two in a row are the same: what the test before has left may still be going. */
async function settled(agent: number, stateDir: string): Promise<Census> {
  let last = "";
  return eventually("the agent is at rest", async () => {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const now = census(agent, stateDir);
    const isSame = JSON.stringify(now) === last;
    last = JSON.stringify(now);
    return isSame ? now : undefined;
  });
}

/** Parent and state of every process, zombies included. */
function processTable(): { pid: number; parent: number; state: string }[] {
  return readdirSync("/proc").flatMap((entry) => {
    try {
      const stat = /^\d+$/.test(entry) ? readFileSync(`/proc/${entry}/stat`, "utf8") : "";
      const [state = "", parent = ""] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return stat === "" ? [] : [{ pid: Number(entry), parent: Number(parent), state }];
    } catch {
      return []; // It has ended in the meantime.
    }
  });
}

function descendantsOf(agent: number): number[] {
  const table = processTable();
  const found = new Set([agent]);
  for (let size = 0; size !== found.size; ) {
    size = found.size;
    for (const { pid, parent } of table) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

const zombiesOf = (agent: number): number[] => {
  const all = new Set(descendantsOf(agent));
  return processTable().flatMap(({ pid, state }) => (state === "Z" && all.has(pid) ? [pid] : []));
};

/** The node agent of a state directory: of the processes that name it, the one that is a Node program itself. */
function agentOf(stateDir: string): number {
  const [agent] = processesWith(`agent/main.ts\0${runtimeDirectory(stateDir)}`).filter((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith(`${process.execPath}\0`),
  );
  assert.ok(agent !== undefined, "the agent is found");
  return agent;
}
