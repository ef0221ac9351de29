import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Clock } from "@tracegate/contracts";
import { type GitProcessOptions, runGit } from "./git-process.ts";

/** How much is kept. */
export interface KeepLimits {
  /** Packs of one repository, of which each fetch brings one; beyond, they are made one. */
  readonly maxPacks: number;
  /** Commits of one repository, those used last; what only others need is dropped when packs are made one. */
  readonly maxCommits: number;
  /** Repositories, and bytes of all their packs; beyond, those used longest ago are removed. */
  readonly maxRepositories: number;
  readonly maxBytes: number;
}

export interface RepositoryCacheOptions {
  /** Holds one bare repository a source. */
  readonly directory: string;
  readonly process: GitProcessOptions;
  /** Tells what was used last. */
  readonly clock: Clock;
  readonly limits: KeepLimits;
}

/** Bare repositories that only ever hold what was fetched, and may be thrown away at any time. */
export interface RepositoryCache {
  /** The repository of a source; made when it is not there. Used from now on. */
  open(repoURL: string): Promise<string>;
  /** An empty repository beside that of a source, to be put in its place or removed. */
  openAnew(repoURL: string): Promise<string>;
  replace(repoURL: string, by: string): Promise<void>;
  remove(gitDir: string): Promise<void>;
  /** Whether a commit was fetched with all it needs. Uses it: it will be kept. */
  holds(gitDir: string, commit: string): Promise<boolean>;
  /** Notes a fetched commit as held, and keeps the repository small. Rejects where that fails. */
  hold(gitDir: string, commit: string): Promise<void>;
  /** Keeps the whole small, but for what is in use. */
  bound(inUse: (gitDir: string) => boolean): Promise<void>;
  /** Removes what a fetch that was ended leaves: parts of packs, which would fill the disk, and locks, which would stop the next. */
  removeLeftovers(gitDir: string): Promise<void>;
  /** The same everywhere, with repositories that were being made or removed. Nobody else may use the directory. */
  recover(): Promise<void>;
}

/** Commits that are held, each as a reference of its own name. */
const heldRef = (commit: string): string => `refs/held/${commit}`;

export function repositoryCache(options: RepositoryCacheOptions): RepositoryCache {
  const { directory, process, limits } = options;
  const place = (repoURL: string) =>
    join(directory, createHash("sha256").update(repoURL).digest("hex").slice(0, 32));
  /** Names that no repository of a source has; `recover` removes them. */
  const passing = (gitDir: string) => `${gitDir}.${randomUUID()}`;
  const held = (gitDir: string) => join(gitDir, "refs", "held");

  /** Says that a file is used now; false where there is none. */
  async function touch(path: string): Promise<boolean> {
    const now = options.clock.now() / 1000;
    return await utimes(path, now, now).then(() => true, missing(false));
  }

  async function make(gitDir: string): Promise<string> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await runGit(["init", "--quiet", "--bare", "--template=", "--", gitDir], process);
    return gitDir;
  }

  async function remove(gitDir: string): Promise<void> {
    const going = passing(gitDir);
    // First out of the way in one step: half of a repository is none.
    await rename(gitDir, going).catch(ignoreMissing);
    await rm(going, { recursive: true, force: true });
  }

  async function replace(repoURL: string, by: string): Promise<void> {
    await remove(place(repoURL));
    await rename(by, place(repoURL));
  }

  async function packsOf(gitDir: string): Promise<{ count: number; bytes: number }> {
    const folder = join(gitDir, "objects", "pack");
    const packs = (await namesIn(folder)).filter((name) => name.endsWith(".pack"));
    const sizes = await Promise.all(
      packs.map((name) => stat(join(folder, name)).then(({ size }) => size, missing(0))),
    );
    return { count: packs.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
  }

  /** Lets go of the commits used longest ago. */
  async function letGo(gitDir: string): Promise<void> {
    const folder = held(gitDir);
    for (const path of (await byUse(await pathsIn(folder))).slice(limits.maxCommits))
      await rm(path, { force: true });
  }

  /** Makes all packs one, without what no reference needs any more. An old pack goes when the new one is there. */
  async function repack(gitDir: string): Promise<void> {
    const settings = ["-c", "pack.threads=1", "-c", "pack.windowMemory=64m", "-c", "pack.deltaCacheSize=32m"];
    await runGit([...settings, "repack", "-a", "-d", "-l", "--quiet"], { ...process, gitDir });
    // Also of the list of commits whose parents were not fetched.
    await runGit(["prune", "--expire=now"], { ...process, gitDir });
  }

  async function removeLeftovers(gitDir: string): Promise<void> {
    const folders = ["", "objects", "objects/pack", "objects/info", "refs/heads", "refs/tags", "refs/held"];
    for (const folder of folders)
      for (const path of await pathsIn(join(gitDir, folder)))
        if (/\/\.?tmp[-_][^/]*$|\.lock$/.test(path)) await rm(path, { recursive: true, force: true });
  }

  const repositories = async () =>
    (await namesIn(directory))
      .filter((name) => /^[0-9a-f]{32}$/.test(name))
      .map((name) => join(directory, name));

  return {
    async open(repoURL) {
      const gitDir = place(repoURL);
      if (!(await touch(join(gitDir, "HEAD")))) {
        const fresh = await make(passing(gitDir));
        await replace(repoURL, fresh);
      }
      return gitDir;
    },
    openAnew: (repoURL) => make(passing(place(repoURL))),
    replace,
    remove,
    holds: (gitDir, commit) => touch(join(gitDir, heldRef(commit))),
    async hold(gitDir, commit) {
      await runGit(["update-ref", heldRef(commit), commit], { ...process, gitDir });
      await touch(join(gitDir, heldRef(commit)));
      await letGo(gitDir);
      if ((await packsOf(gitDir)).count > limits.maxPacks) await repack(gitDir);
    },
    async bound(inUse) {
      let count = 0;
      let bytes = 0;
      const heads = (await repositories()).map((gitDir) => join(gitDir, "HEAD"));
      const [using, rest] = partition((await byUse(heads)).map(dirname), inUse);
      for (const gitDir of [...using, ...rest]) {
        count += 1;
        bytes += (await packsOf(gitDir)).bytes;
        const tooMuch = count > limits.maxRepositories || bytes > limits.maxBytes;
        if (tooMuch && !inUse(gitDir)) await remove(gitDir);
      }
    },
    removeLeftovers,
    async recover() {
      const passed = (await namesIn(directory)).filter((name) => /^[0-9a-f]{32}\./.test(name));
      for (const name of passed) await rm(join(directory, name), { recursive: true, force: true });
      for (const gitDir of await repositories()) await removeLeftovers(gitDir);
    },
  };
}

/** Files by their last use, the latest first. */
async function byUse(paths: readonly string[]): Promise<string[]> {
  const uses = await Promise.all(
    paths.map(async (path) => ({ path, at: await stat(path).then(({ mtimeMs }) => mtimeMs, missing(0)) })),
  );
  return uses.sort((a, b) => b.at - a.at).map(({ path }) => path);
}

const partition = <T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] => [
  items.filter(test),
  items.filter((item) => !test(item)),
];

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(missing([]));
const pathsIn = async (folder: string): Promise<string[]> =>
  (await namesIn(folder)).map((name) => join(folder, name));

/** For what is not there: `value`. */
const missing =
  <T>(value: T) =>
  (error: NodeJS.ErrnoException): T => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return value;
    throw error;
  };
const ignoreMissing = missing(undefined);
