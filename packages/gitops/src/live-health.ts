import type { Kind, KubeObject, ResourceClient } from "@tracegate/kube";
import { findProject } from "./application-state.ts";
import { getOrUndefined } from "./apply.ts";
import { resourceHealth } from "./health/health.ts";
import { discoverKinds } from "./kinds.ts";
import { keyText, type Manifest } from "./manifest.ts";
import { permitsLive } from "./project.ts";
import type { Application, Health } from "./types/application.ts";

export type KindOfResource = Kind<Manifest>;

/** Finds the kind of a resource that the API serves now. */
export async function resourceKinds(
  client: ResourceClient,
): Promise<(resource: Pick<KubeObject, "apiVersion" | "kind">) => KindOfResource | undefined> {
  const catalogue = await discoverKinds(client);
  return (resource) => {
    const found = catalogue.find(resource);
    return found !== undefined && "kind" in found ? found.kind : undefined;
  };
}

/** The live objects of an Application's resources, by `group/kind/namespace/name`; undefined for those that are missing. */
export async function readLive(
  client: ResourceClient,
  application: Application,
): Promise<ReadonlyMap<string, Manifest | undefined>> {
  const kindOf = await resourceKinds(client);
  const project = await findProject(client, application);
  const objects = new Map<string, Manifest | undefined>();
  for (const resource of application.status?.resources ?? []) {
    const { group = "", version, kind, namespace = "", name } = resource;
    const object: Manifest = {
      apiVersion: group === "" ? version : `${group}/${version}`,
      kind,
      metadata: { name, ...(namespace === "" ? {} : { namespace }) },
    };
    const known = (name ?? "") === "" ? undefined : kindOf(object);
    // What the project did not permit when it was compared is invisible.
    const hidden =
      resource.status === "Unknown" &&
      project !== undefined &&
      !permitsLive(project, object, application.spec.destination);
    const live = known === undefined || hidden ? undefined : await getOrUndefined(client, known, object);
    objects.set(
      keyText({ group, kind, namespace, name }),
      live && { ...live, apiVersion: object.apiVersion, kind },
    );
  }
  return objects;
}

/**
 * The health of each of an Application's resources, by `group/kind/namespace/name`. The stored status leaves it out
 * (`resourceHealthSource: appTree`); whoever shows it reads the live objects.
 */
export async function readHealth(
  client: ResourceClient,
  application: Application,
): Promise<ReadonlyMap<string, Health>> {
  const health = new Map<string, Health>();
  // ⚠ Of an Application that may not be compared nothing is said, as upstream.
  const { sync, conditions = [] } = application.status ?? {};
  if (sync?.status === "Unknown" && conditions.some(({ type }) => type === "InvalidSpecError")) return health;
  for (const [key, live] of await readLive(client, application)) {
    const judged = live === undefined ? ({ status: "Missing" } as const) : resourceHealth(live);
    if (judged !== undefined) health.set(key, judged);
  }
  return health;
}
