import { groupOf, type Manifest, stringAt, versionOf } from "../../manifest.ts";

/** A resource on its way through the layers of a build. Its manifest is its own and changed in place. */
export interface Resource {
  manifest: Manifest;
  /** Names it had, the first one written in its file; patches and references find it by any of them. */
  readonly names: string[];
  /** Namespaces it had, in the same manner. */
  readonly namespaces: string[];
  /** Generated: gets a suffix that follows from its content. */
  hashed: boolean;
}

export function resourceOf(manifest: Manifest, hashed = false): Resource {
  return {
    manifest,
    names: [manifest.metadata.name],
    namespaces: [manifest.metadata.namespace ?? ""],
    hashed,
  };
}

/** Whether a resource is the service account that a binding names; in the namespace it names, or in none of its own. */
export function isSubject({ manifest, names, namespaces }: Resource, subject: unknown): boolean {
  if (manifest.kind !== "ServiceAccount" || !names.includes(stringAt(subject, "name") ?? "")) return false;
  const wanted = stringAt(subject, "namespace") ?? "";
  const isDefault = (namespace: string) => namespace === "" || namespace === "default";
  return namespaces.some((own) => own === wanted || (isDefault(own) && isDefault(wanted)));
}

export function rename(resource: Resource, name: string): void {
  resource.manifest.metadata.name = name;
  if (!resource.names.includes(name)) resource.names.push(name);
}

export function moveTo(resource: Resource, namespace: string): void {
  resource.manifest.metadata.namespace = namespace;
  if (!resource.namespaces.includes(namespace)) resource.namespaces.push(namespace);
}

/** `Deployment.v1.apps/web.[noNs]`, as kustomize's messages identify a resource. */
export function idText(manifest: Manifest): string {
  const { name, namespace } = manifest.metadata;
  const group = groupOf(manifest) || "[noGrp]";
  return `${manifest.kind}.${versionOf(manifest)}.${group}/${name}.${namespace === undefined || namespace === "" ? "[noNs]" : namespace}`;
}

/** Where a kind keeps its pod template, by path of keys. */
export function podTemplatePath({ apiVersion, kind }: Manifest): readonly string[] | undefined {
  if (apiVersion === "v1" && kind === "Pod") return [];
  if (apiVersion === "v1" && kind === "ReplicationController") return ["spec", "template"];
  if (/^apps\//.test(apiVersion) && ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"].includes(kind))
    return ["spec", "template"];
  if (/^batch\//.test(apiVersion) && kind === "Job") return ["spec", "template"];
  if (/^batch\//.test(apiVersion) && kind === "CronJob") return ["spec", "jobTemplate", "spec", "template"];
  return undefined;
}

const clusterScoped = new Set([
  "Namespace",
  "Node",
  "PersistentVolume",
  "CustomResourceDefinition",
  "ClusterRole",
  "ClusterRoleBinding",
  "StorageClass",
  "PriorityClass",
  "IngressClass",
  "RuntimeClass",
  "APIService",
  "CSIDriver",
  "CSINode",
  "MutatingWebhookConfiguration",
  "ValidatingWebhookConfiguration",
  "ValidatingAdmissionPolicy",
  "ValidatingAdmissionPolicyBinding",
]);

/** Kinds that are known to have no namespace; unknown ones are taken to have one. */
export const isClusterScoped = ({ kind }: Manifest): boolean => clusterScoped.has(kind);
