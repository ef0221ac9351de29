import type { ObjectMeta } from "@tracegate/kube";
import { keyOf, type Manifest, type ResourceKey } from "../manifest.ts";

export const trackingAnnotation = "argocd.argoproj.io/tracking-id";

/** `app:group/Kind:namespace/name`: what marks an object as belonging to an Application. */
export function trackingId(application: string, { group, kind, namespace, name }: ResourceKey): string {
  return `${application}:${group}/${kind}:${namespace}/${name}`;
}

/** The Application that an object says it belongs to. */
export function trackedBy(metadata: Pick<ObjectMeta, "annotations">): string | undefined {
  const id = metadata.annotations?.[trackingAnnotation];
  const colon = id?.indexOf(":") ?? -1;
  return colon <= 0 ? undefined : id?.slice(0, colon);
}

/**
 * Whether the object's mark names the object itself. A copy made by hand carries the mark of its original; it belongs
 * to the Application for display and nothing else. The namespace in the mark of a cluster-scoped object does not count.
 */
export function namesItself(live: Manifest, application: string): boolean {
  const key = keyOf(live);
  const id = live.metadata.annotations?.[trackingAnnotation];
  if (id === undefined) return true; // nothing contradicts it
  if (key.namespace !== "") return id === trackingId(application, key);
  return id.startsWith(`${application}:${key.group}/${key.kind}:`) && id.endsWith(`/${key.name}`);
}

/** Marks a target. CustomResourceDefinitions are never marked, so they are never pruned nor deleted with the Application. */
export function mark(target: Manifest, application: string, destinationNamespace: string): void {
  if (target.kind === "CustomResourceDefinition") return;
  const key = keyOf(target);
  const marked = trackingId(
    application,
    key.namespace === "" ? { ...key, namespace: destinationNamespace } : key,
  );
  target.metadata.annotations = { ...target.metadata.annotations, [trackingAnnotation]: marked };
}
