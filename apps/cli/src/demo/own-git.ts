import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { ProblemError } from "@tracegate/contracts";
import { gitMissing } from "../git-missing.ts";

const run = promisify(execFile);

/** Git as the demo's own author: it needs no configuration of the user's, and takes none (hooks, signing). */
export async function ownGit(directory: string, ...args: string[]): Promise<string> {
  const identity = ["-c", "user.name=Tracegate demo", "-c", "user.email=demo@tracegate.dev"];
  const ran = run(
    "git",
    [...identity, "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null", ...args],
    {
      cwd: directory,
      env: {
        PATH: process.env["PATH"],
        HOME: directory,
        GIT_CONFIG_NOSYSTEM: "1",
        // A repository that this directory happens to lie in is nobody's business here.
        GIT_CEILING_DIRECTORIES: dirname(directory),
      },
    },
  );
  const { stdout } = await ran.catch((error: NodeJS.ErrnoException & { stderr?: string }) => {
    throw error.code === "ENOENT" ? gitMissing() : gitFailed(directory, args, error.stderr ?? error.message);
  });
  return stdout.trim();
}

const gitFailed = (directory: string, [verb]: readonly string[], words: string): ProblemError =>
  new ProblemError({ code: "git/failed", where: directory, message: `git ${verb} failed: ${words.trim()}` });

/** Commits all that changed; answers the short commit. */
export async function commitAll(directory: string, message: string): Promise<string> {
  await ownGit(directory, "add", "--all");
  await ownGit(directory, "commit", "--quiet", "--allow-empty", `--message=${message}`);
  return ownGit(directory, "rev-parse", "--short", "HEAD");
}

/** Whoever has told git no name yet can commit to this repository all the same, and to no other. */
export async function lendIdentity(directory: string): Promise<void> {
  const known = (key: string) =>
    run("git", ["config", key], { cwd: directory }).then(
      () => true,
      () => false,
    );
  for (const [key, value] of Object.entries({
    "user.name": "Reader",
    "user.email": "reader@tracegate.dev",
  })) {
    if (!(await known(key))) await ownGit(directory, "config", key, value);
  }
}
