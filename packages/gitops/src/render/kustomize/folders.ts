import { posix } from "node:path";
import { type RepositoryTree, SourceError } from "../../git/repositories.ts";
import { listAt } from "../../manifest.ts";
import { readYaml } from "../yaml-documents.ts";

export const kustomizationFiles = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/** Kustomizations of one build, each counted as often as it is built. */
export const maxFolders = 1000;
export const tooManyFolders = `accumulating resources: more than ${maxFolders} kustomizations in one build`;

/**
 * The files of the folders that a build can reach: the kustomization's own, its bases' and its components'. Whatever
 * else a large repository holds is not read.
 */
export async function readReachable(
  tree: RepositoryTree,
  folder: string,
  components: readonly string[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Set(tree.files);
  const folders = foldersOf(tree.files);
  const wanted = new Set<string>();
  const visited = new Set<string>();
  let next = [folder, ...components.map((component) => join(folder, component))];
  while (next.length > 0) {
    const found: string[] = [];
    for (const at of next) {
      if (visited.has(at)) continue;
      visited.add(at);
      if (visited.size > maxFolders) throw new SourceError(tooManyFolders);
      for (const path of tree.files) if (at === "" || path.startsWith(`${at}/`)) wanted.add(path);
      const names = kustomizationFiles.map((name) => join(at, name)).filter((path) => files.has(path));
      for (const content of (await tree.read(names)).values()) {
        const value = readYaml(Buffer.from(content).toString()).documents[0]?.value;
        for (const field of ["resources", "bases", "components"]) {
          for (const entry of listAt(value, field))
            if (typeof entry === "string") found.push(join(at, entry));
        }
      }
    }
    // A file outside these folders will be refused, but by its own name.
    for (const path of found) if (files.has(path)) wanted.add(path);
    next = found.filter((path) => folders.has(path));
  }
  return await tree.read([...wanted]);
}

function foldersOf(files: readonly string[]): ReadonlySet<string> {
  const folders = new Set([""]);
  for (const file of files) {
    for (let at = posix.dirname(file); at !== "." && !folders.has(at); at = posix.dirname(at))
      folders.add(at);
  }
  return folders;
}

/** A path from the root. What leads out of the repository names nothing in it. */
export function join(folder: string, entry: string): string {
  const path = posix.normalize(posix.join(folder === "" ? "." : folder, entry)).replace(/\/$/, "");
  return path === "." ? "" : path;
}
