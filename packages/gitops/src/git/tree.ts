import { posix } from "node:path";
import { type RepositoryTree, SourceError } from "./repositories.ts";

/** A file of a commit, or a symbolic link whose content is its target. */
export interface TreeEntry {
  readonly path: string;
  readonly blob: string;
  readonly size: number;
  readonly link: boolean;
}

/**
 * A tree over listed entries. Links are followed inside the repository only: one that leads outside refuses the whole
 * repository, as upstream does, because no later step may have to think of it.
 */
export async function repositoryTree(
  commit: string,
  entries: readonly TreeEntry[],
  readBlobs: (entries: readonly TreeEntry[]) => Promise<ReadonlyMap<string, Uint8Array>>,
): Promise<RepositoryTree> {
  const odd = entries.find(({ path }) => !isPath(path));
  if (odd !== undefined)
    throw new SourceError(`repository contains an impossible path: ${JSON.stringify(odd.path)}`);
  const links = entries.filter(({ link }) => link);
  const targets = new Map<string, string>();
  if (links.length > 0) {
    const contents = await readBlobs(links);
    for (const { path, blob } of links) {
      const target = Buffer.from(contents.get(blob) ?? []).toString();
      const resolved = posix.normalize(posix.join(posix.dirname(path), target));
      if (target.startsWith("/") || resolved === ".." || resolved.startsWith("../")) {
        throw new SourceError(`repository contains out-of-bounds symlinks. file: ${path}`);
      }
      targets.set(path, resolved);
    }
  }
  const plain = new Map(entries.filter(({ link }) => !link).map((entry) => [entry.path, entry]));
  const byPath = new Map<string, TreeEntry>();
  for (const entry of entries) {
    const target = entry.link ? followLinks(entry.path, targets) : entry.path;
    const file = target === undefined ? undefined : plain.get(target);
    // A link to a directory or to nothing stands for no file.
    if (file !== undefined) byPath.set(entry.path, file);
  }
  return {
    commit,
    files: [...byPath.keys()],
    async read(paths) {
      const wanted = paths.filter((path) => byPath.has(path));
      const contents = await readBlobs(wanted.flatMap((path) => byPath.get(path) ?? []));
      return new Map(
        wanted.flatMap((path) => {
          const bytes = contents.get(byPath.get(path)?.blob ?? "");
          return bytes === undefined ? [] : [[path, bytes] as const];
        }),
      );
    },
  };
}

/** Git's own commands never write other paths into a commit; one made by hand may hold them. */
const isPath = (path: string): boolean =>
  path.split("/").every((part) => part !== "" && part !== "." && part !== ".." && part !== ".git");

function followLinks(path: string, targets: ReadonlyMap<string, string>): string | undefined {
  let at = path;
  // 40 is the kernel's own limit for links in a row.
  for (let hops = 0; hops < 40; hops++) {
    const target = targets.get(at);
    if (target === undefined) return at;
    at = target;
  }
  return undefined;
}
