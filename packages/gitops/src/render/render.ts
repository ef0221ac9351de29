import { posix } from "node:path";
import { applyMergePatch } from "@tracegate/kube";
import { type GitRepositories, type RepositoryTree, SourceError } from "../git/repositories.ts";
import { unsupportedField } from "../spec.ts";
import type { ApplicationSource, SourceType } from "../types/application.ts";
import { type RenderedManifest, renderDirectory } from "./directory.ts";
import { kustomizationFiles } from "./kustomize/folders.ts";
import { renderKustomization } from "./kustomize/kustomize.ts";
import { checkSize } from "./rendered-size.ts";
import { readYaml } from "./yaml-documents.ts";

export interface Rendered {
  readonly manifests: readonly RenderedManifest[];
  readonly sourceType: SourceType;
}

/** Renders what a source holds at a commit. Rejects with a `SourceError` whose text conditions show. */
export async function renderSource(
  git: GitRepositories,
  source: ApplicationSource,
  commit: string,
  application?: string,
): Promise<Rendered> {
  checkSource(source);
  return await renderTree(await git.tree(source.repoURL, commit), source, application);
}

/** What can be refused of a source before anything is fetched. @throws SourceError */
export const checkSource = (source: ApplicationSource): void => void sourceFolder(source.path ?? "");

/** Renders what a source names of a commit's files. Rejects with a `SourceError`. */
export async function renderTree(
  tree: RepositoryTree,
  source: ApplicationSource,
  application?: string,
): Promise<Rendered> {
  try {
    const rendered = await renderTools(tree, source, application);
    checkSize(rendered.manifests);
    return rendered;
  } catch (error) {
    if (!(error instanceof SourceError) || error.damaged || passing.has(error.code)) throw error;
    throw new SourceError(error.message, error.code, { lasting: true });
  }
}

/** Codes of what is the machine's, and not the commit's. */
const passing = new Set(["Canceled", "DeadlineExceeded", "Unavailable"]);

async function renderTools(
  tree: RepositoryTree,
  source: ApplicationSource,
  application: string | undefined,
): Promise<Rendered> {
  const folder = sourceFolder(source.path ?? "");
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
  const overridden = await withOverrides(source, tree, prefix, application);
  const kustomize = unlessEmpty(overridden.kustomize);
  const directory = unlessEmpty(overridden.directory);
  if (kustomize !== undefined && directory !== undefined) {
    throw new SourceError(
      "error getting app source type: multiple application sources defined: Kustomize,Directory",
    );
  }
  if (kustomize !== undefined || (directory === undefined && kustomizationFiles.some(has))) {
    return { manifests: await renderKustomization(tree, folder, kustomize), sourceType: "Kustomize" };
  }
  return { manifests: await renderDirectory(tree, folder, directory), sourceType: "Directory" };
}

/** A block without any setting is as none. */
const unlessEmpty = <T extends object>(block: T | undefined): T | undefined =>
  Object.values(block ?? {}).some(Boolean) ? block : undefined;

/** The source with what `.argocd-source.yaml` and `.argocd-source-APP.yaml` beside the manifests say of its tools. */
async function withOverrides(
  source: ApplicationSource,
  tree: RepositoryTree,
  prefix: string,
  application: string | undefined,
): Promise<ApplicationSource> {
  const names = [
    ".argocd-source.yaml",
    ...(application === undefined ? [] : [`.argocd-source-${application}.yaml`]),
  ];
  const contents = await tree.read(names.map((name) => `${prefix}${name}`));
  let merged: unknown = source;
  for (const name of names) {
    const content = contents.get(`${prefix}${name}`);
    if (content === undefined) continue;
    const { documents, error } = readYaml(Buffer.from(content).toString());
    if (error !== undefined) throw new SourceError(`error unmarshaling overrides of ${name}: ${error}`);
    merged = applyMergePatch(merged, documents[0]?.value ?? {});
  }
  const { repoURL, path: _path, targetRevision: _revision, ...tools } = merged as ApplicationSource; // where it lies is not theirs to say
  const unsupported = unsupportedField({ repoURL, ...tools });
  if (unsupported !== undefined) throw new SourceError(`source.${unsupported} is not supported`);
  return { ...tools, repoURL: source.repoURL };
}

/** The folder a source's path names, from the root, "" for the root itself. */
function sourceFolder(path: string): string {
  if (path.startsWith("/")) throw new SourceError(`${path}: app path is absolute`);
  const folder = posix.normalize(path === "" ? "." : path).replace(/\/$/, "");
  if (folder === ".." || folder.startsWith("../")) throw new SourceError(`${path}: app path outside root`);
  return folder === "." ? "" : folder;
}
