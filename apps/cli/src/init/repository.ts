import { spawnSync } from "node:child_process";
import { relative } from "node:path";
import { pathToFileURL } from "node:url";
import { ProblemError } from "@tracegate/contracts";
import { gitMissing } from "../git-missing.ts";

/** The Git repository that a directory belongs to, or is to become. */
export interface Repository {
  readonly url: string;
  /** The directory inside; "." for the root. */
  readonly directory: string;
  /** Made by this command, so that committing to it is nobody else's business. */
  readonly isNew: boolean;
}

export function repositoryOf(directory: string): Repository {
  const root = git(directory, "rev-parse", "--show-toplevel");
  const top = root.status === 0 ? root.output : directory;
  return {
    url: pathToFileURL(top).href,
    directory: relative(top, directory) || ".",
    isNew: root.status !== 0,
  };
}

/** Whether git knows by whom commits are. */
export const hasIdentity = (directory: string): boolean =>
  git(directory, "config", "user.email").status === 0;

/** Makes the repository with the files as its first commit. */
export function commitFirst(directory: string, files: readonly string[], message: string): void {
  const identity = hasIdentity(directory)
    ? []
    : ["-c", "user.name=tracegate init", "-c", "user.email=init@tracegate.dev"];
  for (const args of [
    ["init", "--quiet", "--initial-branch=main"],
    ["add", "--", ...files],
    [...identity, "commit", "--quiet", `--message=${message}`],
  ]) {
    const { status, output } = git(directory, ...args);
    if (status !== 0) throw failed(output);
  }
}

const failed = (words: string) =>
  new ProblemError({ code: "git/failed", message: `git: ${words}`, advice: "Commit the files yourself" });

function git(directory: string, ...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr, error } = spawnSync("git", args, { cwd: directory, encoding: "utf8" });
  if (error !== undefined)
    throw (error as NodeJS.ErrnoException).code === "ENOENT" ? gitMissing() : failed(error.message); // a system error
  return { status, output: (status === 0 ? stdout : stderr).trim() };
}
