import {
  apiVersionOf,
  type Kind,
  type KubeObject,
  type OwnerReference,
  Pod,
  type PodTemplateSpec,
} from "@tracegate/kube";

/** The reference that makes `owner` the one controller of an object. */
export function controllerReference(kind: Kind, owner: KubeObject): OwnerReference {
  return {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid ?? "",
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** A new pod, named by the API after its owner. Templates may carry finalizers, too. */
export function podFromTemplate(kind: Kind, owner: KubeObject, template: PodTemplateSpec): Pod {
  const { labels, annotations, finalizers } = (template.metadata ?? {}) as NonNullable<
    PodTemplateSpec["metadata"]
  > & { finalizers?: string[] }; // part of ObjectMeta, though no template we make has any
  return structuredClone({
    apiVersion: apiVersionOf(Pod),
    kind: Pod.kind,
    metadata: {
      name: "",
      generateName: `${owner.metadata.name}-`,
      ...(owner.metadata.namespace !== undefined && { namespace: owner.metadata.namespace }),
      ...(labels !== undefined && { labels }),
      ...(annotations !== undefined && { annotations }),
      ...(finalizers !== undefined && { finalizers }),
      ownerReferences: [controllerReference(kind, owner)],
    },
    spec: template.spec,
  });
}
