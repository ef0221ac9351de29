import type { Kind, ResourceClient } from "@tracegate/kube";
import { trackedBy } from "./compare/tracking.ts";
import { discoverKinds, type KindCatalogue } from "./kinds.ts";
import { listObjects } from "./live-objects.ts";
import { groupOf, keyOf, keyText, type Manifest, type ResourceKey } from "./manifest.ts";
import { anything, permitsKind } from "./project.ts";
import type { AppProjectSpec } from "./types/app-project.ts";
import { Application } from "./types/application.ts";

/**
 * What lies in an Application's namespace and belongs to no Application, with all that belongs to it: in the order of keys.
 * Nothing where the project does not ask for it, for it takes a list of every kind.
 */
export async function findOrphans(
  client: ResourceClient,
  catalogue: KindCatalogue,
  application: Application,
  project: AppProjectSpec,
  managed: ReadonlySet<string>,
): Promise<readonly Manifest[]> {
  const { namespace = "" } = application.spec.destination;
  const { orphanedResources } = project;
  if (orphanedResources === undefined || namespace === "") return [];
  const kinds = catalogue.all.filter(({ kind, namespaced }) => namespaced && !kept.has(kind));
  const lists = await Promise.all(kinds.map((kind: Kind<Manifest>) => listObjects(client, kind, namespace)));
  const { items } = await client.list(
    Application,
    application.metadata.namespace === undefined ? {} : { namespace: application.metadata.namespace },
  );
  const applications = new Set(items.map(({ metadata }) => metadata.name));
  const ignored = orphanedResources.ignore ?? [];
  const objects = new Map(lists.flat().map((object) => [keyText(keyOf(object)), object]));
  const found = new Set<Manifest>();
  const add = (object: Manifest) => {
    const owner = trackedBy(object.metadata);
    const permitted = permitsKind(project, { group: groupOf(object), kind: object.kind, namespaced: true });
    if (!permitted || (owner !== undefined && applications.has(owner))) return;
    found.add(object);
    for (const child of objects.values())
      if (child.metadata.ownerReferences?.some(({ uid }) => uid === object.metadata.uid) === true) add(child);
  };
  for (const [key, object] of objects) {
    if ((object.metadata.ownerReferences?.length ?? 0) > 0 || managed.has(key)) continue;
    if (!isExpected(keyOf(object)) && !ignored.some((rule) => matches(rule, keyOf(object)))) add(object);
  }
  return [...found].sort((a, b) => (keyText(keyOf(a)) < keyText(keyOf(b)) ? -1 : 1));
}

/** The same for an Application as its status lists what it manages. */
export async function orphansOf(
  client: ResourceClient,
  application: Application,
  project: AppProjectSpec,
): Promise<readonly Manifest[]> {
  const managed = (application.status?.resources ?? []).map(({ group = "", kind, namespace = "", name }) =>
    keyText({ group, kind, namespace, name }),
  );
  return await findOrphans(client, await discoverKinds(client), application, project, new Set(managed));
}

/** Kinds that nobody deploys and the control plane keeps. */
const kept = new Set(["Event", "Lease", "Endpoints", "EndpointSlice"]);

/** What is in every namespace. */
function isExpected({ group, kind, namespace, name }: ResourceKey): boolean {
  if (group !== "") return false;
  return (
    (kind === "ServiceAccount" && name === "default") ||
    (kind === "ConfigMap" && name === "kube-root-ca.crt") ||
    (kind === "Service" && name === "kubernetes" && namespace === "default")
  );
}

function matches(
  rule: { readonly group?: string; readonly kind?: string; readonly name?: string },
  key: ResourceKey,
): boolean {
  const agrees = (pattern: string | undefined, value: string) =>
    pattern === undefined || pattern === "" || anything(pattern).test(value);
  return (
    agrees(rule.kind, key.kind) && anything(rule.group ?? "").test(key.group) && agrees(rule.name, key.name)
  );
}
