import { type KubeObject, type ObjectMeta, TEMPLATE_GENERATION } from "@tracegate/kube";

/** An object as a `PartialObjectMetadata`, for those who need no more. */
export function metadataOnly(object: KubeObject, { version = "v1" }: { version?: string }): object {
  const metadata = withoutInternal(object);
  return { kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${version}`, metadata };
}

/** Upstream reads metadata from its internal form, where a DaemonSet's template generation is no annotation. */
function withoutInternal({ apiVersion, kind, metadata }: KubeObject): ObjectMeta {
  if (kind !== "DaemonSet" || apiVersion !== "apps/v1") return metadata;
  const { annotations: { [TEMPLATE_GENERATION]: _, ...annotations } = {}, ...rest } = metadata;
  return Object.keys(annotations).length === 0 ? rest : { ...rest, annotations };
}
