import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { wallClock } from "@tracegate/contracts";
import { openContainerCgroups } from "../cgroup/container-cgroups.ts";
import { runCommand } from "./command.ts";
import { startDnsServer } from "./dns-server.ts";
import { namespacedRuntime } from "./namespaced-runtime.ts";
import { makeBridge } from "./node-network.ts";
import { PipedPrograms } from "./piped-program.ts";
import { oneAddress } from "./plain/one-address.ts";
import { startPlainNetwork } from "./plain/plain-network.ts";
import { plainRuntime } from "./plain/plain-runtime.ts";
import { manyAddresses } from "./plain/pod-places.ts";
import type { PodRuntime } from "./pod-runtime.ts";
import { Pods } from "./pods.ts";
import type { NetworkConfig, SandboxKind } from "./protocol.ts";
import { directReach, type Reach } from "./reach.ts";
import { type AgentServer, startAgentServer } from "./server.ts";

/**
 * The node agent, started by `start-agent.ts`: PID 1 of its own user, mount, network and PID namespaces, or in the plain
 * sandbox an ordinary process. It holds the pods, their network and their logs. It never decides anything: the control
 * plane tells it what to do, and when nobody has for its grace time it ends, and takes every process along.
 */
const [runtimeDir, logBytes, graceMs, sandbox, cgroup = ""] = process.argv.slice(2);
if (runtimeDir === undefined || !isSandboxKind(sandbox))
  throw new Error("the agent is started by the control plane");

const mountPoint = join(runtimeDir, "m");
const clock = wallClock;
const programs = new PipedPrograms(join(mountPoint, "pipes"));
let alone = new AbortController();

async function end(code: number): Promise<never> {
  // The mount lies in this namespace only; without it the directory can be removed from here.
  if (sandbox === "namespaced") await runCommand("umount", ["-l", mountPoint]).catch(() => {});
  rmSync(runtimeDir ?? "", { recursive: true, force: true });
  process.exit(code);
}

function endAfter(graceMs: number): void {
  alone.abort();
  alone = new AbortController();
  clock.after(graceMs, alone.signal).then(
    () => end(0),
    () => {},
  );
}

// As PID 1 it gets only signals it asks for; a terminal that closes does not end the pods.
process.on("SIGHUP", () => {});
process.on("SIGINT", () => {});
process.on("SIGTERM", () => void end(0));
process.on("uncaughtException", (error) => {
  // The directory stays: a control plane that is there has sockets of its own in it, and starts a new agent.
  console.error(error);
  process.exit(1);
});

const world =
  sandbox === "namespaced" ? await namespacedWorld(mountPoint) : await plainWorld(runtimeDir, sandbox);
let server: AgentServer | undefined;
const pods = new Pods({
  runtime: world.runtime,
  cgroups: openContainerCgroups(cgroup, clock),
  mountPoint,
  clock,
  logBytes: Number(logBytes),
  nowNs: () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n,
  onChange: (podUid, container) => server?.send({ event: "container", podUid, container }),
});
server = await startAgentServer({
  socketPath: join(runtimeDir, "a"),
  ...{ sandbox, pods, clock, reach: world.reach, setRecords: world.setRecords },
  log: (message) => console.error(message),
  onControl: () => alone.abort(),
  onAlone: endAfter,
  onShutdown: () => void end(0),
});
// Started by a control plane that may die before it ever connects.
endAfter(Number(graceMs));
console.log("ready");

/** What differs between the sandboxes. */
interface World {
  readonly runtime: PodRuntime;
  readonly reach: Reach;
  setRecords(records: NetworkConfig["records"]): void;
}

async function namespacedWorld(mountPoint: string): Promise<World> {
  await runCommand("mount", ["-t", "tmpfs", "-o", "mode=755,nosuid,nodev", "tmpfs", mountPoint]);
  await makeBridge();
  let records: NetworkConfig["records"] = {};
  await startDnsServer(() => records);
  return {
    runtime: namespacedRuntime(programs),
    reach: directReach,
    setRecords(next) {
      records = next;
    },
  };
}

async function plainWorld(directory: string, kind: "plain" | "loopback"): Promise<World> {
  const places = kind === "plain" ? manyAddresses : oneAddress(join(directory, "ports"), numberOf(directory));
  const network = await startPlainNetwork(directory, places);
  return {
    runtime: plainRuntime(network, numberOf(directory), programs),
    reach: network.reach,
    setRecords: (records) => network.setRecords(records),
  };
}

/** Agents of other state directories share the same loopback: each begins with other addresses and ports. */
function numberOf(directory: string): number {
  return createHash("sha256").update(directory).digest().readUInt32BE();
}

function isSandboxKind(text: string | undefined): text is SandboxKind {
  return text === "namespaced" || text === "plain" || text === "loopback";
}
