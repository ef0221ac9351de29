import { readdirSync, readFileSync } from "node:fs";
import type { Clock } from "@tracegate/contracts";

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

/** Where the watch reads of processes: /proc, or a table in tests. */
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
  readonly #processes: ProcessTable;
  readonly #clock: Clock;
  readonly #watched = new Set<WatchedContainer>();
  #isLooking = false;

  constructor(processes: ProcessTable, clock: Clock) {
    this.#processes = processes;
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
      const resident = residentBySet(
        this.#processes,
        new Set([...this.#watched].map(({ processSet }) => processSet)),
      );
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

/** Bytes that the processes of each set hold together. */
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
export function procProcessTable(processSetOf: ProcessTable["processSetOf"]): ProcessTable {
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
