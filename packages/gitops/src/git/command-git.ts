import { createHash } from "node:crypto";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type GitProcessOptions, runGit } from "./git-process.ts";
import { type CommitPlace, readTree } from "./local-tree.ts";
import { parseRefs, resolveRef } from "./refs.ts";
import { type Remote, remoteOf } from "./remote.ts";
import { type GitRepositories, isFullSha, noSuchCommit, SourceError } from "./repositories.ts";

export interface CommandGitOptions {
  /** Holds one bare repository a source (`repos/` of the state directory). */
  readonly directory: string;
  /** Protocols sources may use: `file` (also plain absolute paths) and `https` unless told otherwise. */
  readonly protocols?: readonly string[];
  /** For one Git command; 60 s as upstream's repository server. */
  readonly timeoutMs?: number;
  /** What one fetch may bring; 1 GB unless told otherwise. */
  readonly maxPackBytes?: number;
  /** Ends the commands that run. */
  readonly signal?: AbortSignal;
}

const maxAnswerBytes = 100_000_000;

/** Sources on this machine: a fetched commit can also be read elsewhere, by `readTree` on another thread. */
export interface CommandGit extends GitRepositories {
  /**
   * Fetches a commit unless it is there, and calls `use` with what `readTree` takes, here or in another process. Rejects
   * with a `SourceError`, or as `use` does.
   */
  fetched<T>(repoURL: string, commit: string, use: (place: CommitPlace) => Promise<T>): Promise<T>;
}

/** Sources through the `git` command: `ls-remote`, `fetch` into a bare repository, `ls-tree` and `cat-file`; never a checkout. */
export function commandGit(options: CommandGitOptions): CommandGit {
  const process: GitProcessOptions = {
    timeoutMs: options.timeoutMs ?? 60_000,
    maxOutput: maxAnswerBytes,
    maxFile: options.maxPackBytes ?? 1_000_000_000,
    protocols: options.protocols ?? ["file", "https"],
    signal: options.signal,
  };
  const { signal: _signal, ...localOptions } = process;
  const fetching = new Map<string, Promise<unknown>>();

  async function bareRepository(repoURL: string): Promise<string> {
    const gitDir = join(options.directory, createHash("sha256").update(repoURL).digest("hex").slice(0, 32));
    const exists = await stat(join(gitDir, "HEAD")).then(
      () => true,
      () => false,
    );
    if (!exists) {
      await mkdir(options.directory, { recursive: true, mode: 0o700 });
      await runGit(["init", "--quiet", "--bare", "--template=", "--", gitDir], process);
    }
    return gitDir;
  }

  async function ensureCommit(repoURL: string, remote: Remote, commit: string): Promise<string> {
    const gitDir = await bareRepository(repoURL);
    const inRepository = { ...process, gitDir };
    const has = () =>
      runGit(["cat-file", "-e", `${commit}^{commit}`], inRepository).then(
        () => true,
        () => false,
      );
    if (await has()) return gitDir;
    const fetch = async (args: readonly string[], refs: readonly string[]) => {
      try {
        const command = ["fetch", "--quiet", ...args, "--", remote.url, ...refs];
        await runGit(command, { ...inRepository, remote });
      } catch (error) {
        await removeLeftovers(gitDir);
        throw error;
      }
    };
    try {
      await fetch(["--depth=1", "--no-tags"], [commit]);
    } catch (error) {
      if (isOurLimit(error)) throw error;
      // A server may refuse bare commits; then all branches and tags are fetched.
      await fetch([], ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]);
      if (!(await has())) throw noSuchCommit(commit, remote.url);
    }
    return gitDir;
  }

  const fetched: CommandGit["fetched"] = async (repoURL, commit, use) => {
    const remote = remoteOf(repoURL, process.protocols);
    if (!isFullSha(commit)) throw new SourceError(`'${commit}' is not a commit SHA`, "InvalidArgument");
    // One at a time in a repository: fetches of one lock each other out.
    const before = fetching.get(repoURL) ?? Promise.resolve();
    const running = before.catch(() => {}).then(() => ensureCommit(repoURL, remote, commit));
    fetching.set(repoURL, running);
    const gitDir = await running.catch((error: unknown) => {
      if (!(error instanceof SourceError) || error.code === "Internal") throw error;
      throw new SourceError(error.message, error.code, { unreachable: true });
    });
    if (fetching.get(repoURL) === running) fetching.delete(repoURL);
    return await use({ gitDir, commit, git: localOptions });
  };

  return {
    fetched,
    tree: (repoURL, commit) => fetched(repoURL, commit, (place) => readTree(place, options.signal)),

    async resolve(repoURL, revision) {
      const remote = remoteOf(repoURL, process.protocols);
      if (isFullSha(revision)) return revision;
      let refs: ReturnType<typeof parseRefs>;
      try {
        const listing = await runGit(["ls-remote", "--", remote.url], { ...process, remote });
        refs = parseRefs(listing.toString());
      } catch (error) {
        throw new SourceError(`failed to list refs: ${messageOf(error)}`, "Unknown", { unreachable: true });
      }
      const commit = resolveRef(refs, revision);
      if (commit === undefined) throw new SourceError(`unable to resolve '${revision}' to a commit SHA`);
      return commit;
    },
  };
}

/** What a fetch that was ended leaves: parts of packs, which would fill the disk, and locks, which would stop the next. */
async function removeLeftovers(gitDir: string): Promise<void> {
  for (const directory of [gitDir, join(gitDir, "objects", "pack"), join(gitDir, "refs", "heads")]) {
    for (const name of await readdir(directory).catch(() => []))
      if (/^tmp_|\.lock$/.test(name)) await rm(join(directory, name), { force: true });
  }
}

/** Asking in another way would meet the same limit. */
const isOurLimit = (error: unknown): boolean =>
  error instanceof SourceError && ["DeadlineExceeded", "ResourceExhausted", "Canceled"].includes(error.code);

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
