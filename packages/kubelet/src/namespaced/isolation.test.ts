import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { wallClock } from "@tracegate/contracts";
import {
  containerSpec,
  eventually,
  podSpec,
  processesWith,
  skipWithoutNamespaces,
  temporaryDirectory,
} from "../../testing/index.ts";
import { type NamespacedSandbox, openNamespacedSandbox } from "./namespaced-sandbox.ts";
import { runtimeDirectory } from "./runtime-directory.ts";

// Each of these tries what a program must not be able to do, or counts what must not be left.
const skip = skipWithoutNamespaces();
const dir = temporaryDirectory();
// Deeper than the 108 bytes that a socket's path may have.
const stateDir = join(dir.path, ...Array.from({ length: 12 }, (_, level) => `a-deep-checkout-${level}`));
let sandbox: NamespacedSandbox;

before(async () => {
  if (skip === false) sandbox = await openNamespacedSandbox({ stateDir, clock: wallClock });
});
after(async () => {
  if (skip === false) await sandbox.shutdown();
  dir[Symbol.dispose]();
});

/** Runs a shell script to its end in a pod of its own; what it printed. */
async function runScript(uid: string, script: string, spec = {}, pod = {}): Promise<string> {
  await sandbox.startPod(podSpec(uid, pod));
  assert.deepEqual(
    await sandbox.startContainer(containerSpec(stateDir, uid, ["sh", "-c", script], spec)),
    {},
  );
  await eventually(`${uid} has ended`, async () => {
    const state = (await sandbox.list()).find((candidate) => candidate.uid === uid)?.containers[0];
    return state?.state === "exited";
  });
  const output = printed(uid);
  await sandbox.removePod(uid);
  return output;
}
const printed = (uid: string) =>
  readFileSync(join(stateDir, "pods", uid, "c", "0.log"), "utf8")
    .split("\n")
    .map((line) => line.split(" ").slice(3).join(" "))
    .join("\n");

test("sockets work for a state directory whose path is longer than a socket's may be", { skip }, async () => {
  assert.ok(Buffer.byteLength(stateDir) > 108);
  assert.ok(Buffer.byteLength(sandbox.socketPath) < 108);
  assert.equal(await runScript("deep", "echo works"), "works\n");
});

test("a pod reaches neither the host's loopback nor anything outside", { skip }, async (t) => {
  const host = createServer((_, response) => response.end("secret"));
  t.after(() => host.close());
  await new Promise<void>((resolve) => host.listen(0, "0.0.0.0", resolve));
  const { port } = host.address() as AddressInfo; // a TCP server's
  const places = ["127.0.0.1", "10.244.0.1", "10.244.255.1", "10.96.0.10", "192.0.2.1"];
  const script = places
    .map((ip) => `curl -s --max-time 2 http://${ip}:${port}/; echo "${ip}: $?"`)
    .join("; ");
  const lines = (await runScript("lonely", script)).trim().split("\n");
  for (const [index, ip] of places.entries()) {
    // 7: refused or no route; 28: nothing answers.
    assert.match(lines[index] ?? "", new RegExp(`^${ip.replaceAll(".", "\\.")}: (7|28)$`));
  }
});

test("a pod finds neither another pod's volume nor its processes, and cannot signal them", {
  skip,
}, async () => {
  const marker = `marker-${process.pid}-secret`;
  await sandbox.startPod(podSpec("victim", { memoryVolumes: ["key"] }));
  await sandbox.writeVolume("victim", "key", [
    { path: "key", content: Buffer.from(marker).toString("base64"), mode: 0o600 },
  ]);
  const mounts = [{ volume: "key", mountPath: "/key", readOnly: true }];
  const command = ["sleep", "98765"];
  await sandbox.startContainer(containerSpec(stateDir, "victim", command, { volumeMounts: mounts }));
  const output = await runScript(
    "thief",
    // A pattern that does not find the process that looks for it.
    `grep -l "98[7]65" /proc/[0-9]*/cmdline 2>/dev/null
     find / -xdev -name key 2>/dev/null; ls -d ${runtimeDirectory(stateDir)} 2>/dev/null
     kill -9 -1 2>/dev/null; ls -A /.old 2>/dev/null; echo done`,
  );
  assert.equal(output, "done\n");
  const [victim] = (await sandbox.list()).filter(({ uid }) => uid === "victim");
  assert.equal(victim?.containers[0]?.state, "running");
  await sandbox.removePod("victim");
});

test("what a program leaves behind is reaped, and ends with it", { skip }, async () => {
  const marker = `marker-${process.pid}-orphan`;
  const agent = agentOf(stateDir);
  const output = await runScript(
    "parent",
    `for i in 1 2 3; do (sh -c 'sleep 0.05' & ) ; done
     (sh -c 'while :; do sleep 0.1; done # ${marker}' >/dev/null 2>&1 &)
     sleep 0.2; echo over`,
  );
  assert.equal(output, "over\n");
  await eventually("no orphan is left", () => processesWith(marker).length === 0);
  await eventually("no zombie is left", () => zombiesOf(agent).length === 0);
});

test("a hundred pods start, serve and stop, and nothing of them is left", { skip }, async () => {
  const agent = agentOf(stateDir);
  for (const { uid } of await sandbox.list()) await sandbox.removePod(uid);
  const before = await settled(agent);
  const uids = Array.from({ length: 100 }, (_, index) => `many-${index}`);
  const serve = ["sh", "-c", "echo up; while :; do sleep 1; done"];
  for (let from = 0; from < uids.length; from += 10) {
    await Promise.all(
      uids.slice(from, from + 10).map(async (uid) => {
        await sandbox.startPod(podSpec(uid));
        assert.deepEqual(await sandbox.startContainer(containerSpec(stateDir, uid, serve)), {});
      }),
    );
  }
  const running = (await sandbox.list()).filter(({ containers }) => containers[0]?.state === "running");
  assert.equal(running.length, 100);
  assert.equal(new Set(running.map(({ ip }) => ip)).size, 100);
  await eventually("all serve", () => uids.every((uid) => printed(uid) === "up\n"));
  for (let from = 0; from < uids.length; from += 10)
    await Promise.all(uids.slice(from, from + 10).map((uid) => sandbox.removePod(uid)));
  assert.deepEqual(await sandbox.list(), []);
  await eventually("all is as before", () => {
    const now = census(agent);
    return now.files <= before.files && now.processes === before.processes && now.mounts === before.mounts;
  });
});

interface Census {
  readonly files: number;
  readonly processes: number;
  readonly mounts: number;
}

/** What the agent holds: open files (sockets and namespaces among them), processes in its PID namespace, mounts. */
function census(agent: number): Census {
  const namespace = readlinkSync(`/proc/${agent}/ns/pid`);
  const processes = readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/ns/pid`) === namespace;
    } catch {
      return false;
    }
  });
  return {
    files: readdirSync(`/proc/${agent}/fd`).length,
    processes: processes.length,
    mounts: readFileSync(`/proc/${agent}/mountinfo`, "utf8").split("\n").length,
  };
}

/** The census once two in a row are the same: what the test before has left may still be going. */
async function settled(agent: number): Promise<Census> {
  let last = "";
  return eventually("the agent is at rest", async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const now = census(agent);
    const isSame = JSON.stringify(now) === last;
    last = JSON.stringify(now);
    return isSame ? now : undefined;
  });
}

/** The node agent of a state directory: the process that is PID 1 of its own namespace. */
function agentOf(state: string): number {
  const [agent] = processesWith(`agent/main.ts\0${runtimeDirectory(state)}`).filter((pid) => {
    const pids = /^NSpid:\t(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]?.split("\t") ?? [];
    return pids.length > 1 && pids.at(-1) === "1";
  });
  assert.ok(agent !== undefined, "the agent is found");
  return agent;
}

/** Children of the agent that have ended and that nobody has waited for. */
function zombiesOf(agent: number): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return state === "Z" && Number(parent) === agent;
    } catch {
      return false;
    }
  });
}
