import { readdirSync, readFileSync } from "node:fs";
import type { Clock } from "@tracegate/contracts";
import { runCommand } from "./command.ts";

/** How often is looked: a program that grows faster than this is over its limit for so long. */
const intervalMs = 500;

/** A container with a limit. */
export interface WatchedContainer {
  /** What all of its processes and no others have in common (`PodRuntime.processSetOf`). */
  readonly processSet: string;
  readonly limitBytes: number;
  /** Called once, with what was found. */
  readonly onExceeded: (residentBytes: number) => void;
}

/** Bytes that the processes of each of these sets hold together. */
export type Resident = (
  sets: ReadonlySet<string>,
) => ReadonlyMap<string, number> | Promise<ReadonlyMap<string, number>>;

/** Linux' table of processes, or one in tests. */
export interface ProcessTable {
  pids(): readonly number[];
  /** Undefined for a process that is gone. */
  processSetOf(pid: number): string | undefined;
  /** The text of its /proc/PID/status; undefined for a process that is gone. */
  status(pid: number): string | undefined;
}

/**
 * Stands in for the kernel's memory controller, which needs a delegated cgroup: looks at what containers with a limit
 * hold in memory, all of them in one pass over the process table, and does nothing at all while there are none.
 */
export class MemoryWatch {
  readonly #resident: Resident;
  readonly #clock: Clock;
  readonly #watched = new Set<WatchedContainer>();
  #isLooking = false;

  constructor(resident: Resident, clock: Clock) {
    this.#resident = resident;
    this.#clock = clock;
  }

  /** The answer ends the watch. */
  add(container: WatchedContainer): () => void {
    this.#watched.add(container);
    if (!this.#isLooking) void this.#look();
    return () => this.#watched.delete(container);
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    while (this.#watched.size > 0) {
      const resident = await this.#resident(new Set([...this.#watched].map(({ processSet }) => processSet)));
      for (const container of this.#watched) {
        const bytes = resident.get(container.processSet) ?? 0;
        if (bytes <= container.limitBytes) continue;
        this.#watched.delete(container);
        container.onExceeded(bytes);
      }
      await this.#clock.after(intervalMs);
    }
    this.#isLooking = false;
  }
}

/** As this machine tells: Linux in /proc, others by `ps`, which knows of process groups and of resident memory as a whole. */
export function residentHere(
  processSetOf: ProcessTable["processSetOf"],
  system = process.platform,
): Resident {
  if (system === "linux") return (sets) => residentBySet(procProcessTable(processSetOf), sets);
  return async (sets) => {
    const text = await runCommand("ps", ["-axo", "pgid=,rss="]).catch(() => "");
    return residentByGroup(text, sets);
  };
}

/** The same from lines of `GROUP KILOBYTES`. */
export function residentByGroup(lines: string, groups: ReadonlySet<string>): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const line of lines.split("\n")) {
    const [group = "", kilobytes] = line.trim().split(/\s+/);
    if (groups.has(group)) sums.set(group, (sums.get(group) ?? 0) + Number(kilobytes) * 1024);
  }
  return sums;
}

export function residentBySet(
  processes: ProcessTable,
  sets: ReadonlySet<string>,
): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const pid of processes.pids()) {
    const set = processes.processSetOf(pid);
    if (set === undefined || !sets.has(set)) continue;
    sums.set(set, (sums.get(set) ?? 0) + residentBytes(processes.status(pid) ?? ""));
  }
  return sums;
}

/**
 * What a process holds in memory and the kernel cannot just drop: anonymous and shared pages. Pages of files (a
 * program's code) are left out, as the kernel reclaims them before it kills, and forked processes would count them again
 * and again. Kernels that do not tell them apart say only `VmRSS`. 0 for a process that is ending.
 */
export function residentBytes(status: string): number {
  const kilobytes = (name: string) => {
    const text = new RegExp(`^${name}:\\s*(\\d+) kB$`, "m").exec(status)?.[1];
    return text === undefined ? undefined : Number(text);
  };
  const anonymous = kilobytes("RssAnon");
  const total = anonymous === undefined ? kilobytes("VmRSS") : anonymous + (kilobytes("RssShmem") ?? 0);
  return (total ?? 0) * 1024;
}

/** The process group in the text of a /proc/PID/stat; the name before it may hold anything, parentheses too. */
export function processGroupIn(stat: string): string | undefined {
  const [, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return group;
}

/** This machine's processes, as far as the agent sees them. */
function procProcessTable(processSetOf: ProcessTable["processSetOf"]): ProcessTable {
  return {
    pids() {
      try {
        return readdirSync("/proc").map(Number).filter(Number.isInteger);
      } catch {
        return []; // No file descriptor is left: the next look may have one.
      }
    },
    processSetOf,
    status(pid) {
      try {
        return readFileSync(`/proc/${pid}/status`, "utf8");
      } catch {
        return undefined;
      }
    },
  };
}
