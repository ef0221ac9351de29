import { isNotFound, type ResourceClient } from "@tracegate/kube";
import { fieldManager, refOf } from "./apply.ts";
import { discoverKinds } from "./kinds.ts";
import { readLive } from "./live-objects.ts";
import type { Manifest } from "./manifest.ts";
import { waveOf } from "./sync/hooks.ts";
import { resourceOptions } from "./sync/options.ts";
import { Application } from "./types/application.ts";

export const resourcesFinalizer = "resources-finalizer.argocd.argoproj.io";

const cascades = (finalizer: string): boolean =>
  finalizer === resourcesFinalizer || finalizer.startsWith(`${resourcesFinalizer}/`);

/**
 * Brings a deletion a step on: without a cascade finalizer nothing is touched, with it what is tracked is deleted wave by
 * wave, the highest first, and the finalizer goes when nothing is left. Returns the identities still waited for.
 */
export async function deleteApplication(
  client: ResourceClient,
  application: Application,
): Promise<ReadonlySet<string>> {
  const finalizers = application.metadata.finalizers ?? [];
  const cascade = finalizers.find(cascades);
  if (cascade === undefined) return new Set();
  const catalogue = await discoverKinds(client);
  const { objects } = await readLive(client, catalogue, {
    application: application.metadata.name,
    destinationNamespace: application.spec.destination.namespace ?? "",
    targets: [],
    known: application.status?.resources ?? [],
    everyKind: true,
  });
  const doomed = objects.filter((object) => mayBeDeleted(object, application));
  if (doomed.length === 0) {
    const rest = finalizers.filter((finalizer) => !cascades(finalizer));
    await client.patch(
      Application,
      refOf(application),
      { type: "merge", body: { metadata: { finalizers: rest } } },
      { fieldManager },
    );
    return new Set();
  }
  const approved = Date.parse(
    application.metadata.annotations?.["argocd.argoproj.io/deletion-approved"] ?? "",
  );
  const asked = Date.parse(application.metadata.deletionTimestamp ?? "");
  const unapproved =
    doomed.some(({ metadata }) => resourceOptions(metadata).get("Delete") === "confirm") &&
    !(approved >= asked);
  if (unapproved) return new Set(doomed.flatMap(({ metadata }) => metadata.uid ?? []));
  const terminating = doomed.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
  if (terminating.length === 0) {
    const wave = Math.max(...doomed.map(({ metadata }) => waveOf(metadata)));
    const propagationPolicy = cascade.endsWith("/background") ? "Background" : "Foreground";
    for (const object of doomed.filter(({ metadata }) => waveOf(metadata) === wave)) {
      const found = catalogue.find(object);
      if (found === undefined || !("kind" in found)) continue;
      try {
        await client.delete(found.kind, refOf(object), { propagationPolicy });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    // What had nothing to wait for is gone already; another look tells.
    return await deleteApplication(client, application);
  }
  return new Set(doomed.flatMap(({ metadata }) => metadata.uid ?? []));
}

function mayBeDeleted(object: Manifest, application: Application): boolean {
  if (object.kind === "CustomResourceDefinition") return false;
  if (object.kind === "Application" && object.metadata.name === application.metadata.name) return false;
  if (object.metadata.annotations?.["helm.sh/resource-policy"] === "keep") return false;
  return resourceOptions(object.metadata).get("Delete") !== "false";
}
