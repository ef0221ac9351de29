import { isObject, type LabelSelector, matchesLabelSelector, SelectorSyntaxError } from "@tracegate/kube";
import type { GitRepositories } from "../git/repositories.ts";
import { inClusterServer } from "../project.ts";
import { readHere, type SourceReader } from "../reading/source-reader.ts";
import { readYaml } from "../render/yaml-documents.ts";
import type {
  ApplicationSetSpec,
  ClusterGenerator,
  Generator,
  ListGenerator,
  PartialTemplate,
} from "../types/application-set.ts";
import { combineMatrix, combineMerge } from "./combining.ts";
import { fromGit } from "./git-generator.ts";
import { fillAll, flatten, GeneratorError, type Params, withValues } from "./params.ts";

/** Parameters, and what the generator that gave them lays over the template. */
export interface Generated {
  readonly params: Params;
  readonly templates: readonly PartialTemplate[];
}

/** What the generators of an ApplicationSet give, one after another. */
export async function generateParams(
  spec: ApplicationSetSpec,
  git: GitRepositories,
  sources: SourceReader = readHere(git),
): Promise<Generated[]> {
  const generated: Generated[] = [];
  for (const generator of spec.generators ?? []) {
    const { template } = generatorOf(generator).body;
    const templates = template === undefined ? [] : [template];
    for (const params of await generate(generator, spec, { git, sources }))
      generated.push({ params, templates });
  }
  return generated;
}

/** The shortest time after which a generator is to be asked again; undefined when none changes by itself. */
export function requeueAfterMs(spec: ApplicationSetSpec, defaultMs: number): number | undefined {
  const times = spec.generators.flatMap((generator) => requeueTimes(generator, defaultMs));
  return times.length === 0 ? undefined : Math.min(...times);
}

function requeueTimes({ git, matrix, merge }: Generator, defaultMs: number): number[] {
  const own =
    git === undefined
      ? []
      : [git.requeueAfterSeconds === undefined ? defaultMs : git.requeueAfterSeconds * 1000];
  const children = [...(matrix?.generators ?? []), ...(merge?.generators ?? [])];
  return [...own, ...children.flatMap((child) => requeueTimes(child, defaultMs))];
}

const supported = ["git", "list", "clusters", "matrix", "merge"] as const;

/** The one generator that an entry holds. */
function generatorOf(generator: Generator): {
  kind: (typeof supported)[number];
  body: { template?: PartialTemplate };
} {
  const given = Object.keys(generator).filter(
    (name) => name !== "selector" && generator[name] !== undefined && generator[name] !== null,
  );
  const other = given.find((name) => !supported.some((kind) => kind === name));
  if (other !== undefined)
    throw new GeneratorError(`generator field '${other}' is not supported: use ${supported.join(", ")}`);
  const kind = supported.find((name) => given.includes(name));
  if (kind === undefined) throw new GeneratorError("child generator generated no parameters");
  return { kind, body: generator[kind] ?? {} };
}

async function generate(
  generator: Generator,
  spec: ApplicationSetSpec,
  from: { readonly git: GitRepositories; readonly sources: SourceReader },
): Promise<Params[]> {
  generatorOf(generator); // refuses what is not known
  const goTemplate = spec.goTemplate === true;
  const child = (one: Generator, params?: Params) =>
    // Of a matrix's second generator every text may use what the first one gave.
    generate(params === undefined ? one : (fillAll(one, params, spec) as Generator), spec, from); // same shape, texts filled in
  const sets = async (): Promise<readonly Params[]> => {
    if (generator.list !== undefined) return fromList(generator.list, goTemplate);
    if (generator.clusters !== undefined) return fromClusters(generator.clusters, spec);
    if (generator.matrix !== undefined) return await combineMatrix(generator.matrix, goTemplate, child);
    if (generator.merge !== undefined) return await combineMerge(generator.merge, goTemplate, child);
    return generator.git === undefined ? [] : await fromGit(generator.git, spec, from.git, from.sources);
  };
  return selected(await sets(), generator.selector);
}

function selected(sets: readonly Params[], selector: LabelSelector | undefined): Params[] {
  if (selector === undefined) return [...sets];
  try {
    return sets.filter((params) => matchesLabelSelector(selector, flatten(params)));
  } catch (error) {
    if (!(error instanceof SelectorSyntaxError)) throw error;
    throw new GeneratorError(`error parsing label selector: ${error.message}`);
  }
}

/** There is one cluster: this one. A selector asks for labels of the others' Secrets. */
function fromClusters(generator: ClusterGenerator, spec: ApplicationSetSpec): Params[] {
  if (generator.selector !== undefined && JSON.stringify(generator.selector) !== "{}") return [];
  const params = {
    name: "in-cluster",
    nameNormalized: "in-cluster",
    server: inClusterServer,
    project: "",
  };
  return [withValues(params, generator.values, spec)];
}

/** ⚠ The original means to tell an error here and has none. */
const notText = "error parsing value as string %!w(<nil>)";

function fromList({ elements = [], elementsYaml }: ListGenerator, goTemplate: boolean): Params[] {
  let fromYaml: Params[] = [];
  if (elementsYaml !== undefined && elementsYaml !== "") {
    const { documents, error } = readYaml(elementsYaml);
    if (error !== undefined) throw new GeneratorError(`error unmarshling decoded ElementsYaml ${error}`);
    const items = documents[0]?.value;
    // ⚠ What comes from YAML is taken as it is: plain templates do not see what is no text.
    fromYaml = Array.isArray(items) ? items.filter(isObject) : [];
  }
  const listed = elements.map((element) => {
    if (!isObject(element)) throw new GeneratorError("error unmarshling list element: expected an object");
    if (goTemplate) return element;
    const params: Record<string, string> = {};
    for (const [key, value] of Object.entries(element)) {
      if (key === "values" && isObject(value)) {
        for (const [name, inner] of Object.entries(value)) {
          if (typeof inner !== "string") throw new GeneratorError(notText);
          params[`values.${name}`] = inner;
        }
      } else if (typeof value === "string") params[key] = value;
      else throw new GeneratorError(notText);
    }
    return params;
  });
  return [...listed, ...fromYaml];
}
