import {
  chmodSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { lockedFlags, type MountEntry, readMountinfo, readSystemView, renderFstab } from "./mount-table.ts";
import type { ContainerProcessSpec } from "./protocol.ts";

const devices = ["null", "zero", "full", "random", "urandom", "tty"];
const system = readSystemView();

/** Files of /etc that a pod brings itself. */
export interface PodEtcFiles {
  readonly hosts: string;
  readonly hostname: string;
  readonly resolvConf: string;
}

/** Where a volume of the pod lies, as the agent sees it. */
export type VolumePaths = ReadonlyMap<string, string>;

/**
 * Lays out a container's root under `root` (inside the pod's tmpfs) and returns the text of the fstab that completes it
 * in the container's own mount namespace. The root itself is bound onto itself so that `pivot_root` accepts it.
 */
export function layOutRoot(
  root: string,
  terminationFile: string,
  spec: ContainerProcessSpec,
  etc: PodEtcFiles,
  volumes: VolumePaths,
): string {
  for (const dir of ["dev/pts", "dev/shm", "proc", "etc", "tmp", "var/tmp", "root", "run", ".old"]) {
    mkdirSync(join(root, dir), { recursive: true });
    if (dir.endsWith("tmp")) chmodSync(join(root, dir), 0o1777);
  }
  for (const { path, target } of system.links) symlinkSync(target, join(root, path));
  for (const [name, target] of [
    ["fd", "/proc/self/fd"],
    ["stdin", "/proc/self/fd/0"],
    ["stdout", "/proc/self/fd/1"],
    ["stderr", "/proc/self/fd/2"],
    ["ptmx", "pts/ptmx"],
  ] as const) {
    symlinkSync(target, join(root, "dev", name));
  }
  writeFileSync(join(root, "etc/hosts"), etc.hosts);
  writeFileSync(join(root, "etc/hostname"), `${etc.hostname}\n`);
  writeFileSync(join(root, "etc/resolv.conf"), etc.resolvConf);
  writeFileSync(
    join(root, "etc/passwd"),
    "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
  );
  writeFileSync(join(root, "etc/group"), "root:x:0:\nnogroup:x:65534:\n");
  // The host's own may name resolvers that are not reachable from a pod.
  writeFileSync(join(root, "etc/nsswitch.conf"), "passwd: files\ngroup: files\nhosts: files dns\n");
  mkdirSync(inRoot(root, spec.workingDir), { recursive: true });
  writeFileSync(terminationFile, "");
  return renderFstab(rootMounts(root, terminationFile, spec, volumes));
}

/** A path of the container's, below its root whatever dots it holds. Only for a root that nothing runs in yet. */
const inRoot = (root: string, path: string): string => join(root, join("/", path));

/** What is mounted at a path of the container's, and may have further mounts inside. */
interface OuterMount {
  readonly path: string;
  readonly source: string;
  readonly readOnly: boolean;
}

function rootMounts(
  root: string,
  terminationFile: string,
  spec: ContainerProcessSpec,
  volumes: VolumePaths,
): MountEntry[] {
  const mountinfo = readMountinfo();
  const mounted: OuterMount[] = [];
  const bind = (source: string, containerPath: string, readOnly: boolean): MountEntry => {
    const path = join("/", containerPath);
    const outer = mounted.findLast((candidate) => path.startsWith(`${candidate.path}/`));
    const target = outer === undefined ? inRoot(root, path) : pointInside(root, outer, path, source);
    if (outer === undefined) makeMountPoint(source, target);
    mounted.push({ path, source, readOnly });
    return {
      source,
      target,
      type: "none",
      options: ["bind", ...(readOnly ? ["ro", ...lockedFlags(mountinfo, source)] : [])],
    };
  };
  const entries: MountEntry[] = [{ source: root, target: root, type: "none", options: ["rbind"] }];
  for (const path of [...system.directories, ...system.files]) entries.push(bind(path, path, true));
  for (const { source, target } of byDepth(spec.binds, ({ target }) => target))
    entries.push(bind(source, target, true));
  for (const device of devices) entries.push(bind(`/dev/${device}`, `/dev/${device}`, false));
  entries.push(
    {
      source: "devpts",
      target: join(root, "dev/pts"),
      type: "devpts",
      options: ["newinstance", "ptmxmode=0666", "mode=0620"],
    },
    {
      source: "tmpfs",
      target: join(root, "dev/shm"),
      type: "tmpfs",
      options: ["mode=1777", "nosuid", "nodev", "size=64m"],
    },
    { source: "proc", target: join(root, "proc"), type: "proc", options: ["nosuid", "nodev", "noexec"] },
  );
  // Where the host's user is root, these would be writable in spite of the user namespace.
  for (const path of ["proc/sys", "proc/irq", "proc/bus", "proc/fs", "proc/sysrq-trigger"]) {
    if (!exists(`/${path}`)) continue;
    const at = join(root, path);
    const options = ["bind", "ro", "nosuid", "nodev", "noexec"];
    entries.push({ source: at, target: at, type: "none", options });
  }
  // These tell of the machine, not of the pod; container engines hide them, too.
  for (const path of ["proc/kcore", "proc/keys", "proc/key-users", "proc/timer_list", "proc/latency_stats"]) {
    if (exists(`/${path}`))
      entries.push({ source: "/dev/null", target: join(root, path), type: "none", options: ["bind"] });
  }
  for (const { volume, subPath, mountPath, readOnly } of byDepth(spec.volumeMounts, (it) => it.mountPath)) {
    const base = volumes.get(volume);
    if (base === undefined) throw new Error(`volume "${volume}" is not part of the pod`);
    const source =
      subPath === undefined ? base : placeBelow(base, subPath, "directory", `subPath "${subPath}"`);
    entries.push(bind(source, mountPath, readOnly));
  }
  // Outside the root, so that no link of the container's can make the agent read another file as its message.
  entries.push(bind(terminationFile, spec.terminationMessagePath, false));
  if (spec.readOnlyRoot) {
    const options = ["remount", "bind", "ro", ...lockedFlags(mountinfo, root)];
    entries.push({ source: root, target: root, type: "none", options });
  }
  return entries;
}

const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

/** What is mounted inside another comes after it. */
const byDepth = <T>(items: readonly T[], path: (item: T) => string): T[] =>
  items.toSorted((a, b) => path(a).length - path(b).length);

/**
 * Where a mount inside another one goes: a place in what is mounted there, made if missing and if that may be written.
 * A program may have left links in it: a path through them is taken in here, not where they would lead on the host.
 */
function pointInside(root: string, outer: OuterMount, path: string, source: string): string {
  const inner = path.slice(outer.path.length + 1);
  const kind = outer.readOnly ? "existing" : statSync(source).isDirectory() ? "directory" : "file";
  const place = placeBelow(outer.source, inner, kind, `mount path "${path}"`);
  return join(inRoot(root, outer.path), relative(realpathSync(outer.source), place));
}

/** A place below a volume; a link in the volume that leads out of it is refused. */
function placeBelow(
  base: string,
  path: string,
  kind: "directory" | "file" | "existing",
  what: string,
): string {
  const place = join(base, join("/", path));
  const parent = realpathSync(base);
  let existing = place;
  while (lstatSync(existing, { throwIfNoEntry: false }) === undefined) existing = dirname(existing);
  const real = existing === base ? parent : realOrRefused(existing, what);
  if (real !== parent && !real.startsWith(`${parent}/`)) throw new Error(`${what} leads out of its volume`);
  if (existing === place) return real;
  if (kind === "existing") throw new Error(`${what} is not there, and what holds it is read-only`);
  mkdirSync(kind === "directory" ? place : dirname(place), { recursive: true });
  if (kind === "file") closeSync(openSync(place, "a"));
  return realpathSync(place);
}

/** A link that leads nowhere could be led elsewhere later. */
function realOrRefused(path: string, what: string): string {
  try {
    return realpathSync(path);
  } catch {
    throw new Error(`${what} leads out of its volume`);
  }
}

/** A directory for a directory, an empty file for anything else; its parents are made along the way. */
function makeMountPoint(source: string, target: string): void {
  if (exists(target)) return;
  if (statSync(source).isDirectory()) mkdirSync(target, { recursive: true });
  else {
    mkdirSync(dirname(target), { recursive: true });
    closeSync(openSync(target, "a"));
  }
}
