import { posix } from "node:path";
import { isObject } from "@tracegate/kube";
import { compareText, type RepositoryTree } from "../git/repositories.ts";
import { globExpression } from "../render/glob.ts";
import { checkSize } from "../render/rendered-size.ts";
import { readYaml } from "../render/yaml-documents.ts";
import type { ApplicationSetSpec, GitGenerator } from "../types/application-set.ts";
import { maxSets, tooManySets } from "./combining.ts";
import { normalizeName } from "./go-functions.ts";
import { flatten, GeneratorError, type Params, withValues } from "./params.ts";

/** The parameter sets that a commit's files give. Rejects with a `GeneratorError` or a `SourceError`. */
export async function parametersOf(
  generator: GitGenerator,
  spec: ApplicationSetSpec,
  tree: RepositoryTree,
): Promise<Params[]> {
  const goTemplate = spec.goTemplate === true;
  const prefix = generator.pathParamPrefix ?? "";
  let sets: Record<string, unknown>[];
  if (generator.directories !== undefined) {
    const directories = matchingDirectories(directoriesOf(tree.files), generator.directories);
    // A line of its own in a name would be one of the template patch that it is filled into.
    const odd = directories.find((path) => /\p{Cc}/u.test(path));
    if (odd !== undefined)
      throw new GeneratorError(`directory ${JSON.stringify(odd)} has control characters in its name`);
    sets = directories.map((path) => pathParams(path, prefix, goTemplate));
  } else {
    const paths = matchingFiles(tree.files, generator.files ?? []);
    const contents = await tree.read(paths);
    sets = paths.flatMap((path) =>
      fileParams(path, Buffer.from(contents.get(path) ?? []).toString(), prefix, goTemplate),
    );
  }
  if (sets.length > maxSets) throw tooManySets();
  const filled = sets.map((params) => withValues(params, generator.values, spec));
  checkSize(filled);
  return filled;
}

/** Every directory that holds a file somewhere below, except hidden ones and the root, in lexical order. */
function directoriesOf(files: readonly string[]): string[] {
  const directories = new Set<string>();
  for (const file of files) {
    for (let at = posix.dirname(file); at !== "." && at !== "/"; at = posix.dirname(at)) directories.add(at);
  }
  return [...directories]
    .filter((path) => !path.split("/").some((part) => part.startsWith(".")))
    .sort(compareText);
}

/** ⚠ `*` never crosses `/` and `**` is no more than `*`; an exclusion wins wherever it stands. */
export function matchingDirectories(
  directories: readonly string[],
  rows: NonNullable<GitGenerator["directories"]>,
): string[] {
  const globs = rows.map(({ path, exclude }) => ({
    exclude: exclude === true,
    glob: globExpression(path, { doubleStar: false }),
  }));
  const matches = (path: string, exclude: boolean) =>
    globs.some((row) => row.exclude === exclude && row.glob.test(path));
  return directories.filter((path) => matches(path, false) && !matches(path, true));
}

/** ⚠ For files `*` crosses directories, as the original does by default. */
function matchingFiles(files: readonly string[], rows: NonNullable<GitGenerator["files"]>): string[] {
  const globs = rows.map(({ path, exclude }) => ({
    exclude: exclude === true,
    glob: globExpression(path.replace(/\*+/g, "**").replace(/\*\*\//g, "**[/]")),
  }));
  const matches = (path: string, exclude: boolean) =>
    globs.some((row) => row.exclude === exclude && row.glob.test(path));
  return files.filter((path) => matches(path, false) && !matches(path, true));
}

function pathParams(path: string, prefix: string, goTemplate: boolean): Record<string, unknown> {
  const basename = posix.basename(path);
  const segments = path.split("/");
  if (goTemplate) {
    const nested = { path, basename, basenameNormalized: normalizeName(basename), segments };
    return prefix === "" ? { path: nested } : { [prefix]: { path: nested } };
  }
  const name = prefix === "" ? "path" : `${prefix}.path`;
  return {
    [name]: path,
    [`${name}.basename`]: basename,
    [`${name}.basenameNormalized`]: normalizeName(basename),
    ...Object.fromEntries(
      segments.filter((part) => part !== "").map((part, index) => [`${name}[${index}]`, part]),
    ),
  };
}

function fileParams(
  path: string,
  content: string,
  prefix: string,
  goTemplate: boolean,
): Record<string, unknown>[] {
  const { documents, error } = readYaml(content);
  if (error !== undefined)
    throw new GeneratorError(
      `unable to process file '${path}': unable to parse file: error converting YAML to JSON: ${error}`,
    );
  const value = documents[0]?.value ?? {};
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  const filename = posix.basename(path);
  return items.map((item) => {
    const paths = pathParams(posix.dirname(path), prefix, goTemplate);
    if (goTemplate) {
      const holder = prefix === "" ? paths : paths[prefix];
      const own = isObject(holder) ? holder["path"] : undefined;
      if (isObject(own)) Object.assign(own, { filename, filenameNormalized: normalizeName(filename) });
      return { ...(isObject(item) ? item : {}), ...paths };
    }
    const name = prefix === "" ? "path" : `${prefix}.path`;
    return {
      ...flatten(item),
      ...paths,
      [`${name}.filename`]: filename,
      [`${name}.filenameNormalized`]: normalizeName(filename),
    };
  });
}
