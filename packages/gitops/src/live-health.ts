import type { ResourceClient } from "@tracegate/kube";
import { getOrUndefined } from "./apply.ts";
import { resourceHealth } from "./health/health.ts";
import { discoverKinds } from "./kinds.ts";
import { keyText, type Manifest } from "./manifest.ts";
import type { Application, Health } from "./types/application.ts";

/**
 * The health of each of an Application's resources, by `group/kind/namespace/name`. The stored status leaves it out
 * (`resourceHealthSource: appTree`); whoever shows it reads the live objects.
 */
export async function readHealth(
  client: ResourceClient,
  application: Application,
): Promise<ReadonlyMap<string, Health>> {
  const catalogue = await discoverKinds(client);
  const health = new Map<string, Health>();
  for (const { group = "", version, kind, namespace = "", name, hook } of application.status?.resources ??
    []) {
    if (hook === true) continue;
    const object: Manifest = {
      apiVersion: group === "" ? version : `${group}/${version}`,
      kind,
      metadata: { name, ...(namespace === "" ? {} : { namespace }) },
    };
    const found = catalogue.find(object);
    const live =
      found !== undefined && "kind" in found ? await getOrUndefined(client, found.kind, object) : undefined;
    const judged = live === undefined ? ({ status: "Missing" } as const) : resourceHealth(live);
    if (judged !== undefined) health.set(keyText({ group, kind, namespace, name }), judged);
  }
  return health;
}
