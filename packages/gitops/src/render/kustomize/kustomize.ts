import { isObject } from "@tracegate/kube";
import { type RepositoryTree, SourceError } from "../../git/repositories.ts";
import type { KustomizeSource } from "../../types/application.ts";
import { expandList, isManifest, maxManifests, type RenderedManifest } from "../directory.ts";
import { readYaml } from "../yaml-documents.ts";
import { join, kustomizationFiles, maxFolders, readReachable, tooManyFolders } from "./folders.ts";
import { contentHash, generate } from "./generators.ts";
import { type Kustomization, KustomizeError, parseKustomization, type Replacement } from "./kustomization.ts";
import { withOverlay } from "./overlay.ts";
import { applyPatchEntry } from "./patches.ts";
import { updateReferences } from "./references.ts";
import { replaceFields } from "./replacements.ts";
import { idText, type Resource, rename, resourceOf } from "./resource.ts";
import {
  addAnnotations,
  addLabels,
  addToNames,
  setImages,
  setNamespace,
  setReplicas,
} from "./transformers.ts";

/** How the place of the checkout reads in messages: upstream hides it. */
const checkout = "<path to cached source>";

const maxDepth = 50;

/** Builds the kustomization of a folder, with an Application's own changes on top, as `kustomize build` does. */
export async function renderKustomization(
  tree: RepositoryTree,
  folder: string,
  overlay: KustomizeSource = {},
): Promise<RenderedManifest[]> {
  const files = await readReachable(tree, folder, overlay.components ?? []);
  try {
    const build = new Build(files);
    const resources = build.build(folder, [], overlay);
    for (const resource of resources) {
      if (resource.hashed)
        rename(resource, `${resource.manifest.metadata.name}-${contentHash(resource.manifest)}`);
    }
    updateReferences(resources);
    return resources.map(({ manifest }) => ({ manifest, file: folder }));
  } catch (error) {
    if (!(error instanceof KustomizeError)) throw error;
    throw new SourceError(
      `\`kustomize build ${placeOf(folder)}\` failed exit status 1: Error: ${error.message}`,
    );
  }
}

const placeOf = (path: string): string => (path === "" || path === "." ? checkout : `${checkout}/${path}`);

class Build {
  readonly #files: ReadonlyMap<string, Uint8Array>;
  #folders = 0;
  #resources = 0;

  constructor(files: ReadonlyMap<string, Uint8Array>) {
    this.#files = files;
  }

  /** The resources of a kustomization, its bases included. `visited` are the folders being built, outermost first. */
  build(folder: string, visited: readonly string[], overlay: KustomizeSource = {}): Resource[] {
    return this.#built(withOverlay(this.#kustomization(folder), overlay), folder, visited);
  }

  #built(file: Kustomization, folder: string, visited: readonly string[]): Resource[] {
    const resources: Resource[] = [];
    this.#accumulate(file, folder, visited, resources);
    this.#generate(file, folder, resources);
    for (const component of file.components ?? []) this.#addComponent(component, folder, visited, resources);
    this.#transform(file, folder, resources);
    return resources;
  }

  #kustomization(folder: string, kind = "Kustomization"): Kustomization {
    this.#folders += 1;
    if (this.#folders > maxFolders) throw new KustomizeError(tooManyFolders);
    const found = kustomizationFiles.filter((name) => this.#files.has(join(folder, name)));
    const [name] = found;
    if (name === undefined) {
      throw new KustomizeError(
        `unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '${placeOf(folder)}'`,
      );
    }
    if (found.length > 1)
      throw new KustomizeError(`Found multiple kustomization files under: ${placeOf(folder)}`);
    const file = parseKustomization(this.#text(join(folder, name)), placeOf(folder), name);
    if ((file.kind ?? "Kustomization") !== kind) {
      throw new KustomizeError(
        kind === "Component"
          ? `accumulating components: accumulateDirectory: "expected kind 'Component' for path '${placeOf(folder)}' but got 'Kustomization'"`
          : `expected kind != 'Component' for path '${placeOf(folder)}'`,
      );
    }
    return file;
  }

  #accumulate(file: Kustomization, folder: string, visited: readonly string[], resources: Resource[]): void {
    const ids = new Set(resources.map(({ manifest }) => idText(manifest)));
    for (const entry of file.resources ?? []) {
      for (const resource of this.#load(entry, folder, visited)) {
        this.#count();
        this.#refuseTwice(resource, entry, folder, ids);
        resources.push(resource);
      }
    }
  }

  #refuseTwice(resource: Resource, entry: string, folder: string, ids: Set<string>): void {
    const id = idText(resource.manifest);
    if (ids.has(id)) {
      throw accumulating(
        entry,
        `merging resources from '${entry}': may not add resource with an already registered id: ${id}`,
        `'${placeOf(join(folder, entry))}' file is not directory`,
        { whole: true },
      );
    }
    ids.add(id);
  }

  /** A file of manifests, or a folder with a kustomization. */
  #load(entry: string, folder: string, visited: readonly string[]): Resource[] {
    if (/^[a-z+]+:\/\/|^git@|github\.com\//i.test(entry)) {
      throw new KustomizeError(
        `accumulating resources: remote resource '${entry}' is not supported: vendor it into the repository`,
      );
    }
    const path = join(folder, entry);
    if (this.#files.has(path)) {
      if (isOutside(entry, path, folder)) {
        throw accumulating(
          entry,
          `accumulating resources from '${entry}': security; file '${placeOf(path)}' is not in or below '${placeOf(folder)}'`,
          `'${placeOf(path)}' file is not directory`,
        );
      }
      return this.#manifestsOf(entry, path);
    }
    if (!this.#isFolder(path)) {
      const missing = `evalsymlink failure on '${placeOf(path)}' : lstat ${placeOf(path)}: no such file or directory`;
      throw accumulating(
        entry,
        `accumulating resources from '${entry}': ${missing}`,
        `not a valid directory: ${missing}`,
      );
    }
    const trail = [...visited, folder];
    if (trail.includes(path) || trail.length > maxDepth) {
      throw new KustomizeError(
        `accumulating resources: accumulation err='accumulating resources from '${entry}': '${placeOf(path)}' must resolve to a file': cycle detected: candidate root '${placeOf(path)}' contains visited root '${placeOf(path)}'`,
      );
    }
    const telling = <T>(what: string, work: () => T): T => {
      try {
        return work();
      } catch (error) {
        if (!(error instanceof KustomizeError)) throw error;
        throw new KustomizeError(
          `accumulating resources: accumulation err='accumulating resources from '${entry}': '${placeOf(path)}' must resolve to a file': ${what} path '${placeOf(path)}': ${error.message}`,
        );
      }
    };
    const file = telling("couldn't make target for", () => this.#kustomization(path));
    return telling("recursed accumulation of", () => this.#built(file, path, trail));
  }

  #manifestsOf(entry: string, path: string): Resource[] {
    const { documents, error } = readYaml(this.#text(path), { wordsAreText: true });
    const notDirectory = `'${placeOf(path)}' file is not directory`;
    if (error !== undefined) {
      throw new KustomizeError(
        `accumulating resources: accumulating resources from '${entry}': MalformedYAMLError: ${error} in File: ${entry}`,
      );
    }
    return documents.flatMap(({ value }) => {
      if (!isObject(value) || !isObject(value["metadata"]) || !isManifest(value)) {
        const list = isManifest(value) && Array.isArray(value["items"]);
        if (!list)
          throw accumulating(
            entry,
            `accumulating resources from '${entry}': missing Resource metadata`,
            notDirectory,
          );
      }
      return expandList(value).map((manifest) => {
        if (typeof manifest.metadata.name !== "string" || manifest.metadata.name === "") {
          throw accumulating(
            entry,
            `accumulating resources from '${entry}': missing metadata.name in object {{${manifest.apiVersion} ${manifest.kind}} {{ } map[] map[]}}`,
            notDirectory,
          );
        }
        return resourceOf(structuredClone(manifest));
      });
    });
  }

  #generate(file: Kustomization, folder: string, resources: Resource[]): void {
    const options = file.generatorOptions ?? {};
    const readFile = (what: string) => (path: string) =>
      this.#file(path, folder, (why) => `loading KV pairs: ${what}: [${path}]: ${why}`);
    for (const args of file.configMapGenerator ?? []) {
      this.#count();
      generate("ConfigMap", args, options, resources, readFile("file sources"));
    }
    for (const args of file.secretGenerator ?? []) {
      this.#count();
      generate("Secret", args, options, resources, readFile("file sources"));
    }
  }

  /** Folders that each name the next one twice would be built for ever. */
  #count(): void {
    this.#resources += 1;
    if (this.#resources > maxManifests)
      throw new KustomizeError(`accumulating resources: more than ${maxManifests} objects in one build`);
  }

  /** A component transforms what has been gathered so far as if it were its own. */
  #addComponent(entry: string, folder: string, visited: readonly string[], resources: Resource[]): void {
    const path = join(folder, entry);
    const file = this.#kustomization(path, "Component");
    this.#accumulate(file, path, [...visited, folder], resources);
    this.#generate(file, path, resources);
    for (const component of file.components ?? [])
      this.#addComponent(component, path, [...visited, folder], resources);
    this.#transform(file, path, resources);
  }

  /** The order in which kustomize itself applies the fields of one file. */
  #transform(file: Kustomization, folder: string, resources: Resource[]): void {
    for (const entry of file.patchesStrategicMerge ?? []) {
      const inline = entry.includes("\n") || /^\s*\{/.test(entry);
      applyPatchEntry(resources, inline ? entry : this.#patchText({ path: entry }, folder), {});
    }
    for (const entry of file.patches ?? []) applyPatchEntry(resources, this.#patchText(entry, folder), entry);
    if (file.namespace !== undefined && file.namespace !== "") setNamespace(resources, file.namespace);
    if (file.namePrefix || file.nameSuffix)
      addToNames(resources, file.namePrefix ?? "", file.nameSuffix ?? "");
    for (const { pairs = {}, includeSelectors = false, includeTemplates = false } of file.labels ?? []) {
      addLabels(resources, pairs, { selectors: includeSelectors, templates: includeTemplates });
    }
    if (file.commonLabels !== undefined)
      addLabels(resources, file.commonLabels, { selectors: true, templates: true });
    if (file.commonAnnotations !== undefined) addAnnotations(resources, file.commonAnnotations);
    for (const entry of file.patchesJson6902 ?? [])
      applyPatchEntry(resources, this.#patchText(entry, folder), entry);
    if (file.replicas !== undefined) setReplicas(resources, file.replicas);
    if (file.images !== undefined) setImages(resources, file.images);
    for (const { path, ...inline } of file.replacements ?? [])
      replaceFields(resources, path === undefined ? [inline] : this.#replacements(path, folder));
  }

  /** Replacements that a file holds: one or a list. */
  #replacements(path: string, folder: string): Replacement[] {
    const bytes = this.#file(path, folder, (why) => `failed to load replacements from path(${path}): ${why}`);
    const { documents, error } = readYaml(Buffer.from(bytes).toString());
    if (error !== undefined)
      throw new KustomizeError(`failed to load replacements from path(${path}): ${error}`);
    return documents.flatMap(({ value }) => value as Replacement | Replacement[]); // what is malformed is refused where it is used
  }

  #patchText({ path, patch }: { path?: string; patch?: string }, folder: string): string {
    if (patch !== undefined && patch !== "" && path !== undefined && path !== "") {
      throw new KustomizeError(
        "trouble configuring builtin PatchTransformer: patch and path can't be set at the same time",
      );
    }
    if (path === undefined || path === "") return patch ?? "";
    const told = (why: string) =>
      `trouble configuring builtin PatchTransformer: failed to get the patch file from path(${path}): ${why}`;
    return Buffer.from(this.#file(path, folder, told)).toString();
  }

  /** A file in or below the kustomization's folder, as kustomize restricts what it loads. */
  #file(entry: string, folder: string, told: (why: string) => string): Uint8Array {
    const path = join(folder, entry);
    const place = placeOf(path);
    if (isOutside(entry, path, folder)) {
      const file = entry.startsWith("/") ? entry : place;
      throw new KustomizeError(told(`security; file '${file}' is not in or below '${placeOf(folder)}'`));
    }
    const bytes = this.#files.get(path);
    if (bytes === undefined) {
      const missing = `evalsymlink failure on '${place}' : lstat ${place}: no such file or directory`;
      throw new KustomizeError(told(missing));
    }
    return bytes;
  }

  #text(path: string): string {
    return Buffer.from(this.#files.get(path) ?? []).toString();
  }

  #isFolder(path: string): boolean {
    const prefix = path === "" ? "" : `${path}/`;
    for (const file of this.#files.keys()) if (file.startsWith(prefix)) return true;
    return false;
  }
}

const isOutside = (entry: string, path: string, folder: string): boolean =>
  entry.startsWith("/") || !path.startsWith(folder === "" ? "" : `${folder}/`) || path.startsWith("../");

function accumulating(
  _entry: string,
  inner: string,
  outer: string,
  options: { whole?: boolean } = {},
): KustomizeError {
  const rest =
    options.whole === true
      ? outer.replace(/^('.*') file/, "$1: file")
      : outer.replace(/^('.*') file/, "$1 file");
  return new KustomizeError(
    `accumulating resources: accumulation err='${inner}': must build at directory: ${rest}`,
  );
}
