import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { probeSandbox } from "../src/namespaced/probe-sandbox.ts";
import type { ContainerProcessSpec, PodSandboxSpec } from "../src/sandbox.ts";

/**
 * Why tests that need real namespaces are left out on this machine, or false. It is told on stderr, and with CI=true
 * they are not left out: they fail.
 */
export function skipWithoutNamespaces(): string | false {
  const { problem } = probeSandbox();
  if (problem === undefined || process.env["CI"] === "true") return false;
  const words = `SKIPPED, not tested here: ${problem.message}. ${problem.advice ?? ""}`;
  console.error(words);
  return words;
}

/** Waits until something is true of the machine; for real processes, which no clock of ours drives. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  ms = 60_000,
): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`it never came true that ${what}`);
    await after(20);
  }
}

export interface TemporaryDirectory extends Disposable {
  readonly path: string;
}

export function temporaryDirectory(): TemporaryDirectory {
  const path = mkdtempSync(join(tmpdir(), "tracegate-kubelet-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** PIDs of processes of this machine whose command line holds `marker`. */
export function processesWith(marker: string): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => {
      if (!Number.isInteger(pid) || pid === process.pid || !existsSync(`/proc/${pid}/cmdline`)) return false;
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(marker);
      } catch {
        return false;
      }
    });
}

export function podSpec(uid: string, overrides: Partial<PodSandboxSpec> = {}): PodSandboxSpec {
  return {
    uid,
    namespace: "default",
    name: uid,
    hostname: uid,
    hosts: "127.0.0.1\tlocalhost\n{ip}\tme\n",
    resolvConf:
      "search default.svc.cluster.local svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n",
    memoryVolumes: [],
    diskVolumes: {},
    ports: {},
    memoryBytes: 64 * 1024 * 1024,
    ...overrides,
  };
}

export function containerSpec(
  stateDir: string,
  podUid: string,
  command: string[],
  overrides: Partial<ContainerProcessSpec> = {},
): ContainerProcessSpec {
  return {
    podUid,
    name: "c",
    attempt: 0,
    command,
    env: {},
    workingDir: "/",
    volumeMounts: [],
    binds: [],
    readOnlyRoot: false,
    stdin: false,
    stdinOnce: false,
    tty: false,
    capabilities: ["net_bind_service"],
    logFile: join(stateDir, "pods", podUid, "c", "0.log"),
    terminationMessagePath: "/dev/termination-log",
    ...overrides,
  };
}
