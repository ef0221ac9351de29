import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import type { CgroupFacts, CgroupOffer } from "./cgroup-plan.ts";

/** Where the machine says what it offers; another directory in tests. */
export interface CgroupSources {
  /** The texts of /proc/self/mountinfo and /proc/self/cgroup. */
  readonly mountinfo: string;
  readonly ownCgroup: string;
  readonly uid: number;
  readonly env: NodeJS.ProcessEnv;
  /** The directory that systemd makes where it is in charge. */
  readonly systemdDirectory: string;
}

const machineSources = (env: NodeJS.ProcessEnv): CgroupSources => ({
  mountinfo: textOf("/proc/self/mountinfo"),
  ownCgroup: textOf("/proc/self/cgroup"),
  uid: process.getuid?.() ?? -1,
  env,
  systemdDirectory: "/run/systemd/system",
});

export function readCgroupOffer(env: NodeJS.ProcessEnv, sources = machineSources(env)): CgroupOffer {
  const hierarchy = unifiedHierarchy(sources.mountinfo);
  const own = unifiedPath(sources.ownCgroup);
  if (hierarchy === undefined || own === undefined) return { lineage: [] };
  const systemd = systemdFor(sources);
  return {
    lineage: lineageOf(hierarchy, own).map(readFacts),
    ...(systemd === undefined ? {} : { systemd }),
  };
}

interface Hierarchy {
  readonly mountPoint: string;
  /** The part of the hierarchy that is mounted there. */
  readonly root: string;
}

/** Where cgroup v2 is mounted, by the text of a mountinfo file. */
export function unifiedHierarchy(mountinfo: string): Hierarchy | undefined {
  for (const line of mountinfo.split("\n")) {
    const [mount = "", source = ""] = line.split(" - ");
    const [, , , root, mountPoint] = mount.split(" ");
    if (source.startsWith("cgroup2 ") && root !== undefined && mountPoint !== undefined)
      return { mountPoint, root };
  }
  return undefined;
}

/** A process's path in the cgroup v2 hierarchy, by the text of its /proc/PID/cgroup. */
export const unifiedPath = (cgroup: string): string | undefined => /^0::(\/.*)$/m.exec(cgroup)?.[1];

/** Directories from the path's own up to the mount point; none where the path lies outside of what is mounted. */
export function lineageOf({ mountPoint, root }: Hierarchy, path: string): string[] {
  const inside = relative(root, path);
  if (inside.startsWith("..")) return [];
  const parts = inside === "" ? [] : inside.split("/");
  return Array.from({ length: parts.length + 1 }, (_, level) =>
    join(mountPoint, ...parts.slice(0, parts.length - level)),
  );
}

function readFacts(path: string): CgroupFacts {
  const words = (file: string) => textOf(join(path, file)).split(/\s+/).filter(Boolean);
  return {
    path,
    controllers: words("cgroup.controllers"),
    isRoot: !existsSync(join(path, "cgroup.type")),
    hasProcesses: words("cgroup.procs").length > 0,
    isWritable: [".", "cgroup.procs", "cgroup.subtree_control"].every((file) => mayWrite(join(path, file))),
    isLimited: ["memory.max", "cpu.max", "pids.max"].some((file) => (words(file)[0] ?? "max") !== "max"),
  };
}

/** The manager that this user can ask for a scope, where one runs and the tool to ask it with is there. */
function systemdFor({ uid, env, systemdDirectory }: CgroupSources): CgroupOffer["systemd"] {
  const hasTool = (env["PATH"] ?? "")
    .split(":")
    .some((directory) => existsSync(join(directory, "systemd-run")));
  if (!hasTool || !existsSync(systemdDirectory)) return undefined;
  if (uid === 0) return "system";
  const runtime = env["XDG_RUNTIME_DIR"];
  return runtime !== undefined && existsSync(join(runtime, "systemd/private")) ? "user" : undefined;
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // Not there: not this kind of machine.
  }
}
