import { type RepositoryTree, SourceError } from "../../git/repositories.ts";
import type { KustomizeSource } from "../../types/application.ts";
import type { RenderedManifest } from "../directory.ts";

export async function renderKustomization(
  _tree: RepositoryTree,
  folder: string,
  _overlay?: KustomizeSource,
): Promise<RenderedManifest[]> {
  throw new SourceError(`${folder}: kustomize is not supported yet`);
}
