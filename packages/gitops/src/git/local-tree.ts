import { type GitProcessOptions, runGit } from "./git-process.ts";
import { compareText, type RepositoryTree, SourceError } from "./repositories.ts";
import { repositoryTree, type TreeEntry } from "./tree.ts";

/** A commit that a bare repository on this machine holds. Plain data: another process may read it. */
export interface CommitPlace {
  readonly gitDir: string;
  readonly commit: string;
  readonly git: Omit<GitProcessOptions, "signal">;
}

const maxFileBytes = 10_000_000;
/** Of a commit: more would take longer to look through than anyone waits. */
const maxFiles = 500_000;

/** The files of a commit that a bare repository on this machine holds. Rejects with a `SourceError`. */
export async function readTree(
  { gitDir, commit, git }: CommitPlace,
  signal?: AbortSignal,
): Promise<RepositoryTree> {
  const inRepository = { ...git, gitDir, signal };
  const listing = await runHere(["ls-tree", "-r", "-z", "-l", "--full-tree", commit], inRepository);
  const entries: TreeEntry[] = [];
  for (const line of listing.toString().split("\0")) {
    const match = /^(\d+) blob ([0-9a-f]+) +(\d+)\t(.*)$/s.exec(line);
    if (match === null) continue; // submodules ("commit") are not followed
    if (entries.length === maxFiles)
      throw new SourceError(`the repository holds more than ${maxFiles} files`, "ResourceExhausted");
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
  const answer = await runHere(["cat-file", "--batch"], { ...inRepository, input });
  let at = 0;
  for (const { blob } of blobs) {
    const end = answer.indexOf(10, at);
    const size = Number(answer.toString("latin1", at, end).split(" ")[2]);
    if (!Number.isFinite(size)) throw damaged(`object ${blob} is missing`);
    contents.set(blob, answer.subarray(end + 1, end + 1 + size));
    at = end + 1 + size + 1;
  }
  return contents;
}

/** What Git cannot read on this machine, it could when it was fetched. */
async function runHere(
  args: readonly string[],
  options: GitProcessOptions & { gitDir: string; input?: string },
): Promise<Buffer> {
  try {
    return await runGit(args, options);
  } catch (error) {
    throw error instanceof SourceError && error.code === "Unknown" ? damaged(error.message) : error;
  }
}

const damaged = (message: string): SourceError =>
  new SourceError(`what was fetched cannot be read: ${message}`, "Internal", { damaged: true });
