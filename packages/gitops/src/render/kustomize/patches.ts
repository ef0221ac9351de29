import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  builtInType,
  copyJson,
  isObject,
  type JsonPatchOperation,
  matchesRequirements,
  parseJsonPatch,
  parseLabelSelector,
} from "@tracegate/kube";
import { RE2JS } from "re2js";
import { groupOf, type Manifest, versionOf } from "../../manifest.ts";
import { isManifest } from "../directory.ts";
import { readYaml } from "../yaml-documents.ts";
import { KustomizeError, type PatchEntry, type PatchTarget } from "./kustomization.ts";
import { idText, type Resource } from "./resource.ts";

/** Applies one entry of `patches`: a list is a JSON patch, an object a strategic merge patch. */
export function applyPatchEntry(
  resources: Resource[],
  text: string,
  { target, options }: Pick<PatchEntry, "target" | "options">,
): void {
  const { documents, error } = readYaml(text, { wordsAreText: true });
  if (error !== undefined)
    throw new KustomizeError(`unable to parse SM or JSON patch from [${text}]: ${error}`);
  for (const { value } of documents) {
    if (Array.isArray(value)) {
      if (target === undefined)
        throw new KustomizeError(`must specify a target for JSON patch [patch: ${JSON.stringify(text)}]`);
      const operations = parseJsonPatch(value);
      for (const resource of selected(resources, target)) jsonPatch(resource, operations);
    } else if (isObject(value)) {
      if (target !== undefined)
        for (const resource of selected(resources, target)) mergePatch(resources, resource, value, options);
      else if (isManifest(value)) mergePatch(resources, only(resources, value), value, options);
      else throw new KustomizeError(`unable to parse SM or JSON patch from [${text}]`);
    }
  }
}

function jsonPatch(resource: Resource, operations: readonly JsonPatchOperation[]): void {
  for (const operation of operations) {
    try {
      resource.manifest = applyJsonPatch(resource.manifest, [operation]) as Manifest; // a patched manifest is checked below
    } catch {
      const { op, path } = operation;
      const key = path.slice(path.lastIndexOf("/") + 1);
      throw new KustomizeError(
        op === "test"
          ? `testing value ${path} failed: test failed`
          : op === "remove"
            ? `error in remove for path: '${path}': Unable to remove nonexistent key: ${key}: missing value`
            : `${op} operation does not apply: doc is missing path: ${path}: missing value`,
      );
    }
  }
  if (!isManifest(resource.manifest))
    throw new KustomizeError(`a JSON patch of ${resource.names[0]} leaves no object`);
}

function mergePatch(
  resources: Resource[],
  resource: Resource,
  patch: Record<string, unknown>,
  options: PatchEntry["options"],
): void {
  if (patch["$patch"] === "delete") {
    resources.splice(resources.indexOf(resource), 1);
    return;
  }
  const { apiVersion, kind, metadata } = resource.manifest;
  const body = copyJson(patch);
  const patched = mergedManifest(resource.manifest, body);
  if (options?.allowKindChange !== true) Object.assign(patched, { apiVersion, kind });
  patched.metadata = {
    ...patched.metadata,
    ...(options?.allowNameChange === true ? {} : { name: metadata.name }),
    ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
  };
  if (metadata.namespace === undefined) delete patched.metadata.namespace;
  resource.manifest = patched;
}

/** Lists of built-in kinds merge by key, lists of custom resources are replaced whole. */
export function mergedManifest(manifest: Manifest, patch: Record<string, unknown>): Manifest {
  const type = builtInType(manifest.apiVersion, manifest.kind);
  const merged =
    type === undefined ? applyMergePatch(manifest, patch) : applyStrategicMergePatch(manifest, patch, type);
  return merged as Manifest; // a patch that takes away what makes it an object is undone by the caller
}

/** The one resource a patch without a target names. */
function only(resources: readonly Resource[], patch: Manifest): Resource {
  const matching = resources.filter(
    ({ manifest, names, namespaces }) =>
      groupOf(manifest) === groupOf(patch) &&
      versionOf(manifest) === versionOf(patch) &&
      manifest.kind === patch.kind &&
      names.includes(patch.metadata.name) &&
      (patch.metadata.namespace === undefined || namespaces.includes(patch.metadata.namespace)),
  );
  const [first] = matching;
  const id = idText(patch);
  if (first === undefined) {
    throw new KustomizeError(
      `no resource matches strategic merge patch "${id}": no matches for Id ${id}; failed to find unique target for patch ${id}`,
    );
  }
  if (matching.length > 1)
    throw new KustomizeError(`multiple matches for Id ${id}; failed to find unique target for patch ${id}`);
  return first;
}

export function selected(resources: readonly Resource[], target: PatchTarget): Resource[] {
  const compiled = new Map<string, RE2JS>();
  const expressionOf = (pattern: string): RE2JS => {
    try {
      // Linear time: the pattern comes from a repository that nobody vouches for.
      const expression = compiled.get(pattern) ?? RE2JS.compile(`^(?:${pattern})$`);
      compiled.set(pattern, expression);
      return expression;
    } catch {
      throw new KustomizeError(`error parsing regexp: invalid pattern in patch target: '${pattern}'`);
    }
  };
  const matches = (pattern: string | undefined, values: readonly string[]) => {
    if (pattern === undefined || pattern === "") return true;
    const expression = expressionOf(pattern);
    return values.some((value) => expression.matches(value));
  };
  const labelled = (selector: string | undefined, labels: Record<string, string> | undefined) =>
    selector === undefined || selector === "" || parsedSelectorMatches(selector, labels ?? {});
  return resources.filter(
    ({ manifest, names, namespaces }) =>
      matches(target.group, [groupOf(manifest)]) &&
      matches(target.version, [versionOf(manifest)]) &&
      matches(target.kind, [manifest.kind]) &&
      matches(target.name, names) &&
      matches(target.namespace, namespaces) &&
      labelled(target.labelSelector, manifest.metadata.labels) &&
      labelled(target.annotationSelector, manifest.metadata.annotations),
  );
}

const parsedSelectorMatches = (selector: string, labels: Record<string, string>): boolean =>
  matchesRequirements(parseLabelSelector(selector), labels);
