import type { RepositoryTree } from "../src/git/repositories.ts";
import { memoryGit } from "./memory-git.ts";

/** A tree of the given files. */
export async function treeOf(files: Readonly<Record<string, string>>): Promise<RepositoryTree> {
  const git = memoryGit();
  const commit = git.repository("file:///tree").commit(files);
  return await git.tree("file:///tree", commit);
}
