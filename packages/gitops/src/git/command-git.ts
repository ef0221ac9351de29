import { type Clock, wallClock } from "@tracegate/contracts";
import { type GitProcessOptions, runGit } from "./git-process.ts";
import { HoldOff } from "./hold-off.ts";
import { type CommitPlace, readTree } from "./local-tree.ts";
import { refsNaming, resolveRef } from "./refs.ts";
import { type Remote, remoteOf } from "./remote.ts";
import { type GitRepositories, isFullSha, noSuchCommit, SourceError } from "./repositories.ts";
import { type KeepLimits, repositoryCache } from "./repository-cache.ts";

export interface CommandGitOptions {
  /** Holds one bare repository a source (`git/` of the state directory). */
  readonly directory: string;
  /** Protocols sources may use: `file` (also plain absolute paths) and `https` unless told otherwise. */
  readonly protocols?: readonly string[];
  /** For one Git command; 60 s as upstream's repository server. */
  readonly timeoutMs?: number;
  /** What one fetch may bring; 1 GB unless told otherwise. */
  readonly maxPackBytes?: number;
  /** What Git may take while it speaks to a server; 2 GB unless told otherwise. */
  readonly maxMemoryBytes?: number;
  /** How much is kept of what was fetched. */
  readonly keep?: Partial<KeepLimits>;
  readonly clock?: Clock;
  /** Ends the commands that run. */
  readonly signal?: AbortSignal;
}

const usualLimits: KeepLimits = {
  maxPacks: 20,
  maxCommits: 50,
  maxRepositories: 200,
  maxBytes: 10_000_000_000,
};

const maxAnswerBytes = 100_000_000;
/** Some 500,000 branches, tags and pull requests. */
const maxRefsBytes = 40_000_000;

/** Sources on this machine: a fetched commit can also be read elsewhere, by `readTree` in another process. */
export interface CommandGit extends GitRepositories {
  /**
   * Fetches a commit unless it is there, and calls `use` with what `readTree` takes, here or in another process. Rejects
   * with a `SourceError`, or as `use` does. What cannot be read here is thrown away, fetched anew, and used once more.
   */
  fetched<T>(repoURL: string, commit: string, use: (place: CommitPlace) => Promise<T>): Promise<T>;
  /** Removes what an earlier process left half done when it was killed. Nobody else may use the directory. */
  recover(): Promise<void>;
}

/** Sources through the `git` command: `ls-remote`, `fetch` into a bare repository, `ls-tree` and `cat-file`; never a checkout. */
export function commandGit(options: CommandGitOptions): CommandGit {
  const process: GitProcessOptions = {
    timeoutMs: options.timeoutMs ?? 60_000,
    maxOutput: maxAnswerBytes,
    maxFile: options.maxPackBytes ?? 1_000_000_000,
    maxMemory: options.maxMemoryBytes ?? 2_000_000_000,
    protocols: options.protocols ?? ["file", "https"],
    signal: options.signal,
  };
  const { signal: _signal, ...localOptions } = process;
  const clock = options.clock ?? wallClock;
  const cache = repositoryCache({
    directory: options.directory,
    process,
    clock,
    limits: { ...usualLimits, ...options.keep },
  });
  const holdOff = new HoldOff(clock);
  const waiting = new Map<string, Promise<unknown>>();
  /** How many read from a repository, and how often it was thrown away. */
  const readers = new Map<string, number>();
  const thrownAway = new Map<string, number>();

  /** One at a time in a repository: fetches of one lock each other out. */
  async function alone<T>(repoURL: string, work: () => Promise<T>): Promise<T> {
    const running = (waiting.get(repoURL) ?? Promise.resolve()).catch(() => {}).then(work);
    waiting.set(repoURL, running);
    try {
      return await running;
    } finally {
      if (waiting.get(repoURL) === running) waiting.delete(repoURL);
    }
  }

  /** Brings a commit; false where the server has no such commit. */
  async function fetchInto(gitDir: string, remote: Remote, commit: string): Promise<boolean> {
    const fetch = async (args: readonly string[], refs: readonly string[]) => {
      try {
        const command = ["fetch", "--quiet", ...args, "--", remote.url, ...refs];
        await runGit(command, { ...process, gitDir, remote });
      } catch (error) {
        await cache.removeLeftovers(gitDir);
        throw error;
      }
    };
    try {
      await fetch(["--depth=1", "--no-tags"], [commit]);
      return true;
    } catch (error) {
      if (isOurLimit(error)) throw error;
      // A server may refuse bare commits; then all branches and tags are fetched.
      await fetch(["--prune"], ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]);
      return await runGit(["cat-file", "-e", `${commit}^{commit}`], { ...process, gitDir }).then(
        () => true,
        () => false,
      );
    }
  }

  /** The same into an empty repository, which then takes the place of the one there is. */
  async function fetchAnew(repoURL: string, remote: Remote, commit: string): Promise<void> {
    const fresh = await cache.openAnew(repoURL);
    try {
      if (!(await fetchInto(fresh, remote, commit))) throw noSuchCommit(commit, remote.url);
      await cache.hold(fresh, commit);
      await cache.replace(repoURL, fresh);
    } catch (error) {
      await cache.remove(fresh);
      throw error;
    }
  }

  async function ensureCommit(repoURL: string, remote: Remote, commit: string): Promise<string> {
    const gitDir = await cache.open(repoURL);
    if (await cache.holds(gitDir, commit)) return gitDir;
    // What is kept may be what is wrong. Where it is the server, the first error tells more.
    const anew = (error: unknown) =>
      fetchAnew(repoURL, remote, commit).catch(() => {
        throw error;
      });
    const found = await fetchInto(gitDir, remote, commit).catch(async (error: unknown) => {
      if (isOurLimit(error)) throw error;
      await anew(error);
      return true;
    });
    if (!found) throw noSuchCommit(commit, remote.url);
    await cache.hold(gitDir, commit).catch(async (error: unknown) => {
      if (process.signal?.aborted === true) throw error;
      await anew(error);
    });
    await cache.bound((other) => other === gitDir || readers.has(other));
    return gitDir;
  }

  const fetched: CommandGit["fetched"] = async (repoURL, commit, use) => {
    const remote = remoteOf(repoURL, process.protocols);
    if (!isFullSha(commit)) throw new SourceError(`'${commit}' is not a commit SHA`, "InvalidArgument");
    for (let again = false; ; again = true) {
      const ensure = () => ensureCommit(repoURL, remote, commit);
      const fetching = () => alone(repoURL, () => holdOff.ask(`${repoURL}\n${commit}`, ensure));
      const gitDir = await fetching().catch(unreachable);
      const before = thrownAway.get(gitDir) ?? 0;
      readers.set(gitDir, (readers.get(gitDir) ?? 0) + 1);
      try {
        return await use({ gitDir, commit, git: localOptions });
      } catch (error) {
        if (!(error instanceof SourceError) || !error.damaged) throw error;
        // Fetched anew, and still so: then it is no damage of ours.
        if (again) throw new SourceError(error.message, error.code, { lasting: true });
        await alone(repoURL, async () => {
          if ((thrownAway.get(gitDir) ?? 0) !== before) return; // another reader saw it first
          thrownAway.set(gitDir, before + 1);
          await cache.remove(gitDir);
        });
      } finally {
        const others = (readers.get(gitDir) ?? 1) - 1;
        if (others > 0) readers.set(gitDir, others);
        else readers.delete(gitDir);
      }
    }
  };

  return {
    fetched,
    recover: () => cache.recover(),
    tree: (repoURL, commit) => fetched(repoURL, commit, (place) => readTree(place, options.signal)),

    async resolve(repoURL, revision) {
      const remote = remoteOf(repoURL, process.protocols);
      if (isFullSha(revision)) return revision;
      const { add, refs } = refsNaming(revision);
      try {
        await runGit(["ls-remote", "--", remote.url], {
          ...{ ...process, maxOutput: maxRefsBytes },
          ...{ remote, onOutput: add },
        });
      } catch (error) {
        throw new SourceError(`failed to list refs: ${messageOf(error)}`, "Unknown", { unreachable: true });
      }
      const commit = resolveRef(refs(), revision);
      if (commit === undefined) throw new SourceError(`unable to resolve '${revision}' to a commit SHA`);
      return commit;
    },
  };
}

/** Every trouble with a server may pass. */
function unreachable(error: unknown): never {
  if (!(error instanceof SourceError) || error.code === "Internal") throw error;
  throw new SourceError(error.message, error.code, { unreachable: true });
}

/** Asking in another way would meet the same limit. */
const isOurLimit = (error: unknown): boolean =>
  error instanceof SourceError && ["DeadlineExceeded", "ResourceExhausted", "Canceled"].includes(error.code);

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
