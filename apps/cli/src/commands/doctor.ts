import { spawnSync } from "node:child_process";
import { accessSync, constants, statfsSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { wallClock } from "@tracegate/contracts";
import { type Enforcement, plainKind, probeLimits, probeSandbox, trySandbox } from "@tracegate/kubelet";
import { foreignSystem, portHolder, stateDirectory } from "@tracegate/platform";
import { command, common } from "../command.ts";
import { indented, print } from "../output.ts";
import { type Painter, painter } from "../painter.ts";

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
  details: "Runs a pod to see whether it can. Exits 1 when the main job cannot run here.",
  examples: ["tracegate doctor", "tracegate doctor -o json"],
  options: { state: common.state, output: common.output },
  async run({ state: path, output }, io) {
    const findings = [
      node(),
      clock(wallClock.now()),
      git(),
      tool("curl", "--version", "the example's traffic generator is curl: install curl"),
      ...(await sandboxes()),
      limits(),
      directory(stateDirectory(path).root),
      ...(await Promise.all([6443, 30102, 30103].map(port))),
      {
        ...tool(
          "kubectl",
          "version --client",
          "the platform works without; install kubectl >= 1.30 to look into it",
        ),
        needed: false,
      },
    ];
    print(io, output, findings, () => findingsText(findings, painter(io.colour), io.terminal?.columns));
    return findings.every(({ ok, needed }) => ok || !needed) ? 0 : 1;
  },
});

/** A line for each, with advice below what is not as it should be, in lines of `columns` where there is a terminal. */
export function findingsText(findings: readonly Finding[], paint: Painter, columns?: number): string {
  const margin = " ".repeat(24);
  const lines = (text: string) => indented(text, margin, columns);
  return findings
    .flatMap(({ what, ok, needed, found, advice }) => {
      const mark = ok ? paint.good("ok  ") : needed ? paint.bad("FAIL") : paint.warn("note");
      const [first = "", ...rest] = lines(found);
      return [
        `${mark} ${what.padEnd(18)} ${first.trimStart()}`,
        ...rest,
        ...(ok || advice === undefined || advice === "" ? [] : lines(advice)),
      ];
    })
    .map((line) => `${line}\n`)
    .join("");
}

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
  return {
    what: name,
    ok,
    needed: true,
    found: ok ? (stdout.split(/\n| \(/)[0] ?? "") : "not found",
    advice,
  };
}

/** The first that can name a new repository's branch. */
const oldestGit = [2, 28] as const;

function git(): Finding {
  const finding = tool("git", "--version", "GitOps reads repositories with it: install git");
  if (!finding.ok) return finding;
  const [, major = 0, minor = 0] = /(\d+)\.(\d+)/.exec(finding.found)?.map(Number) ?? [];
  const ok = major > oldestGit[0] || (major === oldestGit[0] && minor >= oldestGit[1]);
  return { ...finding, ok, advice: `install git ${oldestGit.join(".")} or newer` };
}

/** Where pods of the plain sandbox are on the machine's loopback. */
const placeOfPods = {
  plain: "each pod with an address of its own (127.244.x.x)",
  loopback: "the ports of all pods mapped to free ports of 127.0.0.1",
} as const;

/** How pods will run, tried by running one. The plain sandbox is tried where it has to stand in. */
async function sandboxes(): Promise<Finding[]> {
  const foreign = foreignSystem();
  if (foreign !== undefined) {
    const { message, advice = "" } = foreign;
    return [{ what: "pods", ok: false, needed: true, found: message, advice }];
  }
  const lacks = probeSandbox().problem ?? (await trySandbox("namespaced", wallClock)).problem;
  if (lacks === undefined) {
    const found = "a pod ran: in user, mount, network, PID, UTS and IPC namespaces of its own";
    return [{ what: "namespaces", ok: true, needed: false, found }];
  }
  const { kind, why } = await plainKind();
  const { problem } = await trySandbox(kind, wallClock);
  return [
    {
      what: "namespaces",
      ok: false,
      needed: false,
      found: lacks.message,
      advice: `${lacks.advice ?? ""} Until then: ${plainCosts}`.trim(),
    },
    {
      what: "plain sandbox",
      ok: problem === undefined,
      needed: true,
      found: problem?.message ?? `a pod ran: as a process of your user, ${placeOfPods[kind]}; ${why}`,
      advice: problem?.advice ?? "",
    },
  ];
}

function limits(): Finding {
  const { enforcement, place, why } = probeLimits();
  const by =
    place === undefined ? "" : place.how === "scope" ? ", in a systemd scope" : ` below ${place.parent}`;
  return {
    what: "resource limits",
    ok: enforcement.memory === "cgroup" && enforcement.cpu,
    needed: false,
    found: `${limitsKept(enforcement)}${by}`,
    advice: `${why === undefined ? "" : `${why}. `}Limits of CPU are told of as not applied; memory may overshoot for half a second`,
  };
}

const limitsKept = ({ memory, cpu, processes }: Enforcement): string => {
  const kept = [memory === "cgroup" && "memory", cpu && "CPU", processes && "processes"].filter(Boolean);
  const watched = "memory is watched, twice a second (OOMKilled)";
  if (kept.length === 0) return `${watched}; CPU is not limited`;
  return [`${kept.join(", ")} by cgroups`, ...(memory === "watching" ? [watched] : [])].join("; ");
};

const plainCosts =
  "pods run in the plain sandbox, as processes of your user that nothing isolates; programs must listen on $POD_IP:$PORT " +
  "and find others by $http_proxy (Node programs do), commands of manifests need --allow-host-commands (docs/sandboxes.md)";

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
async function port(number: number): Promise<Finding> {
  const ok = await canListen(number);
  const holder = ok ? undefined : portHolder(number);
  return {
    what: `port ${number}`,
    ok,
    needed: false,
    found: ok
      ? "free"
      : holder === undefined
        ? "taken, by a program that this user may not look into"
        : `taken by ${holder.command} (process ${holder.pid})`,
    advice:
      number === 6443 ? "the API will take the next free port" : "use --ports free, or end that program",
  };
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host: "127.0.0.1", port }, () => server.close(() => resolve(true)));
  });
}
