import { type RepositoryTree, SourceError } from "../git/repositories.ts";
import { isObject, type Manifest } from "../manifest.ts";
import type { DirectorySource } from "../types/application.ts";
import { globExpression } from "./glob.ts";
import { isTooDeep } from "./nesting.ts";
import { readYaml } from "./yaml-documents.ts";

/** A manifest and where it stands in the repository. */
export interface RenderedManifest {
  readonly manifest: Manifest;
  /** Path from the repository's root; for kustomize, the kustomization's folder. */
  readonly file: string;
  readonly line?: number;
}

/** All manifests of a source together, as upstream's repository server allows. */
export const maxManifestBytes = 10_000_000;
/** Each is compared, applied and looked at again and again. */
export const maxManifests = 10_000;

/** Renders a folder of plain YAML and JSON, files in lexical order. */
export async function renderDirectory(
  tree: RepositoryTree,
  folder: string,
  options: DirectorySource = {},
): Promise<RenderedManifest[]> {
  const prefix = folder === "" ? "" : `${folder}/`;
  const include =
    options.include === undefined || options.include === "" ? undefined : globExpression(options.include);
  const exclude =
    options.exclude === undefined || options.exclude === "" ? undefined : globExpression(options.exclude);
  const chosen = tree.files.filter((path) => {
    if (!path.startsWith(prefix)) return false;
    const relative = path.slice(prefix.length);
    if (options.recurse !== true && relative.includes("/")) return false;
    if (exclude?.test(relative) === true) return false;
    if (include !== undefined && !include.test(relative)) return false;
    return /\.(ya?ml|json|jsonnet)$/.test(relative);
  });
  const jsonnet = chosen.find((path) => path.endsWith(".jsonnet"));
  if (jsonnet !== undefined)
    throw new SourceError(`${jsonnet}: Jsonnet is not supported: render it before committing`);

  const contents = await tree.read(chosen);
  // Before the first is read, which takes its time.
  const bytes = [...contents.values()].reduce((sum, { length }) => sum + length, 0);
  if (bytes > maxManifestBytes) throw new SourceError("exceeded max combined manifest file size");
  const rendered: RenderedManifest[] = [];
  for (const path of chosen) {
    const content = contents.get(path);
    if (content === undefined) continue;
    const text = Buffer.from(content).toString();
    if (text.includes("+argocd:skip-file-rendering")) continue;
    const relative = path.slice(prefix.length);
    const read = path.endsWith(".json") ? readJsonFile : readYamlFile;
    for (const manifest of read(text, relative, path)) rendered.push(manifest);
    if (rendered.length > maxManifests)
      throw new SourceError(`more than ${maxManifests} objects in one source`, "ResourceExhausted");
  }
  return rendered;
}

function readJsonFile(text: string, relative: string, file: string): RenderedManifest[] {
  if (text.trim() === "") return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const several = cause instanceof Error && /after JSON/.test(cause.message);
    throw new SourceError(
      several
        ? `Found multiple objects in "${relative}". Only single objects are allowed in JSON files.`
        : `Failed to unmarshal "${relative}": ${cause instanceof Error ? cause.message : String(cause)}`,
      "FailedPrecondition",
    );
  }
  if (isTooDeep(value))
    throw new SourceError(`Failed to unmarshal "${relative}": exceeded max depth`, "FailedPrecondition");
  if (!isManifest(value)) throw notAnObject(relative, value);
  return expandList(value).map((manifest) => ({ manifest, file, line: 1 }));
}

function readYamlFile(text: string, relative: string, file: string): RenderedManifest[] {
  const { documents, error } = readYaml(text);
  const rendered: RenderedManifest[] = [];
  for (const { value, line } of documents) {
    if (isManifest(value)) {
      for (const manifest of expandList(value)) rendered.push({ manifest, file, line });
    } else if (rendered.length > 0 || looksLikeManifests(text)) throw notAnObject(relative, value);
  }
  // Files that are no manifests at all (values, settings) are let through; upstream decides by these three words.
  if (error !== undefined && (rendered.length > 0 || looksLikeManifests(text))) {
    throw new SourceError(
      `Failed to unmarshal "${relative}": failed to unmarshal manifest: error converting YAML to JSON: ${error}`,
      "FailedPrecondition",
    );
  }
  return rendered;
}

function notAnObject(relative: string, value: unknown): SourceError {
  const missing = isObject(value) && typeof value["kind"] === "string" ? "apiVersion" : "Kind";
  return new SourceError(
    `Failed to unmarshal "${relative}": failed to unmarshal manifest: Object '${missing}' is missing in '${JSON.stringify(value)}'`,
    "FailedPrecondition",
  );
}

const looksLikeManifests = (text: string): boolean =>
  text.includes("apiVersion:") && text.includes("kind:") && text.includes("metadata:");

/** An object of the API: `apiVersion` and `kind` are text; a missing or malformed `metadata` is made empty, the API refuses it by name. */
export function isManifest(value: unknown): value is Manifest {
  if (!isObject(value) || typeof value["apiVersion"] !== "string" || typeof value["kind"] !== "string")
    return false;
  if (value["kind"] === "" || value["apiVersion"] === "") return false;
  if (!isObject(value["metadata"])) value["metadata"] = {};
  return true;
}

/** A `List`, or anything with `items`, stands for its items. */
export function expandList(manifest: Manifest): Manifest[] {
  const items = manifest["items"];
  if (!Array.isArray(items)) return [manifest];
  return items.flatMap((item: unknown) => (isManifest(item) ? expandList(item) : []));
}
