import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { ProblemError } from "@tracegate/contracts";

/** The problem of a port that another program listens on, with that program's name where the system tells. */
export function portTaken(address: string, port: number, what: string): ProblemError {
  const holder = portHolder(port);
  return new ProblemError({
    code: "port/taken",
    where: `${address}:${port}`,
    message: `the port of ${what} is taken${holder === undefined ? "" : ` by ${holder.command} (process ${holder.pid})`}`,
    advice: "End that program, or let the platform choose its ports with --ports free",
  });
}

/** Who listens on a TCP port of this machine: Linux says it in /proc, for processes one may look into. */
export function portHolder(port: number): { pid: number; command: string } | undefined {
  try {
    const inodes = new Set(["/proc/net/tcp", "/proc/net/tcp6"].flatMap((table) => listenersOn(table, port)));
    if (inodes.size === 0) return undefined;
    for (const pid of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
      for (const link of socketsOf(pid)) {
        if (!inodes.has(link)) continue;
        return { pid: Number(pid), command: commandOf(pid) };
      }
    }
  } catch {
    // No /proc (macOS): the port alone has to do.
  }
  return undefined;
}

/** Socket inodes of the listeners (state 0A) on a port; columns as in proc(5). */
function listenersOn(table: string, port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  return readFileSync(table, "utf8")
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === "0A" && local?.endsWith(`:${wanted}`) === true)
    .map((columns) => `socket:[${columns[9]}]`);
}

function socketsOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        return "";
      }
    });
  } catch {
    return [];
  }
}

/** The program and what it was started with, shortened: of an interpreter the name alone says nothing. */
function commandOf(pid: string): string {
  const words = readFileSync(`/proc/${pid}/cmdline`, "utf8")
    .split("\0")
    .filter((word) => word !== "");
  const [program = "an unknown program", ...rest] = words;
  const shown = [basename(program), ...rest.filter((word) => !word.startsWith("-"))].join(" ");
  return shown.length > 60 ? `${shown.slice(0, 59)}…` : shown;
}
