import { createHash } from "node:crypto";
import type { Subresource } from "@tracegate/kube";
import {
  apiVersionOfResource,
  compareVersions,
  type ServedKind,
  type ServedKinds,
} from "../core/served-kinds.ts";

/** One group with its versions, the preferred one first. */
interface Group {
  readonly name: string;
  readonly versions: readonly { readonly version: string; readonly kinds: readonly ServedKind[] }[];
}

function groupsOf(kinds: ServedKinds): Group[] {
  const groups = new Map<string, Map<string, ServedKind[]>>();
  for (const served of kinds.all()) {
    const versions = groups.get(served.group) ?? new Map<string, ServedKind[]>();
    groups.set(served.group, versions);
    versions.set(served.version, [...(versions.get(served.version) ?? []), served]);
  }
  return [...groups].map(([name, versions]) => ({
    name,
    versions: [...versions]
      .map(([version, served]) => ({ version, kinds: served }))
      .sort((a, b) => compareVersions(a.version, b.version)),
  }));
}

/** `/api`. */
export function apiVersions(serverAddress: string): object {
  return {
    kind: "APIVersions",
    versions: ["v1"],
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }],
  };
}

/** `/apis`. */
export function apiGroupList(kinds: ServedKinds): object {
  const groups = groupsOf(kinds).filter(({ name }) => name !== "");
  return { kind: "APIGroupList", apiVersion: "v1", groups: groups.map(describeGroup) };
}

/** `/apis/GROUP`; undefined for a group that is not served. */
export function apiGroup(kinds: ServedKinds, name: string): object | undefined {
  const group = groupsOf(kinds).find((candidate) => candidate.name === name);
  return group === undefined || name === ""
    ? undefined
    : { kind: "APIGroup", apiVersion: "v1", ...describeGroup(group) };
}

function describeGroup({ name, versions }: Group) {
  const described = versions.map(({ version }) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: described, preferredVersion: described[0] };
}

/** `/api/v1`, `/apis/GROUP/VERSION`; undefined for one that is not served. */
export function apiResourceList(kinds: ServedKinds, group: string, version: string): object | undefined {
  const served = [...kinds.all()].filter((kind) => kind.group === group && kind.version === version);
  const [first] = served;
  if (first === undefined) return undefined;
  return {
    kind: "APIResourceList",
    ...(group === "" ? {} : { apiVersion: "v1" }),
    groupVersion: apiVersionOfResource(first),
    resources: served.flatMap(describeResource),
  };
}

function describeResource(served: ServedKind): object[] {
  const { plural, singular, namespaced, kind, verbs, shortNames, categories } = served;
  const hash = served.custom === undefined ? served.storageVersionHash : customHash(served);
  return [
    {
      name: plural,
      singularName: singular,
      namespaced,
      kind,
      verbs,
      ...(shortNames.length === 0 ? {} : { shortNames }),
      ...(categories.length === 0 ? {} : { categories }),
      ...(hash === undefined ? {} : { storageVersionHash: hash }),
    },
    ...served.subresources.map((sub) => ({
      name: `${plural}/${sub.name}`,
      singularName: "",
      namespaced: sub.namespaced,
      ...(isOwnKind(served, sub) ? {} : { group: sub.group, version: sub.version }),
      kind: sub.kind,
      verbs: sub.verbs,
    })),
  ];
}

const isOwnKind = (served: ServedKind, sub: Subresource): boolean =>
  sub.group === served.group && sub.version === served.version;

/** How upstream hashes the stored version: for clients it is opaque. */
function customHash({ storageApiVersion, kind }: ServedKind): string {
  return createHash("sha256")
    .update(`${storageApiVersion}/${kind}`)
    .digest()
    .subarray(0, 8)
    .toString("base64");
}

/** The aggregated document: every group, version and resource at once; `/api` has the core group, `/apis` the others. */
export function aggregatedDiscovery(kinds: ServedKinds, core: boolean, version: string): object {
  const groups = groupsOf(kinds).filter(({ name }) => (name === "") === core);
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(({ name, versions }) => ({
      metadata: name === "" ? {} : { name },
      versions: versions.map((entry) => ({
        version: entry.version,
        resources: entry.kinds.map(aggregatedResource),
        freshness: "Current",
      })),
    })),
  };
}

function aggregatedResource(served: ServedKind): object {
  const { plural, singular, namespaced, kind, verbs, shortNames, categories, subresources } = served;
  // The kind's own group goes without saying for built-in kinds.
  const own =
    served.custom === undefined
      ? { group: "", version: "" }
      : { group: served.group, version: served.version };
  return {
    resource: plural,
    responseKind: { ...own, kind },
    scope: namespaced ? "Namespaced" : "Cluster",
    singularResource: singular,
    verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(subresources.length === 0
      ? {}
      : {
          subresources: subresources.map((sub) => ({
            subresource: sub.name,
            responseKind: isOwnKind(served, sub)
              ? { ...own, kind: sub.kind }
              : { group: sub.group, version: sub.version, kind: sub.kind },
            verbs: sub.verbs,
          })),
        }),
  };
}
