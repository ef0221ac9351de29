import type { AppProject, AppProjectSpec, GroupKind } from "../types/app-project.ts";
import { renderTable } from "./table.ts";

/** `argocd proj list`. */
export function renderProjectList(projects: readonly AppProject[]): string {
  const header = [
    "NAME",
    "DESCRIPTION",
    "DESTINATIONS",
    "SOURCES",
    "CLUSTER-RESOURCE-WHITELIST",
    "NAMESPACE-RESOURCE-BLACKLIST",
    "SIGNATURE-KEYS",
    "ORPHANED-RESOURCES",
    "DESTINATION-SERVICE-ACCOUNTS",
  ];
  const rows = projects.map(({ metadata, spec }) => [
    metadata.name,
    spec.description ?? "",
    countOr(destinations(spec), "destinations"),
    countOr(spec.sourceRepos ?? [], "repos"),
    countOr(kinds(spec.clusterResourceWhitelist), "resources"),
    kinds(spec.namespaceResourceBlacklist).length > 0
      ? `${kinds(spec.namespaceResourceBlacklist).length} resources`
      : "<none>",
    "<none>",
    "disabled",
    "<none>",
  ]);
  return `${renderTable([header, ...rows]).join("\n")}\n`;
}

/** `argocd proj get`. */
export function renderProject({ metadata, spec }: AppProject): string {
  const rows: [string, readonly string[]][] = [
    ["Name:", [metadata.name]],
    ["Description:", [spec.description ?? ""]],
    ["Destinations:", destinations(spec)],
    ["Repositories:", spec.sourceRepos ?? []],
    ["Source Namespaces:", []],
    ["Scoped Repositories:", []],
    ["Allowed Cluster Resources:", kinds(spec.clusterResourceWhitelist)],
    ["Scoped Clusters:", []],
    ["Denied Namespaced Resources:", kinds(spec.namespaceResourceBlacklist)],
    ["Signature keys:", []],
    ["Orphaned Resources:", ["disabled"]],
  ];
  const lines = rows.flatMap(([name, values]) =>
    (values.length === 0 ? ["<none>"] : values).map(
      (value, i) => `${(i === 0 ? name : "").padEnd(29)}${value}`,
    ),
  );
  return `${lines.join("\n")}\n`;
}

const destinations = ({ destinations: list = [] }: AppProjectSpec): string[] =>
  list.map(({ server, name, namespace }) => `${server ?? name ?? ""},${namespace ?? ""}`);

const kinds = (list: readonly GroupKind[] = []): string[] =>
  list.map(({ group, kind }) => `${group}/${kind}`);

/** The only value, or how many there are. */
const countOr = (values: readonly string[], noun: string): string =>
  values.length === 0 ? "<none>" : values.length === 1 ? (values[0] ?? "") : `${values.length} ${noun}`;
