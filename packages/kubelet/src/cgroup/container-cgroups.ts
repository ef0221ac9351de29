import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "@tracegate/contracts";
import { type Enforcement, onlyWatching } from "./cgroup-plan.ts";
import { enforcementIn } from "./enter-cgroup.ts";

/** Of one container. */
export interface ContainerLimits {
  readonly memoryBytes?: number;
  /** Thousandths of a CPU. */
  readonly cpuMillis?: number;
  /** What it asked for: its share where CPUs are short. */
  readonly cpuRequestMillis?: number;
}

/** A cgroup file and what is written to it. */
export type CgroupSetting = readonly [file: string, value: string];

/** More than a busy program has, threads counted; a fork bomb ends here. */
const maxProcesses = 4096;
/** Microseconds. */
const cpuPeriod = 100_000;
const minCpuQuota = 1000;

/** What a container's limits come to in its cgroup, as a kubelet and its runtime have it. Some kernels lack the optional ones. */
export function cgroupSettings(
  { memoryBytes, cpuMillis, cpuRequestMillis = 0 }: ContainerLimits,
  enforcement: Enforcement,
): { required: readonly CgroupSetting[]; optional: readonly CgroupSetting[] } {
  const required: CgroupSetting[] = [];
  const optional: CgroupSetting[] = [];
  if (enforcement.memory === "cgroup" && memoryBytes !== undefined) {
    required.push(["memory.max", String(memoryBytes)]);
    // All of the container goes, never just one of its processes; and it goes, instead of swapping for minutes.
    optional.push(["memory.oom.group", "1"], ["memory.swap.max", "0"]);
  }
  if (enforcement.cpu) {
    if (cpuMillis !== undefined) {
      const quota = Math.max(minCpuQuota, Math.ceil((cpuMillis * cpuPeriod) / 1000));
      required.push(["cpu.max", `${quota} ${cpuPeriod}`]);
    }
    optional.push(["cpu.weight", String(cpuWeight(cpuRequestMillis))]);
  }
  if (enforcement.processes) optional.push(["pids.max", String(maxProcesses)]);
  return { required, optional };
}

/** From the shares of cgroup v1 (2 to 262144), which requests are defined by, to a weight (1 to 10000). */
export function cpuWeight(requestMillis: number): number {
  const shares = Math.min(262_144, Math.max(2, Math.floor((requestMillis * 1024) / 1000)));
  return 1 + Math.floor(((shares - 2) * 9999) / 262_142);
}

/** Whether the kernel has killed for want of memory, by the text of `memory.events`. */
export const hasKilledForMemory = (events: string): boolean => /^oom_kill [1-9]/m.test(events);

/** The few things done to cgroup directories; in tests, to directories that only look like them. */
export interface CgroupFiles {
  makeDirectory(path: string): void;
  write(path: string, value: string): void;
  read(path: string): string;
  /** Takes a directory away with the files that are its nature. */
  removeDirectory(path: string): void;
}

const kernelFiles: CgroupFiles = {
  makeDirectory: (path) => mkdirSync(path),
  write: (path, value) => writeFileSync(path, value, { flag: "r+" }),
  read: (path) => readFileSync(path, "utf8"),
  removeDirectory: (path) => rmdirSync(path),
};

/** The cgroup of one start of a container. */
export interface ContainerCgroup {
  /** A process that writes 0 to it moves in. */
  readonly processes: string;
  wasKilledForMemory(): boolean;
  /** Kills all that is in it, also what has left its process group. */
  kill(): void;
  /** Resolves once it is gone, or held by what cannot be killed for too long. */
  remove(): Promise<void>;
}

const removalTries = 50;
const removalRetryMs = 20;

/** The cgroups of a node's containers, each a directory in `base`. */
export class ContainerCgroups {
  readonly enforcement: Enforcement;
  readonly #base: string;
  readonly #clock: Clock;
  readonly #files: CgroupFiles;

  constructor(base: string, enforcement: Enforcement, clock: Clock, files = kernelFiles) {
    this.#base = base;
    this.enforcement = enforcement;
    this.#clock = clock;
    this.#files = files;
  }

  /** Undefined where nothing is kept by cgroups. Throws where a limit cannot be set: the container must not run without it. */
  make(name: string, limits: ContainerLimits): ContainerCgroup | undefined {
    const { enforcement } = this;
    if (enforcement.memory !== "cgroup" && !enforcement.cpu && !enforcement.processes) return undefined;
    const path = join(this.#base, name);
    const files = this.#files;
    files.makeDirectory(path);
    const { required, optional } = cgroupSettings(limits, enforcement);
    try {
      for (const [file, value] of required) files.write(join(path, file), value);
    } catch (error) {
      files.removeDirectory(path);
      const words = error instanceof Error ? error.message : String(error);
      throw new Error(`failed to limit the container: ${words}`);
    }
    for (const [file, value] of optional) attempt(() => files.write(join(path, file), value));
    const kill = () => attempt(() => files.write(join(path, "cgroup.kill"), "1"));
    return {
      processes: join(path, "cgroup.procs"),
      wasKilledForMemory: () =>
        hasKilledForMemory(attempt(() => files.read(join(path, "memory.events"))) ?? ""),
      kill,
      remove: () => this.#remove(path, kill),
    };
  }

  /** Whatever is in it; what has ended may be in it for a moment longer. */
  async #remove(path: string, kill: () => void): Promise<void> {
    kill();
    for (let tries = 0; tries < removalTries; tries += 1) {
      try {
        return this.#files.removeDirectory(path);
      } catch {
        await this.#clock.after(removalRetryMs);
      }
    }
  }
}

/** What keeps limits for an agent that was started in `base`; only watching where it was not, or in vain. */
export function openContainerCgroups(base: string, clock: Clock): ContainerCgroups {
  const read = (file: string) => attempt(() => readFileSync(file, "utf8")) ?? "";
  const enforcement =
    base === ""
      ? onlyWatching
      : enforcementIn(base, read("/proc/self/cgroup"), read(join(base, "cgroup.subtree_control")));
  return new ContainerCgroups(base, enforcement, clock);
}

/** Undefined where it fails: files of cgroups come and go with kernels and processes. */
function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
