import type { KubeObject } from "@tracegate/kube";
import { withoutCredentials } from "./git/repositories.ts";
import { groupOf } from "./manifest.ts";
import { type Glob, globExpression } from "./render/glob.ts";
import type { AppProjectSpec, GroupKind } from "./types/app-project.ts";
import type { ApplicationDestination } from "./types/application.ts";

/** Why a project does not let an Application read from or write to what it names; undefined when it does. */
export function refusalOf(
  project: { name: string; spec: AppProjectSpec },
  repoURL: string,
  destination: ApplicationDestination,
): string | undefined {
  if (
    !permits(project.spec.sourceRepos ?? [], normalizeRepoURL(repoURL), (pattern) =>
      normalizeRepoURL(pattern),
    )
  ) {
    return `application repo ${withoutCredentials(repoURL)} is not permitted in project '${project.name}'`;
  }
  if (!permitsDestination(project.spec, destination)) {
    const server = destination.name || inClusterServer;
    return `application destination server '${server}' and namespace '${destination.namespace ?? ""}' do not match any of the allowed destinations in project '${project.name}'`;
  }
  return undefined;
}

/** Why a project does not let a resource be changed; undefined when it does. */
export function resourceRefusal(
  project: { name: string; spec: AppProjectSpec },
  resource: GroupKind & { namespace: string; namespaced: boolean },
  destination: ApplicationDestination,
): string | undefined {
  const { group, kind, namespace, namespaced } = resource;
  if (!permitsKind(project.spec, resource))
    return `resource ${group}:${kind} is not permitted in project ${project.name}`;
  if (namespaced && !permitsDestination(project.spec, { ...destination, namespace }))
    return `namespace ${namespace} is not permitted in project '${project.name}'`;
  return undefined;
}

/** Whether an Application of the project may know of a live object. */
export function permitsLive(
  project: { name: string; spec: AppProjectSpec },
  { apiVersion, kind, metadata }: KubeObject,
  destination: ApplicationDestination,
): boolean {
  const { namespace = "" } = metadata;
  const resource = { group: groupOf({ apiVersion }), kind, namespace, namespaced: namespace !== "" };
  return resourceRefusal(project, resource, destination) === undefined;
}

/** Whether a project lets a kind be seen and changed. An empty list of cluster-scoped kinds lets none. */
export function permitsKind(
  spec: AppProjectSpec,
  { group, kind, namespaced }: GroupKind & { namespaced: boolean },
): boolean {
  const listed = (list: readonly GroupKind[] | undefined) =>
    list?.some(
      (entry) => globExpression(entry.group).test(group) && globExpression(entry.kind).test(kind),
    ) === true;
  return namespaced
    ? !listed(spec.namespaceResourceBlacklist) &&
        (spec.namespaceResourceWhitelist === undefined || listed(spec.namespaceResourceWhitelist))
    : !listed(spec.clusterResourceBlacklist) && listed(spec.clusterResourceWhitelist);
}

/** There is one cluster, and every valid destination is it: known by its address and its name. */
function permitsDestination(
  { destinations = [] }: AppProjectSpec,
  { namespace = "" }: ApplicationDestination,
): boolean {
  const isDenial = (pattern: string | undefined) => pattern?.startsWith("!") === true;
  const agrees = (pattern: string | undefined, value: string) =>
    isDenial(pattern)
      ? !anything((pattern ?? "").slice(1)).test(value)
      : pattern !== undefined && anything(pattern).test(value);
  let permitted = false;
  for (const entry of destinations) {
    const server = agrees(entry.server, inClusterServer);
    const name = agrees(entry.name, "in-cluster");
    const space = agrees(entry.namespace, namespace);
    if ((server || name) && space) permitted = true;
    // ⚠ What a denial does not let through ends the search, as upstream: in a name whatever the namespace.
    else if (isDenial(entry.name) && !name) return false;
    else if (isDenial(entry.server) && !server && space) return false;
    else if (isDenial(entry.namespace) && !space && server) return false;
  }
  return permitted;
}

export const inClusterServer = "https://kubernetes.default.svc";

/** A list of patterns; one that begins with `!` denies and wins. */
function permits(
  patterns: readonly string[],
  value: string,
  normalize: (pattern: string) => string,
): boolean {
  const test = (pattern: string) => pattern === "*" || globExpression(normalize(pattern)).test(value);
  if (patterns.some((pattern) => pattern.startsWith("!") && test(pattern.slice(1)))) return false;
  return patterns.some((pattern) => !pattern.startsWith("!") && test(pattern));
}

/** Globs of destinations have no separator: `*` is anything. */
export const anything = (pattern: string): Glob =>
  globExpression(pattern.replace(/\*+/g, "**").replace(/\*\*\//g, "**/**"));

function normalizeRepoURL(url: string): string {
  return url
    .toLowerCase()
    .replace(/\.git$/, "")
    .replace(/^ssh:\/\//, "")
    .replace(/^(git@[^:/]+):/, "$1/");
}
