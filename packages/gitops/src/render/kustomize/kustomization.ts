import { isObject } from "@tracegate/kube";
import { readYaml } from "../yaml-documents.ts";

/** A kustomization file, as far as it is worked with. */
export interface Kustomization {
  kind?: "Kustomization" | "Component";
  resources?: string[];
  components?: string[];
  namespace?: string;
  namePrefix?: string;
  nameSuffix?: string;
  commonLabels?: Record<string, string>;
  labels?: { pairs?: Record<string, string>; includeSelectors?: boolean; includeTemplates?: boolean }[];
  commonAnnotations?: Record<string, string>;
  images?: ImageChange[];
  replicas?: { name: string; count: number }[];
  patches?: PatchEntry[];
  patchesStrategicMerge?: string[];
  patchesJson6902?: PatchEntry[];
  configMapGenerator?: GeneratorArgs[];
  secretGenerator?: GeneratorArgs[];
  generatorOptions?: GeneratorOptions;
  replacements?: (Replacement & { path?: string })[];
}

export interface ImageChange {
  name: string;
  newName?: string;
  newTag?: string;
  digest?: string;
}

export interface PatchEntry {
  path?: string;
  patch?: string;
  target?: PatchTarget;
  options?: { allowNameChange?: boolean; allowKindChange?: boolean };
}

export interface PatchTarget {
  group?: string;
  version?: string;
  kind?: string;
  name?: string;
  namespace?: string;
  labelSelector?: string;
  annotationSelector?: string;
}

export interface GeneratorArgs {
  name: string;
  namespace?: string;
  behavior?: "create" | "replace" | "merge";
  literals?: string[];
  files?: string[];
  envs?: string[];
  env?: string;
  type?: string;
  options?: GeneratorOptions;
}

export interface GeneratorOptions {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  immutable?: boolean;
  disableNameSuffixHash?: boolean;
}

/** Part of a text: what stands between delimiters. */
export interface FieldOptions {
  delimiter?: string;
  index?: number;
  /** Makes the field where it is missing. */
  create?: boolean;
}

export interface Replacement {
  source?: PatchTarget & { fieldPath?: string; options?: FieldOptions };
  targets?: {
    select?: PatchTarget;
    reject?: PatchTarget[];
    fieldPaths?: string[];
    options?: FieldOptions;
  }[];
}

/** Why a kustomization cannot be built, in kustomize's words (what follows `Error: `). */
export class KustomizeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "KustomizeError";
  }
}

const supported = new Set([
  "apiVersion",
  "kind",
  "metadata",
  "resources",
  "bases",
  "components",
  "namespace",
  "namePrefix",
  "nameSuffix",
  "commonLabels",
  "labels",
  "commonAnnotations",
  "images",
  "replicas",
  "patches",
  "patchesStrategicMerge",
  "patchesJson6902",
  "configMapGenerator",
  "secretGenerator",
  "generatorOptions",
  "replacements",
  // The order of the output means nothing here: a sync has its own.
  "sortOptions",
]);

const generatorFields = [
  "name",
  "namespace",
  "behavior",
  "literals",
  "files",
  "envs",
  "env",
  "type",
  "options",
];

/** What the entries of list fields may hold. */
const entryFields: Readonly<Record<string, readonly string[]>> = {
  labels: ["pairs", "includeSelectors", "includeTemplates"],
  images: ["name", "newName", "newTag", "digest"],
  replicas: ["name", "count"],
  patches: ["path", "patch", "target", "options"],
  patchesJson6902: ["path", "patch", "target", "options"],
  configMapGenerator: generatorFields,
  secretGenerator: generatorFields,
  replacements: ["path", "source", "targets"],
};

/** Real fields of entries that are not worked with. */
const knownInEntries = new Set(["fields", "tagSuffix", "kvSources"]);

/** Real fields that are not worked with: refused rather than ignored. */
const known = new Set([
  "buildMetadata",
  "configurations",
  "crds",
  "generators",
  "helmCharts",
  "helmGlobals",
  "helmChartInflationGenerator",
  "openapi",
  "transformers",
  "validators",
  "vars",
]);

/** Reads and checks a kustomization file. `directory` and `file` stand in messages. */
export function parseKustomization(text: string, directory: string, file: string): Kustomization {
  if (text.trim() === "") throw new KustomizeError(`${file} is empty`);
  const { documents, error } = readYaml(text);
  if (error !== undefined) throw new KustomizeError(`invalid Kustomization: ${error}`);
  const value = documents[0]?.value;
  if (!isObject(value))
    throw new KustomizeError(
      "invalid Kustomization: json: cannot unmarshal into Go value of type types.Kustomization",
    );
  for (const field of Object.keys(value)) {
    if (known.has(field)) throw new KustomizeError(`the kustomization field '${field}' is not supported`);
    if (!supported.has(field))
      throw new KustomizeError(`invalid Kustomization: json: unknown field "${field}"`);
  }
  checkTypes(value);
  const component = value["kind"] === "Component";
  const wanted = `kustomize.config.k8s.io/${component ? "v1alpha1" : "v1beta1"}`;
  if (value["apiVersion"] !== undefined && value["apiVersion"] !== wanted) {
    throw new KustomizeError(
      `Failed to read kustomization file under ${directory}:\napiVersion for ${component ? "Component" : "Kustomization"} should be ${wanted}`,
    );
  }
  // The checks above and below leave the file's own types; what is still malformed is refused where it is used.
  const kustomization = value as Kustomization & { bases?: string[] };
  const { bases = [], ...rest } = kustomization;
  return bases.length === 0 ? rest : { ...rest, resources: [...(rest.resources ?? []), ...bases] };
}

function checkTypes(value: Record<string, unknown>): void {
  const wrong = (field: string, found: unknown, type: string) => {
    const name = Array.isArray(found) ? "array" : typeof found === "boolean" ? "bool" : typeof found;
    return new KustomizeError(
      `invalid Kustomization: json: cannot unmarshal ${name} into Go struct field Kustomization.${field} of type ${type}`,
    );
  };
  for (const field of ["namespace", "namePrefix", "nameSuffix"]) {
    if (value[field] !== undefined && typeof value[field] !== "string")
      throw wrong(field, value[field], "string");
  }
  for (const field of ["resources", "bases", "components", "patchesStrategicMerge"]) {
    const list = value[field];
    if (list === undefined) continue;
    if (!Array.isArray(list)) throw wrong(field, list, "[]string");
    for (const item of list) if (typeof item !== "string") throw wrong(field, item, "string");
  }
  for (const [field, names] of Object.entries(entryFields)) {
    const list = value[field];
    if (list === undefined) continue;
    if (!Array.isArray(list)) throw wrong(field, list, `[]types.${field}`);
    for (const item of list) {
      if (!isObject(item)) throw wrong(field, item, `types.${field}`);
      for (const name of Object.keys(item)) {
        if (knownInEntries.has(name))
          throw new KustomizeError(`the kustomization field '${field}[].${name}' is not supported`);
        if (!names.includes(name))
          throw new KustomizeError(`invalid Kustomization: json: unknown field "${name}"`);
      }
    }
  }
  for (const field of ["commonLabels", "commonAnnotations"]) {
    const map = value[field];
    if (map === undefined) continue;
    if (!isObject(map)) throw wrong(field, map, "map[string]string");
    for (const item of Object.values(map)) if (typeof item !== "string") throw wrong(field, item, "string");
  }
}
