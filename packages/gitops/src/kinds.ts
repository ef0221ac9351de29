import {
  apiVersionOf,
  CustomResourceDefinition,
  defineKind,
  type Kind,
  type KubeObject,
  type ResourceClient,
} from "@tracegate/kube";
import { groupOf, type Manifest } from "./manifest.ts";

/** The kinds a destination serves. */
export interface KindCatalogue {
  /** The kind of a manifest: exactly, or what is installed of its group and kind. */
  find(
    manifest: Pick<KubeObject, "apiVersion" | "kind">,
  ): { kind: Kind<Manifest> } | { otherVersion: string } | undefined;
  readonly all: readonly Kind<Manifest>[];
}

export function kindCatalogue(kinds: readonly Kind[]): KindCatalogue {
  // Manifests say nothing of their object type; the catalogue reads every kind as a plain manifest.
  const all = kinds as readonly Kind<Manifest>[];
  const exact = new Map(all.map((kind) => [`${apiVersionOf(kind)}/${kind.kind}`, kind]));
  const byGroup = new Map(all.map((kind) => [`${kind.group}/${kind.kind}`, kind]));
  return {
    all,
    find(manifest) {
      const kind = exact.get(`${manifest.apiVersion}/${manifest.kind}`);
      if (kind !== undefined) return { kind };
      const other = byGroup.get(`${groupOf(manifest)}/${manifest.kind}`);
      return other === undefined ? undefined : { otherVersion: other.version };
    },
  };
}

/** The built-in kinds and those of the CustomResourceDefinitions that the API holds now. */
export async function discoverKinds(
  client: ResourceClient,
  builtIn: readonly Kind[] = builtInKinds,
): Promise<KindCatalogue> {
  const definitions = await client.list(CustomResourceDefinition);
  const custom = definitions.items.flatMap(({ spec }) =>
    spec.versions
      .filter(({ served }) => served)
      .map(({ name }) =>
        defineKind(`${spec.group}/${name}`, spec.names.kind, spec.names.plural, {
          namespaced: spec.scope === "Namespaced",
        }),
      ),
  );
  return kindCatalogue([...builtIn, ...custom]);
}

const cluster = { namespaced: false };

/** What manifests may hold of the API's own kinds. */
export const builtInKinds: readonly Kind[] = [
  defineKind("v1", "Namespace", "namespaces", cluster),
  defineKind("v1", "ConfigMap", "configmaps"),
  defineKind("v1", "Secret", "secrets"),
  defineKind("v1", "Service", "services"),
  defineKind("v1", "ServiceAccount", "serviceaccounts"),
  defineKind("v1", "Pod", "pods"),
  defineKind("v1", "ReplicationController", "replicationcontrollers"),
  defineKind("v1", "ResourceQuota", "resourcequotas"),
  defineKind("v1", "LimitRange", "limitranges"),
  defineKind("v1", "PersistentVolume", "persistentvolumes", cluster),
  defineKind("v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
  defineKind("apps/v1", "Deployment", "deployments"),
  defineKind("apps/v1", "ReplicaSet", "replicasets"),
  defineKind("apps/v1", "StatefulSet", "statefulsets"),
  defineKind("apps/v1", "DaemonSet", "daemonsets"),
  defineKind("batch/v1", "Job", "jobs"),
  defineKind("batch/v1", "CronJob", "cronjobs"),
  defineKind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
  defineKind("networking.k8s.io/v1", "Ingress", "ingresses"),
  defineKind("networking.k8s.io/v1", "IngressClass", "ingressclasses", cluster),
  defineKind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
  defineKind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
  defineKind("rbac.authorization.k8s.io/v1", "Role", "roles"),
  defineKind("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings"),
  defineKind("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", cluster),
  defineKind("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings", cluster),
  defineKind("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", cluster),
  defineKind("storage.k8s.io/v1", "StorageClass", "storageclasses", cluster),
  defineKind("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", cluster),
];

const builtInGroups = new Set([
  ...builtInKinds.map(({ group }) => group),
  "autoscaling",
  "admissionregistration.k8s.io",
]);

/** Whether objects of the group have Go types, hence lists that merge by key. */
export const isBuiltInGroup = (group: string): boolean => builtInGroups.has(group);
