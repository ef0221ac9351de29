import { createHash } from "node:crypto";
import { lstatSync, mkdirSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join, resolve } from "node:path";
import { ProblemError } from "@tracegate/contracts";

/** The longest path of a Unix socket: 104 bytes with the closing zero on macOS, 108 on Linux. */
const maxSocketPath = 103;
const longestName = "/l4294967295".length;

/** Where the agent of a state directory has its sockets: always the same, so that a new control plane finds it. */
export function runtimeDirectory(stateDir: string, env: NodeJS.ProcessEnv = process.env): string {
  const { uid } = userInfo();
  const hash = createHash("sha256")
    .update(`${uid}:${resolve(stateDir)}`)
    .digest("hex")
    .slice(0, 10);
  const usable = [env["XDG_RUNTIME_DIR"] || "/tmp", tmpdir(), "/tmp"]
    .filter((base) => lstatSync(base, { throwIfNoEntry: false })?.isDirectory())
    .map((base) => join(base, `tracegate-${hash}`));
  return (
    usable.find((path) => Buffer.byteLength(path) + longestName <= maxSocketPath) ?? `/tmp/tracegate-${hash}`
  );
}

/** Makes the directory, or checks that the one there is ours alone: in /tmp another user could have made it. */
export function ensureRuntimeDirectory(path: string): void {
  mkdirSync(path, { mode: 0o700, recursive: true });
  const stat = lstatSync(path);
  if (!stat.isDirectory() || stat.uid !== userInfo().uid || (stat.mode & 0o077) !== 0) {
    throw new ProblemError({
      code: "node/runtime-directory",
      where: path,
      message: "The directory for the node agent's sockets belongs to someone else or is open to others",
      expected: "a directory of this user with mode 0700",
      advice: "Remove it, or set XDG_RUNTIME_DIR to a directory of your own.",
    });
  }
  mkdirSync(join(path, "m"), { recursive: true });
}
