import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
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

function rootMounts(
  root: string,
  terminationFile: string,
  spec: ContainerProcessSpec,
  volumes: VolumePaths,
): MountEntry[] {
  const mountinfo = readMountinfo();
  const bind = (source: string, path: string, readOnly: boolean): MountEntry => {
    const target = inRoot(root, path);
    const isDirectory = makeMountPoint(source, target);
    return {
      source,
      target,
      type: "none",
      options: [
        "bind",
        ...(readOnly ? ["ro", ...lockedFlags(mountinfo, source)] : []),
        // Inside another mount the point is only there, or can only be made, once that one is mounted.
        ...(isDirectory ? ["X-mount.mkdir"] : []),
      ],
    };
  };
  const entries: MountEntry[] = [{ source: root, target: root, type: "none", options: ["rbind"] }];
  for (const path of [...system.directories, ...system.files]) entries.push(bind(path, path, true));
  for (const { source, target } of spec.binds) entries.push(bind(source, target, true));
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
    if (statSync(`/${path}`, { throwIfNoEntry: false }) === undefined) continue;
    const at = join(root, path);
    entries.push({
      source: at,
      target: at,
      type: "none",
      options: ["bind", "ro", "nosuid", "nodev", "noexec"],
    });
  }
  const byDepth = spec.volumeMounts.toSorted((a, b) => a.mountPath.length - b.mountPath.length);
  for (const { volume, subPath, mountPath, readOnly } of byDepth) {
    const base = volumes.get(volume);
    if (base === undefined) throw new Error(`volume "${volume}" is not part of the pod`);
    entries.push(bind(subPath === undefined ? base : subPathOf(base, subPath), mountPath, readOnly));
  }
  // Outside the root, so that no link of the container's can make the agent read another file as its message.
  entries.push(bind(terminationFile, spec.terminationMessagePath, false));
  if (spec.readOnlyRoot) {
    entries.push({ source: root, target: root, type: "none", options: ["remount", "bind", "ro"] });
  }
  return entries;
}

/** A place below a volume, made if missing; a link in the volume that leads out of it is refused. */
function subPathOf(base: string, subPath: string): string {
  const path = join(base, join("/", subPath));
  const parent = realpathSync(base);
  let existing = path;
  while (statSync(existing, { throwIfNoEntry: false }) === undefined) existing = dirname(existing);
  const real = realpathSync(existing);
  if (real !== parent && !real.startsWith(`${parent}/`))
    throw new Error(`subPath "${subPath}" leads out of its volume`);
  if (existing !== path) mkdirSync(path, { recursive: true });
  return realpathSync(path);
}

/** A directory for a directory, an empty file for anything else; its parents are made along the way. */
function makeMountPoint(source: string, target: string): boolean {
  const isDirectory = statSync(source).isDirectory();
  if (statSync(target, { throwIfNoEntry: false }) !== undefined) return isDirectory;
  if (isDirectory) mkdirSync(target, { recursive: true });
  else {
    mkdirSync(dirname(target), { recursive: true });
    closeSync(openSync(target, "a"));
  }
  return isDirectory;
}
