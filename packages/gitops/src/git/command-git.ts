import { createHash } from "node:crypto";
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type GitProcessOptions, runGit } from "./git-process.ts";
import { parseRefs, resolveRef } from "./refs.ts";
import {
  compareText,
  type GitRepositories,
  isFullSha,
  type RepositoryTree,
  SourceError,
  withoutCredentials,
} from "./repositories.ts";
import { repositoryTree, type TreeEntry } from "./tree.ts";

export interface CommandGitOptions {
  /** Holds one bare repository a source (`repos/` of the state directory). */
  readonly directory: string;
  /** Protocols sources may use: `file` (also plain absolute paths) and `https` unless told otherwise. */
  readonly protocols?: readonly string[];
  /** For one Git command; 60 s as upstream's repository server. */
  readonly timeoutMs?: number;
}

const maxFileBytes = 10_000_000;
const maxAnswerBytes = 100_000_000;

/** Sources through the `git` command: `ls-remote`, `fetch` into a bare repository, `ls-tree` and `cat-file`; never a checkout. */
export function commandGit(options: CommandGitOptions): GitRepositories {
  const process: GitProcessOptions = {
    timeoutMs: options.timeoutMs ?? 60_000,
    maxOutput: maxAnswerBytes,
    protocols: options.protocols ?? ["file", "https"],
  };
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

  async function ensureCommit(repoURL: string, commit: string): Promise<string> {
    const gitDir = await bareRepository(repoURL);
    const inRepository = { ...process, gitDir };
    const has = () =>
      runGit(["cat-file", "-e", `${commit}^{commit}`], inRepository).then(
        () => true,
        () => false,
      );
    if (await has()) return gitDir;
    try {
      await runGit(["fetch", "--quiet", "--depth=1", "--no-tags", "--", repoURL, commit], inRepository);
    } catch {
      // A server may refuse bare commits; then all branches and tags are fetched.
      await runGit(
        ["fetch", "--quiet", "--", repoURL, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"],
        inRepository,
      );
      if (!(await has()))
        throw new SourceError(`Failed to checkout revision ${commit}: no such commit`, "Internal");
    }
    return gitDir;
  }

  return {
    async resolve(repoURL, revision) {
      checkURL(repoURL, process.protocols);
      if (isFullSha(revision)) return revision;
      let refs: ReturnType<typeof parseRefs>;
      try {
        refs = parseRefs((await runGit(["ls-remote", "--", repoURL], process)).toString());
      } catch (error) {
        throw new SourceError(`failed to list refs: ${messageOf(error)}`, "Unknown", { unreachable: true });
      }
      const commit = resolveRef(refs, revision);
      if (commit === undefined) throw new SourceError(`unable to resolve '${revision}' to a commit SHA`);
      return commit;
    },

    async tree(repoURL, commit) {
      checkURL(repoURL, process.protocols);
      if (!isFullSha(commit)) throw new SourceError(`'${commit}' is not a commit SHA`, "InvalidArgument");
      // One at a time in a repository: fetches of one lock each other out.
      const before = fetching.get(repoURL) ?? Promise.resolve();
      const running = before.catch(() => {}).then(() => ensureCommit(repoURL, commit));
      fetching.set(repoURL, running);
      const gitDir = await running.catch((error: unknown) => {
        if (!(error instanceof SourceError) || error.code === "Internal") throw error;
        throw new SourceError(error.message, error.code, { unreachable: true });
      });
      if (fetching.get(repoURL) === running) fetching.delete(repoURL);
      return readTree(gitDir, commit, process);
    },
  };
}

async function readTree(gitDir: string, commit: string, process: GitProcessOptions): Promise<RepositoryTree> {
  const inRepository = { ...process, gitDir };
  const listing = await runGit(["ls-tree", "-r", "-z", "-l", "--full-tree", commit], inRepository);
  const entries: TreeEntry[] = [];
  for (const line of listing.toString().split("\0")) {
    const match = /^(\d+) blob ([0-9a-f]+) +(\d+)\t(.*)$/s.exec(line);
    if (match === null) continue; // submodules ("commit") are not followed
    entries.push({
      path: match[4] ?? "",
      blob: match[2] ?? "",
      size: Number(match[3]),
      link: match[1] === "120000",
    });
  }
  entries.sort((a, b) => compareText(a.path, b.path));
  return repositoryTree(commit, entries, (blobs) => readBlobs(blobs, inRepository));
}

/** Contents by object name, through one `cat-file --batch`. */
async function readBlobs(
  blobs: readonly TreeEntry[],
  inRepository: GitProcessOptions & { gitDir: string },
): Promise<Map<string, Uint8Array>> {
  const contents = new Map<string, Uint8Array>();
  if (blobs.length === 0) return contents;
  const large = blobs.find(({ size }) => size > maxFileBytes);
  if (large !== undefined)
    throw new SourceError(`file "${large.path}" is larger than ${maxFileBytes} bytes`, "ResourceExhausted");
  const input = `${blobs.map(({ blob }) => blob).join("\n")}\n`;
  const answer = await runGit(["cat-file", "--batch"], { ...inRepository, input });
  let at = 0;
  for (const { blob } of blobs) {
    const end = answer.indexOf(10, at);
    const size = Number(answer.toString("latin1", at, end).split(" ")[2]);
    if (!Number.isFinite(size))
      throw new SourceError(`object ${blob} is missing from the repository`, "Internal");
    contents.set(blob, answer.subarray(end + 1, end + 1 + size));
    at = end + 1 + size + 1;
  }
  return contents;
}

function checkURL(repoURL: string, protocols: readonly string[]): void {
  const protocol = repoURL.startsWith("/")
    ? "file"
    : /^([a-z][a-z0-9+.-]*):\/\//i.exec(repoURL)?.[1]?.toLowerCase();
  if (protocol === undefined || !protocols.includes(protocol)) {
    throw new SourceError(
      `repository URL '${withoutCredentials(repoURL)}' is not allowed: expected ${protocols.join(", ")} or an absolute path`,
      "InvalidArgument",
    );
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
