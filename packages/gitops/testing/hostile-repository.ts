import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A repository on disk whose owner wants to do harm, and a way to see whether it was done. */
export interface HostileRepository {
  readonly directory: string;
  /** Of a working copy with its `.git`. */
  readonly origin: string;
  git(...args: string[]): string;
  /** Runs Git with bytes on its standard input. */
  gitWith(input: string | Uint8Array, ...args: string[]): string;
  write(path: string, content: string): void;
  /** Commits everything; answers the commit. */
  commit(): string;
  /** A program that leaves a mark when it is run. */
  readonly trap: string;
  /** A shell command that does the same. */
  readonly trapCommand: string;
  sprung(): boolean;
  remove(): void;
}

export function hostileRepository(): HostileRepository {
  const directory = mkdtempSync(join(tmpdir(), "gitops-hostile-"));
  const origin = join(directory, "origin");
  const mark = join(directory, "sprung");
  const trap = join(directory, "trap.sh");
  writeFileSync(trap, `#!/bin/sh\ntouch '${mark}'\ncat\n`);
  chmodSync(trap, 0o755);
  mkdirSync(origin);
  const identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"];
  const env = { PATH: process.env["PATH"], HOME: directory, GIT_CONFIG_NOSYSTEM: "1" };
  const gitWith = (input: string | Uint8Array, ...args: string[]) =>
    execFileSync("git", [...identity, "-C", origin, ...args], { encoding: "utf8", input, env }).trim();
  const git = (...args: string[]) => gitWith("", ...args);
  git("init", "--quiet");
  return {
    directory,
    origin,
    git,
    gitWith,
    write(path, content) {
      mkdirSync(dirname(join(origin, path)), { recursive: true });
      writeFileSync(join(origin, path), content);
    },
    commit() {
      git("add", "--all");
      git("commit", "--quiet", "--allow-empty", "--message=x");
      return git("rev-parse", "HEAD");
    },
    trap,
    trapCommand: `touch ${mark}`,
    sprung: () => existsSync(mark),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
