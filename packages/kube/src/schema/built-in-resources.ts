import { type GeneratedResource, generatedTables } from "./generated-tables.ts";

/** A resource of the API: what discovery says of it. */
export interface Resource {
  readonly group: string;
  readonly version: string;
  /** `pods`. */
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: readonly Subresource[];
  readonly storageVersionHash?: string;
}

export interface Subresource {
  /** `status`. */
  readonly name: string;
  readonly kind: string;
  /** Of the kind: `autoscaling`, `v1` for a Scale. */
  readonly group: string;
  readonly version: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}

/** One version of a group with its resources; versions of one group stand together, the preferred one first. */
export interface GroupVersion {
  readonly group: string;
  readonly version: string;
  readonly resources: readonly Resource[];
}

let groupVersions: readonly GroupVersion[] | undefined;

/** The built-in group versions, in the order of discovery. */
export function builtInGroupVersions(): readonly GroupVersion[] {
  groupVersions ??= generatedTables().groups.flatMap((group) =>
    group.versions.map(({ version, resources }) => ({
      group: group.name,
      version,
      resources: resources
        .filter(({ name }) => !name.includes("/"))
        .map((resource) => describe(group.name, version, resource, resources)),
    })),
  );
  return groupVersions;
}

/** The version of Kubernetes that the tables were made from: `1.34.4`. */
export function kubernetesVersion(): string {
  return generatedTables().version;
}

function describe(
  group: string,
  version: string,
  resource: GeneratedResource,
  all: readonly GeneratedResource[],
): Resource {
  const prefix = `${resource.name}/`;
  return {
    group,
    version,
    plural: resource.name,
    singular: resource.singularName,
    kind: resource.kind,
    namespaced: resource.namespaced,
    verbs: resource.verbs,
    shortNames: resource.shortNames ?? [],
    categories: resource.categories ?? [],
    subresources: all
      .filter(({ name }) => name.startsWith(prefix))
      .map((sub) => ({
        name: sub.name.slice(prefix.length),
        kind: sub.kind,
        group: sub.group ?? group,
        version: sub.version ?? version,
        namespaced: sub.namespaced,
        verbs: sub.verbs,
      })),
    ...(resource.storageVersionHash === undefined ? {} : { storageVersionHash: resource.storageVersionHash }),
  };
}
