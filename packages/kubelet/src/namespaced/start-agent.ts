import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Clock, ProblemError } from "@tracegate/contracts";
import { defaultPath } from "../agent/default-path.ts";
import type { SandboxKind } from "../agent/protocol.ts";
import { inCgroup, probeLimits } from "../cgroup/enter-cgroup.ts";
import { ensureRuntimeDirectory } from "./runtime-directory.ts";

const startTimeoutMs = 15_000;
const retryMs = 15;

/** Flags of `unshare` that make the agent PID 1 of its own user, mount, network and PID namespaces. */
export const agentNamespaces = [
  ...["--user", "--map-root-user", "--mount", "--net", "--pid"],
  ...["--fork", "--kill-child", "--mount-proc", "--propagation", "private"],
];

/** The agent relays bytes and keeps little: a small young generation is enough. */
const agentFlags = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=2"];

/**
 * Starts a node agent that outlives this process, and resolves when `connect` succeeds. Its words go to `agent.log` in
 * the state directory.
 */
export async function startAgent<T>(options: {
  sandbox: SandboxKind;
  runtimeDir: string;
  stateDir: string;
  logBytes: number;
  graceMs: number;
  clock: Clock;
  connect: () => Promise<T>;
}): Promise<T> {
  const { runtimeDir, stateDir, clock } = options;
  ensureRuntimeDirectory(runtimeDir);
  rmSync(join(runtimeDir, "a"), { force: true });
  mkdirSync(stateDir, { recursive: true });
  const logFile = join(stateDir, "agent.log");
  const log = openSync(logFile, "w", 0o600);
  const main = fileURLToPath(new URL("../agent/main.ts", import.meta.url));
  const { sandbox } = options;
  const { place } = probeLimits();
  const [program = "", ...args] = [
    ...(place === undefined ? [] : inCgroup(place, basename(runtimeDir).replace(/^tracegate-/, ""))),
    ...(sandbox === "namespaced" ? ["unshare", ...agentNamespaces] : []),
    ...[process.execPath, ...agentFlags, main],
    ...[runtimeDir, String(options.logBytes), String(options.graceMs), sandbox],
  ];
  const child = spawn(program, args, {
    detached: true,
    stdio: ["ignore", log, log],
    cwd: "/",
    env: {
      PATH: `${process.env["PATH"] ?? ""}:${defaultPath}`,
      ...inherited("NODE_COMPILE_CACHE"), // Kept compiled code saves the agent the type stripper's memory.
      ...(place?.how === "scope" ? inherited("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS") : {}),
    },
  });
  closeSync(log);
  child.unref();
  let ended = false;
  child.once("error", () => {
    ended = true;
  });
  child.once("exit", () => {
    ended = true;
  });
  const giveUpAt = clock.now() + startTimeoutMs;
  for (;;) {
    try {
      return await options.connect();
    } catch (error) {
      if (ended || clock.now() > giveUpAt) {
        killGroup(child.pid);
        throw notStarted(readTail(logFile), error);
      }
    }
    await clock.after(retryMs);
  }
}

const inherited = (...names: string[]): Record<string, string> =>
  Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );

/** The child leads a process group: the agent, and what waits for it. */
function killGroup(leader: number | undefined): void {
  try {
    if (leader !== undefined) process.kill(-leader, "SIGKILL");
  } catch {
    // Nobody is left in it.
  }
}

const readTail = (file: string): string => readFileSync(file, "utf8").trim().slice(-2000);

const notStarted = (words: string, cause: unknown): ProblemError =>
  new ProblemError(
    {
      code: "node/agent-not-started",
      message: `The node agent did not start: ${words || (cause instanceof Error ? cause.message : String(cause))}`,
      advice: "Run `tracegate doctor`: it says what this machine lacks for running pods in namespaces.",
    },
    { cause },
  );
