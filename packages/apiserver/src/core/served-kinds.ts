import {
  builtInGroupVersions,
  builtInType,
  type CustomResourceDefinition,
  type CustomResourceVersion,
  customType,
  isObject,
  type JsonObject,
  type Resource,
  type StructType,
  type Subresource,
} from "@tracegate/kube";

/** A resource as this server serves it, in one version. */
export interface ServedKind extends Resource {
  readonly listKind: string;
  /** Where its objects lie in the store, shared by all versions and by Events' two groups. */
  readonly collection: string;
  /** The version in which objects are stored. */
  readonly storageApiVersion: string;
  /** The form of its objects. */
  readonly type?: StructType;
  readonly custom?: CustomKind;
}

/** What a CustomResourceDefinition says of one version. */
export interface CustomKind {
  readonly definition: string;
  readonly version: CustomResourceVersion;
  /** What is said of every request for a version that is on its way out. */
  readonly deprecation?: string;
}

/** Which kinds are served: the built-in ones, and those of CustomResourceDefinitions as they come and go. */
export class ServedKinds {
  readonly #builtIn = new Map<string, ServedKind>();
  readonly #custom = new Map<string, ServedKind>();
  /** Rises with every change, so that documents made from the kinds can be cached. */
  version = 0;

  constructor() {
    for (const { resources } of builtInGroupVersions()) {
      for (const resource of resources) {
        this.#builtIn.set(keyOf(resource.group, resource.version, resource.plural), builtIn(resource));
      }
    }
  }

  find(group: string, version: string, plural: string): ServedKind | undefined {
    const key = keyOf(group, version, plural);
    return this.#builtIn.get(key) ?? this.#custom.get(key);
  }

  /** The kind by its name, in the version asked for. */
  findKind(apiVersion: string, kind: string): ServedKind | undefined {
    for (const served of this.all()) {
      if (served.kind === kind && apiVersionOfResource(served) === apiVersion) return served;
    }
    return undefined;
  }

  hasGroup(group: string): boolean {
    for (const served of this.all()) if (served.group === group) return true;
    return false;
  }

  isGroupVersion(group: string, version: string): boolean {
    for (const served of this.all()) if (served.group === group && served.version === version) return true;
    return false;
  }

  /** Built-in ones in the order of discovery, then custom ones by group and name. */
  *all(): IterableIterator<ServedKind> {
    yield* this.#builtIn.values();
    yield* this.#custom.values();
  }

  /** Serves what a definition declares, in place of what it declared before. */
  define(definition: CustomResourceDefinition): void {
    this.remove(definition.metadata.name);
    for (const served of customKinds(definition)) {
      this.#custom.set(keyOf(served.group, served.version, served.plural), served);
    }
    this.version++;
  }

  remove(definition: string): void {
    for (const [key, served] of this.#custom) {
      if (served.custom?.definition === definition) this.#custom.delete(key);
    }
    this.version++;
  }
}

export function apiVersionOfResource({ group, version }: { group: string; version: string }): string {
  return group === "" ? version : `${group}/${version}`;
}

export function hasSubresource(served: ServedKind, name: string): boolean {
  return served.subresources.some((sub) => sub.name === name);
}

const keyOf = (group: string, version: string, plural: string): string => `${group}/${version}/${plural}`;

function builtIn(resource: Resource): ServedKind {
  const type = builtInType(apiVersionOfResource(resource), resource.kind);
  // Events of both groups are one store, and autoscaling keeps its newest version.
  const collection =
    resource.plural === "events"
      ? "events"
      : resource.group === ""
        ? resource.plural
        : `${resource.plural}.${resource.group}`;
  return {
    ...resource,
    listKind: `${resource.kind}List`,
    collection,
    storageApiVersion: storageVersion(resource),
    ...(type === undefined ? {} : { type }),
  };
}

function storageVersion(resource: Resource): string {
  if (resource.plural === "events") return "v1";
  if (resource.group === "autoscaling") return "autoscaling/v2";
  return apiVersionOfResource(resource);
}

const CUSTOM_VERBS = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];

function customKinds(definition: CustomResourceDefinition): ServedKind[] {
  const { group, names, scope, versions } = definition.spec;
  const storage = versions.find((version) => version.storage) ?? versions[0];
  return versions
    .filter((version) => version.served)
    .sort((a, b) => compareVersions(a.name, b.name))
    .map((version) => ({
      group,
      version: version.name,
      plural: names.plural,
      singular: names.singular ?? names.kind.toLowerCase(),
      kind: names.kind,
      listKind: names.listKind ?? `${names.kind}List`,
      namespaced: scope === "Namespaced",
      verbs: CUSTOM_VERBS,
      shortNames: names.shortNames ?? [],
      categories: names.categories ?? [],
      subresources: customSubresources(group, names.kind, scope === "Namespaced", version),
      collection: `${names.plural}.${group}`,
      storageApiVersion: `${group}/${storage?.name ?? version.name}`,
      type: customType(schemaOf(version)),
      custom: { definition: definition.metadata.name, version, ...deprecationOf(definition, version) },
    }));
}

/** A version that is on its way out says so, and which one to use: the first that is served, newer and not going itself. */
function deprecationOf(
  { spec: { group, names, versions } }: CustomResourceDefinition,
  version: CustomResourceVersion,
): { readonly deprecation?: string } {
  if (version.deprecated !== true) return {};
  if (version.deprecationWarning !== undefined) return { deprecation: version.deprecationWarning };
  const newer = versions
    .filter(
      ({ served, deprecated, name }) =>
        served && deprecated !== true && compareVersions(name, version.name) < 0,
    )
    .sort((a, b) => compareVersions(a.name, b.name))[0];
  const instead = newer === undefined ? "" : `; use ${group}/${newer.name} ${names.kind}`;
  return { deprecation: `${group}/${version.name} ${names.kind} is deprecated${instead}` };
}

/** The structural schema that a version declares. */
export function schemaOf({ schema }: CustomResourceVersion): JsonObject | undefined {
  const root: unknown = schema?.openAPIV3Schema;
  return isObject(root) ? root : undefined;
}

function customSubresources(
  group: string,
  kind: string,
  namespaced: boolean,
  { name: version, subresources }: CustomResourceVersion,
): Subresource[] {
  const verbs = ["get", "patch", "update"];
  return [
    ...(subresources?.status === undefined
      ? []
      : [{ name: "status", group, version, kind, namespaced, verbs }]),
    ...(subresources?.scale === undefined
      ? []
      : [{ name: "scale", group: "autoscaling", version: "v1", kind: "Scale", namespaced, verbs }]),
  ];
}

/** Kubernetes' order of versions: stable before beta before alpha, newer before older, others last by name. */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [rank(a), rank(b)];
  if (x === undefined || y === undefined) return x === y ? (a < b ? -1 : 1) : x === undefined ? 1 : -1;
  for (let i = 0; i < 3; i++) if (x[i] !== y[i]) return (y[i] ?? 0) - (x[i] ?? 0);
  return 0;
}

function rank(version: string): [stability: number, major: number, minor: number] | undefined {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (match === null) return undefined;
  const stability = match[2] === undefined ? 2 : match[2] === "beta" ? 1 : 0;
  return [stability, Number(match[1]), Number(match[3] ?? 0)];
}
