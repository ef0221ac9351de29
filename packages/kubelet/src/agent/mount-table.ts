import { existsSync, lstatSync, readFileSync, readlinkSync } from "node:fs";

/** One line of an fstab: what `mount --all --fstab` mounts in one process instead of a process each. */
export interface MountEntry {
  readonly source: string;
  readonly target: string;
  readonly type: string;
  readonly options: readonly string[];
}

export function renderFstab(entries: readonly MountEntry[]): string {
  return entries
    .map(
      ({ source, target, type, options }) =>
        `${fstabPath(source)} ${fstabPath(target)} ${type} ${options.join(",")} 0 0\n`,
    )
    .join("");
}

const fstabPath = (path: string): string =>
  path.replace(/[\s\\#]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`);

/**
 * The flags that a read-only remount of a bind of `path` must repeat: in a user namespace the kernel locks what the
 * mount it came from has, and refuses to drop them.
 */
export function lockedFlags(mountinfo: string, path: string): string[] {
  let best = "";
  let flags: string[] = [];
  for (const line of mountinfo.split("\n")) {
    const fields = line.split(" ");
    const point = plainPath(fields[4] ?? "");
    const covers = point !== "" && (path === point || path.startsWith(point === "/" ? "/" : `${point}/`));
    if (!covers || point.length < best.length) continue;
    best = point;
    flags = (fields[5] ?? "").split(",").filter((flag) => ["nosuid", "nodev", "noexec"].includes(flag));
  }
  return flags;
}

const plainPath = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** What every container sees of the host: programs, libraries, certificates; nothing personal. */
export interface SystemView {
  /** Top-level links of a merged /usr: `/bin` → `usr/bin`. */
  readonly links: readonly { path: string; target: string }[];
  readonly directories: readonly string[];
  readonly files: readonly string[];
}

const topLevel = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix", "/gnu"];
const etcEntries = [
  "/etc/alternatives",
  "/etc/ca-certificates",
  "/etc/crypto-policies",
  "/etc/ld.so.cache",
  "/etc/ld.so.conf",
  "/etc/ld.so.conf.d",
  "/etc/localtime",
  "/etc/mime.types",
  "/etc/pki",
  "/etc/protocols",
  "/etc/services",
  "/etc/ssl",
];

export function readSystemView(): SystemView {
  const links: { path: string; target: string }[] = [];
  const directories: string[] = [];
  const files: string[] = [];
  for (const path of [...topLevel, ...etcEntries]) {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    if (stat.isSymbolicLink() && topLevel.includes(path)) links.push({ path, target: readlinkSync(path) });
    else if (!existsSync(path)) continue;
    else if (stat.isDirectory()) directories.push(path);
    else files.push(path);
  }
  return { links, directories, files };
}

export const readMountinfo = (): string => readFileSync("/proc/self/mountinfo", "utf8");
