import { posix } from "node:path";
import { isObject } from "@tracegate/kube";
import { compareText, type GitRepositories, SourceError } from "../git/repositories.ts";
import { globExpression } from "../render/glob.ts";
import { readYaml } from "../render/yaml-documents.ts";
import type { ApplicationSetSpec, Generator, GitGenerator, ListGenerator } from "../types/application-set.ts";
import { fillFastTemplate } from "./fast-template.ts";
import { fillGoTemplate, normalizeName } from "./go-template.ts";

/** One set of parameters: flat text for plain templates, nested values for Go templates. */
export type Params = Readonly<Record<string, unknown>>;

/** Why parameters could not be generated, as the condition says it. */
export class GeneratorError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "GeneratorError";
  }
}

/** What the generators of an ApplicationSet give, one after another. */
export async function generateParams(spec: ApplicationSetSpec, git: GitRepositories): Promise<Params[]> {
  const params: Params[] = [];
  for (const generator of spec.generators ?? []) params.push(...(await generate(generator, spec, git)));
  return params;
}

/** The shortest time after which a generator is to be asked again; undefined when none changes by itself. */
export function requeueAfterMs(spec: ApplicationSetSpec, defaultMs: number): number | undefined {
  const times = spec.generators.flatMap(({ git }) =>
    git === undefined
      ? []
      : [git.requeueAfterSeconds === undefined ? defaultMs : git.requeueAfterSeconds * 1000],
  );
  return times.length === 0 ? undefined : Math.min(...times);
}

async function generate(
  generator: Generator,
  spec: ApplicationSetSpec,
  git: GitRepositories,
): Promise<Params[]> {
  const others = Object.keys(generator).filter((name) => name !== "git" && name !== "list");
  const [other] = others.filter((name) => generator[name] !== undefined && generator[name] !== null);
  if (other !== undefined)
    throw new GeneratorError(`generator field '${other}' is not supported: use git or list generators`);
  const goTemplate = spec.goTemplate === true;
  if (generator.list !== undefined) return fromList(generator.list, goTemplate);
  if (generator.git === undefined) return [];
  try {
    return await fromGit(generator.git, spec, git);
  } catch (error) {
    if (error instanceof GeneratorError || error instanceof SourceError) {
      throw new GeneratorError(`error generating params from git: ${error.message}`);
    }
    throw error;
  }
}

function fromList({ elements = [], elementsYaml }: ListGenerator, goTemplate: boolean): Params[] {
  let all: readonly unknown[] = elements;
  if (elementsYaml !== undefined && elementsYaml !== "") {
    const { documents, error } = readYaml(elementsYaml);
    if (error !== undefined) throw new GeneratorError(`error unmarshling decoded ElementsYaml ${error}`);
    const listed = documents[0]?.value;
    all = [...elements, ...(Array.isArray(listed) ? listed : [])];
  }
  return all.map((element) => {
    if (!isObject(element)) throw new GeneratorError("error unmarshling list element: expected an object");
    if (goTemplate) return element;
    const params: Record<string, string> = {};
    for (const [key, value] of Object.entries(element)) {
      if (key === "values" && isObject(value)) {
        for (const [name, inner] of Object.entries(value)) {
          if (typeof inner !== "string")
            throw new GeneratorError(`error parsing value as string ${typeof inner}`);
          params[`values.${name}`] = inner;
        }
      } else if (typeof value === "string") params[key] = value;
      else throw new GeneratorError(`error parsing value as string ${typeof value}`);
    }
    return params;
  });
}

async function fromGit(
  generator: GitGenerator,
  spec: ApplicationSetSpec,
  git: GitRepositories,
): Promise<Params[]> {
  const goTemplate = spec.goTemplate === true;
  const prefix = generator.pathParamPrefix ?? "";
  let sets: Record<string, unknown>[];
  if (generator.directories !== undefined) {
    const tree = await openTree(
      generator,
      git,
      "error getting directories from repo: error retrieving Git Directories",
    );
    sets = matchingDirectories(directoriesOf(tree.files), generator.directories).map((path) =>
      pathParams(path, prefix, goTemplate),
    );
  } else if (generator.files !== undefined) {
    const tree = await openTree(generator, git, "error retrieving Git files");
    const paths = matchingFiles(tree.files, generator.files);
    const contents = await tree.read(paths);
    sets = paths.flatMap((path) =>
      fileParams(path, Buffer.from(contents.get(path) ?? []).toString(), prefix, goTemplate),
    );
  } else throw new GeneratorError("found neither directories nor files in a git generator");
  return sets.map((params) => withValues(params, generator.values, spec));
}

async function openTree(generator: GitGenerator, git: GitRepositories, what: string) {
  const revision = generator.revision ?? "HEAD";
  try {
    const commit = await git.resolve(generator.repoURL, revision);
    return await git.tree(generator.repoURL, commit);
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    // The original prints an empty name for the default branch.
    const named = revision === "HEAD" ? "" : revision;
    throw new GeneratorError(
      `${what}: rpc error: code = Internal desc = unable to resolve git revision ${named}: ${error.message}`,
    );
  }
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
  const matches = (path: string, exclude: boolean) =>
    rows.some(
      (row) =>
        (row.exclude === true) === exclude && globExpression(row.path, { doubleStar: false }).test(path),
    );
  return directories.filter((path) => matches(path, false) && !matches(path, true));
}

/** ⚠ For files `*` crosses directories, as the original does by default. */
function matchingFiles(files: readonly string[], rows: NonNullable<GitGenerator["files"]>): string[] {
  const greedy = (pattern: string) =>
    globExpression(pattern.replace(/\*+/g, "**").replace(/\*\*\//g, "**[/]"));
  const matches = (path: string, exclude: boolean) =>
    rows.some((row) => (row.exclude === true) === exclude && greedy(row.path).test(path));
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
    throw new GeneratorError(`unable to parse file: error converting YAML to JSON: ${error}`);
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

function flatten(value: unknown, name = ""): Record<string, string> {
  if (isObject(value) || Array.isArray(value)) {
    return Object.assign(
      {},
      ...Object.entries(value).map(([key, child]) => flatten(child, name === "" ? key : `${name}.${key}`)),
    );
  }
  return name === "" ? {} : { [name]: value === null ? "" : String(value) };
}

function withValues(
  params: Record<string, unknown>,
  values: Record<string, string> | undefined,
  spec: ApplicationSetSpec,
): Params {
  if (values === undefined) return params;
  const filled = Object.fromEntries(
    Object.entries(values).map(([name, template]) => [name, fill(template, params, spec)]),
  );
  if (spec.goTemplate === true) return { ...params, values: filled };
  return {
    ...params,
    ...Object.fromEntries(Object.entries(filled).map(([name, value]) => [`values.${name}`, value])),
  };
}

/** Fills a text in, in the template language that the ApplicationSet asks for. */
export function fill(
  template: string,
  params: Params,
  { goTemplate, goTemplateOptions = [] }: ApplicationSetSpec,
): string {
  if (goTemplate === true) {
    const missingKey = goTemplateOptions.includes("missingkey=error") ? "error" : "default";
    return fillGoTemplate(template, params, { missingKey });
  }
  const flat = Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)]));
  return fillFastTemplate(template, flat);
}
