import type { KubeObject } from "@tracegate/kube";
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
  if ((project.spec.syncWindows?.length ?? 0) > 0) {
    return `project '${project.name}' has syncWindows, which are not supported`;
  }
  if (
    !permits(project.spec.sourceRepos ?? [], normalizeRepoURL(repoURL), (pattern) =>
      normalizeRepoURL(pattern),
    )
  ) {
    return `application repo ${repoURL} is not permitted in project '${project.name}'`;
  }
  if (!permitsDestination(project.spec, destination)) {
    const server = destination.server ?? destination.name ?? "";
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

function permitsDestination(
  { destinations = [] }: AppProjectSpec,
  { server, name, namespace = "" }: ApplicationDestination,
): boolean {
  const matches = (pattern: string | undefined, value: string | undefined) =>
    pattern !== undefined && value !== undefined && anything(pattern.replace(/^!/, "")).test(value);
  let permitted = false;
  for (const entry of destinations) {
    const place =
      matches(entry.server, server) ||
      matches(entry.name, name ?? (server === inClusterServer ? "in-cluster" : undefined));
    const space = matches(entry.namespace ?? "", namespace);
    const denies = [entry.server, entry.name, entry.namespace].some(
      (pattern) => pattern?.startsWith("!") === true,
    );
    if (!place || !space) continue;
    if (denies) return false;
    permitted = true;
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
const anything = (pattern: string): Glob =>
  globExpression(pattern.replace(/\*+/g, "**").replace(/\*\*\//g, "**/**"));

function normalizeRepoURL(url: string): string {
  return url
    .toLowerCase()
    .replace(/\.git$/, "")
    .replace(/^ssh:\/\//, "")
    .replace(/^(git@[^:/]+):/, "$1/");
}
