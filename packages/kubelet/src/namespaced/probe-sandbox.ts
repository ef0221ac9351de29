import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Problem, ProblemError } from "@tracegate/contracts";
import { defaultPath } from "../agent/default-path.ts";
import { agentNamespaces } from "./start-agent.ts";

const timeoutMs = 10_000;
const tools: Readonly<Record<string, string>> = {
  unshare: "util-linux",
  nsenter: "util-linux",
  mount: "util-linux",
  umount: "util-linux",
  pivot_root: "util-linux",
  setpriv: "util-linux",
  ip: "iproute2",
  hostname: "hostname",
  env: "coreutils",
};

export interface SandboxProbe {
  /** Undefined when pods can run in namespaces here. */
  readonly problem?: Problem;
}

/** Tries what pods in namespaces need, for `tracegate doctor` and before the first start. Changes nothing. */
export function probeSandbox(env: NodeJS.ProcessEnv = process.env): SandboxProbe {
  if (process.platform !== "linux") {
    return problem(
      `Only Linux has them, and this is ${process.platform}`,
      "Run Tracegate on Linux or in a Linux virtual machine.",
    );
  }
  const path = `${env["PATH"] ?? ""}:${defaultPath}`;
  const missing = Object.keys(tools).filter((tool) => !isOnPath(tool, path));
  if (missing.length > 0) {
    const packages = [...new Set(missing.map((tool) => tools[tool]))].join(", ");
    return problem(`Missing: ${missing.join(", ")}`, `Install ${packages}.`);
  }
  const directory = temporaryPlace("probe");
  if (typeof directory !== "string") return { problem: directory };
  try {
    for (const step of steps) {
      const words = failureOf(step, directory, path);
      if (words !== undefined) return problem(`${step.what}: ${words}`, step.advice);
    }
    return {};
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A directory for trying things, or why there can be none: the agent's sockets would have no place either. */
export function temporaryPlace(what: string): string | Problem {
  try {
    return mkdtempSync(join(tmpdir(), `tracegate-${what}-`));
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    const message = `No temporary directory can be made: ${words}`;
    return { code: "node/no-pod", message, advice: "Set TMPDIR to a directory that may be written." };
  }
}

/** Throws the problem, where there is one. */
export function requireSandbox(): void {
  const { problem: found } = probeSandbox();
  if (found !== undefined) throw new ProblemError(found);
}

const problem = (message: string, advice: string): SandboxProbe => ({
  problem: { code: "node/no-namespaces", message: `Pods cannot run in namespaces here. ${message}`, advice },
});

/** Each step needs the one before; the first that fails is the one to mend. */
const steps: readonly { what: string; namespaces: readonly string[]; script: string; advice: string }[] = [
  {
    what: "User namespaces are not to be had",
    namespaces: ["--user", "--map-root-user"],
    script: ":",
    advice:
      "Allow them: sysctl user.max_user_namespaces (not 0), kernel.unprivileged_userns_clone=1 on Debian, " +
      "kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu; in a container start it with --security-opt seccomp=unconfined.",
  },
  {
    what: "Mount, network or PID namespaces are not to be had",
    namespaces: agentNamespaces.filter((flag) => flag !== "--mount-proc"),
    script: ":",
    advice: "Allow them: sysctl user.max_mnt_namespaces, user.max_net_namespaces, user.max_pid_namespaces.",
  },
  {
    what: "No file systems can be mounted in a user namespace",
    namespaces: agentNamespaces,
    script:
      'mount -t tmpfs tmpfs "$1" && mkdir "$1/p" && mount -t proc proc "$1/p" && ' +
      'unshare --user --map-root-user --mount mount --rbind "$1" "$1"',
    advice:
      "In a container, /proc must not be masked (--security-opt systempaths=unconfined), or run outside of it.",
  },
  {
    what: "No pod network can be made",
    namespaces: agentNamespaces,
    script: "ip link add tg0 type bridge && ip link add v0 type veth peer name v1",
    advice: "Load the kernel modules: modprobe bridge veth.",
  },
];

function failureOf(
  { namespaces, script }: (typeof steps)[number],
  directory: string,
  path: string,
): string | undefined {
  const { status, stderr, error } = spawnSync(
    "unshare",
    [...namespaces, "sh", "-ec", script, "sh", directory],
    {
      encoding: "utf8",
      timeout: timeoutMs,
      env: { PATH: path },
    },
  );
  if (error !== undefined) return error.message;
  return status === 0 ? undefined : stderr.trim() || `exit code ${status}`;
}

const isOnPath = (tool: string, path: string): boolean =>
  path.split(":").some((directory) => {
    try {
      if (directory === "") return false;
      accessSync(join(directory, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
