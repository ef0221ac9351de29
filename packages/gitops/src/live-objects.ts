import { isNotFound, type Kind, Pod, ReplicaSet, type ResourceClient } from "@tracegate/kube";
import { trackedBy } from "./compare/tracking.ts";
import type { KindCatalogue } from "./kinds.ts";
import { imagesOf, keyOf, keyText, type Manifest, type ResourceKey } from "./manifest.ts";

export interface LiveObjects {
  /** Objects with the Application's mark, and those at the keys that were asked for. */
  readonly objects: readonly Manifest[];
  /** Images of the pods that belong to them, sorted, each once. */
  readonly images: readonly string[];
  /** The identities of everything that belongs to the Application, pods included; changes of these concern it. */
  readonly uids: ReadonlySet<string>;
}

export interface LiveQuery {
  readonly application: string;
  readonly destinationNamespace: string;
  readonly targets: readonly Manifest[];
  /** What the last comparison listed: what it applied may have gone from Git since. */
  readonly known: readonly (Pick<ResourceKey, "kind" | "name"> & {
    group?: string;
    version: string;
    namespace?: string;
  })[];
  /** Looks for marked objects of every kind, not only of those named above. */
  readonly everyKind: boolean;
}

/** Reads what is there of an Application: one list a kind and namespace, however many objects it has. */
export async function readLive(
  client: ResourceClient,
  catalogue: KindCatalogue,
  { application, destinationNamespace, targets, known, everyKind }: LiveQuery,
): Promise<LiveObjects> {
  const wanted = new Set(targets.map((target) => keyText(keyOf(target))));
  const lists = new Map<string, { kind: Kind<Manifest>; namespace?: string }>();
  const add = (kind: Kind<Manifest>, namespace: string) => {
    const entry = kind.namespaced ? { kind, namespace } : { kind };
    if (!kind.namespaced || namespace !== "")
      lists.set(`${kind.group}/${kind.kind}/${entry.namespace ?? ""}`, entry);
  };
  for (const target of targets) {
    const found = catalogue.find(target);
    if (found !== undefined && "kind" in found) add(found.kind, target.metadata.namespace ?? "");
  }
  for (const { group = "", version, kind, namespace = "" } of known) {
    const found = catalogue.find({ apiVersion: group === "" ? version : `${group}/${version}`, kind });
    if (found !== undefined && "kind" in found) add(found.kind, namespace);
  }
  if (everyKind)
    for (const kind of catalogue.all) if (!derived.has(kind.kind)) add(kind, destinationNamespace);

  const objects: Manifest[] = [];
  const listed = await Promise.all(
    [...lists.values()].map(({ kind, namespace }) => listObjects(client, kind, namespace)),
  );
  const seen = new Set<string>();
  for (const object of listed.flat()) {
    const key = keyText(keyOf(object));
    if (seen.has(key)) continue; // a kind served in two versions
    if (!wanted.has(key) && trackedBy(object.metadata) !== application) continue;
    seen.add(key);
    objects.push(object);
  }
  return { objects, ...(await descendants(client, objects)) };
}

/** Never applied from Git and many: not worth a search for marked ones. */
const derived = new Set([
  "Event",
  "Pod",
  "ReplicaSet",
  "EndpointSlice",
  "Endpoints",
  "ControllerRevision",
  "Lease",
]);

async function descendants(
  client: ResourceClient,
  roots: readonly Manifest[],
): Promise<Pick<LiveObjects, "images" | "uids">> {
  const uids = new Set(roots.flatMap(({ metadata }) => metadata.uid ?? []));
  const owners = roots.filter(({ kind }) => ownsPods.has(kind));
  const images = new Set(roots.filter(({ kind }) => kind === "Pod").flatMap(imagesOf));
  const namespaces = new Set(owners.flatMap(({ metadata }) => metadata.namespace ?? []));
  for (const namespace of namespaces) {
    const owned = (object: { metadata: Manifest["metadata"] }) =>
      object.metadata.ownerReferences?.some(({ uid }) => uids.has(uid)) === true;
    for (const replicaSet of await listObjects(client, ReplicaSet, namespace)) {
      if (owned(replicaSet) && replicaSet.metadata.uid !== undefined) uids.add(replicaSet.metadata.uid);
    }
    for (const pod of await listObjects(client, Pod, namespace)) {
      if (!owned(pod)) continue;
      if (pod.metadata.uid !== undefined) uids.add(pod.metadata.uid);
      for (const image of imagesOf(pod)) images.add(image);
    }
  }
  return { images: [...images].sort(), uids };
}

const ownsPods = new Set([
  "Deployment",
  "ReplicaSet",
  "StatefulSet",
  "DaemonSet",
  "Job",
  "CronJob",
  "Rollout",
]);

/** The objects of a kind, of one namespace or of all; none where the kind is not served. */
export async function listObjects(
  client: ResourceClient,
  kind: Kind<Manifest> | Kind,
  namespace?: string,
): Promise<Manifest[]> {
  try {
    const { items } = await client.list(kind as Kind<Manifest>, namespace === undefined ? {} : { namespace });
    return items.map((item) => ({
      ...item,
      apiVersion: item.apiVersion ?? versionText(kind),
      kind: item.kind ?? kind.kind,
    }));
  } catch (error) {
    if (isNotFound(error)) return []; // the kind is not served
    throw error;
  }
}

const versionText = (kind: Kind): string =>
  kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
