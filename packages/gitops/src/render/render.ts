import { posix } from "node:path";
import { type GitRepositories, SourceError } from "../git/repositories.ts";
import type { ApplicationSource, SourceType } from "../types/application.ts";
import { type RenderedManifest, renderDirectory } from "./directory.ts";
import { kustomizationFiles } from "./kustomize/folders.ts";
import { renderKustomization } from "./kustomize/kustomize.ts";

export interface Rendered {
  readonly manifests: readonly RenderedManifest[];
  readonly sourceType: SourceType;
}

/** Renders what a source holds at a commit. Rejects with a `SourceError` whose text conditions show. */
export async function renderSource(
  git: GitRepositories,
  source: ApplicationSource,
  commit: string,
): Promise<Rendered> {
  const folder = sourceFolder(source.path ?? "");
  const tree = await git.tree(source.repoURL, commit);
  const prefix = folder === "" ? "" : `${folder}/`;
  if (tree.files.includes(folder)) throw new SourceError(`${source.path}: app path is not a directory`);
  if (!tree.files.some((path) => path.startsWith(prefix))) {
    throw new SourceError(`${source.path ?? ""}: app path does not exist`);
  }
  const has = (name: string) => tree.files.includes(`${prefix}${name}`);
  if (has("Chart.yaml"))
    throw new SourceError(
      `${source.path}: Helm charts are not supported: render the chart before committing`,
    );
  if (source.kustomize !== undefined || kustomizationFiles.some(has)) {
    return { manifests: await renderKustomization(tree, folder, source.kustomize), sourceType: "Kustomize" };
  }
  return { manifests: await renderDirectory(tree, folder, source.directory), sourceType: "Directory" };
}

/** The folder a source's path names, from the root, "" for the root itself. */
function sourceFolder(path: string): string {
  if (path.startsWith("/")) throw new SourceError(`${path}: app path is absolute`);
  const folder = posix.normalize(path === "" ? "." : path).replace(/\/$/, "");
  if (folder === ".." || folder.startsWith("../")) throw new SourceError(`${path}: app path outside root`);
  return folder === "." ? "" : folder;
}
