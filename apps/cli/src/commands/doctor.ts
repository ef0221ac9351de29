import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { wallClock } from "@tracegate/contracts";
import { probeSandbox } from "@tracegate/kubelet";
import { portHolder, stateDirectory } from "@tracegate/platform";
import { command, common } from "../command.ts";
import { print } from "../output.ts";
import { painter } from "../painter.ts";

/** One thing looked at. `needed`: the main job cannot run without it. */
interface Finding {
  readonly what: string;
  readonly ok: boolean;
  readonly needed: boolean;
  readonly found: string;
  /** What its lack costs, and what to do. */
  readonly advice?: string;
}

export const doctor = command({
  path: "doctor",
  summary: "Say what this machine offers and lacks, and what each lack costs",
  details: "Exits 1 when the main job cannot run here.",
  examples: ["tracegate doctor", "tracegate doctor -o json"],
  options: { state: common.state, output: common.output },
  async run({ state: path, output }, io) {
    const findings = [
      node(),
      clock(wallClock.now()),
      tool("git", "--version", "GitOps reads repositories with it: install git"),
      tool("curl", "--version", "the example's traffic generator is curl: install curl"),
      sandbox(),
      limits(),
      directory(stateDirectory(path).root),
      ...[6443, 30102, 30103].map(port),
      {
        ...tool(
          "kubectl",
          "version --client",
          "the platform works without; install kubectl >= 1.30 to look into it",
        ),
        needed: false,
      },
    ];
    const paint = painter(io.colour);
    print(io, output, findings, () =>
      findings
        .map(({ what, ok, needed, found, advice }) => {
          const mark = ok ? paint.good("ok  ") : needed ? paint.bad("FAIL") : paint.warn("note");
          return `${mark} ${what.padEnd(18)} ${found}\n${ok || advice === undefined ? "" : `     ${" ".repeat(18)} ${advice}\n`}`;
        })
        .join(""),
    );
    return findings.every(({ ok, needed }) => ok || !needed) ? 0 : 1;
  },
});

function node(): Finding {
  const major = Number(process.versions.node.split(".")[0]);
  return {
    what: "Node",
    ok: major >= 24,
    needed: true,
    found: process.versions.node,
    advice: "needs 24 or newer: run `npm ci`",
  };
}

/**
 * A clock far behind makes certificates that are not valid yet and gates that ask about another time. Nothing here knows the
 * right time, but it cannot be before this program was put on the machine.
 */
function clock(now: number): Finding {
  const installed = statSync(fileURLToPath(import.meta.url)).mtimeMs;
  return {
    what: "clock",
    ok: now > installed - dayMs,
    needed: true,
    found: new Date(now).toISOString(),
    advice: "the clock is before this program's own files: set it (timedatectl set-ntp true)",
  };
}

const dayMs = 86_400_000;

function tool(name: string, versionArguments: string, advice: string): Finding {
  const { status, stdout } = spawnSync(name, versionArguments.split(" "), { encoding: "utf8" });
  const ok = status === 0;
  return { what: name, ok, needed: true, found: ok ? (stdout.split("\n")[0] ?? "") : "not found", advice };
}

/** What the platform tries, too, before it starts a node. On Linux the plain sandbox stands in. */
function sandbox(): Finding {
  const { problem } = probeSandbox();
  const hasPlain = process.platform === "linux";
  return {
    what: "namespaces",
    ok: problem === undefined,
    needed: !hasPlain,
    found: problem?.message ?? "user, mount, network and PID namespaces work: pods run in them",
    ...(problem === undefined
      ? {}
      : { advice: `${problem.advice ?? ""}${hasPlain ? ` Until then: ${plainCosts}` : ""}`.trim() }),
  };
}

/** The node reads what processes hold from /proc; cgroups are not used, delegated or not. */
function limits(): Finding {
  const watched = existsSync("/proc/self/status");
  return {
    what: "resource limits",
    ok: watched,
    needed: false,
    found: watched
      ? "memory by watching, twice a second (OOMKilled); CPU not enforced (cgroups are not used)"
      : "not enforced: there is no /proc to watch memory in",
  };
}

const plainCosts =
  "pods run in the plain sandbox, as processes of your user that nothing isolates; programs must listen on $POD_IP and " +
  "find others by $http_proxy (Node programs do), commands of manifests need --allow-host-commands (docs/sandboxes.md)";

function directory(root: string): Finding {
  const base = { what: "state directory", needed: true };
  for (let existing = root; ; existing = dirname(existing)) {
    try {
      accessSync(existing, constants.W_OK);
      const { bavail, bsize } = statfsSync(existing);
      const freeMb = Math.floor((bavail * bsize) / 2 ** 20);
      const advice = "free some space: at least 200 MB are needed";
      return { ...base, ok: freeMb >= 200, found: `${root} (${freeMb} MB free)`, advice };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException; // fs errors carry a code
      if (code === "ENOENT" && existing !== dirname(existing)) continue;
      return {
        ...base,
        ok: false,
        found: `${root}: ${code}`,
        advice: "choose one you may write with --state DIR",
      };
    }
  }
}

/** A taken port is no hindrance for the API, which takes the next one; the others are asked for by `--ports free`. */
function port(number: number): Finding {
  const holder = portHolder(number);
  return {
    what: `port ${number}`,
    ok: holder === undefined,
    needed: false,
    found: holder === undefined ? "free" : `taken by ${holder.command} (process ${holder.pid})`,
    advice:
      number === 6443 ? "the API will take the next free port" : "use --ports free, or end that program",
  };
}
