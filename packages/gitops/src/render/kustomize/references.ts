import { isObject, listAt, type Manifest, valueAt } from "../../manifest.ts";
import { isSubject, podTemplatePath, type Resource } from "./resource.ts";

/** Rewrites names that objects of built-in kinds use for others of the build which have been renamed. */
export function updateReferences(resources: readonly Resource[]): void {
  for (const referrer of resources) {
    const rename = (kinds: readonly string[], holder: unknown, field: string) => {
      if (!isObject(holder) || typeof holder[field] !== "string") return;
      holder[field] = currentName(resources, kinds, holder[field], referrer);
    };
    for (const { kinds, holders, field } of referencesOf(referrer.manifest, resources))
      for (const holder of holders) rename(kinds, holder, field);
  }
}

/** The name now of what was called `name`. What the build does not hold keeps its name. */
function currentName(
  resources: readonly Resource[],
  kinds: readonly string[],
  name: string,
  referrer: Resource,
): string {
  const { namespace } = referrer.manifest.metadata;
  const candidates = resources.filter(
    (resource) =>
      kinds.includes(resource.manifest.kind) &&
      resource.names.includes(name) &&
      (resource.manifest.metadata.namespace === undefined ||
        namespace === undefined ||
        resource.manifest.metadata.namespace === namespace),
  );
  // Of several that had the name, the one that still has it, or the one written under it.
  const chosen =
    candidates.find(({ manifest }) => manifest.metadata.name === name) ??
    candidates.find(({ names }) => names[0] === name) ??
    candidates[0];
  return chosen?.manifest.metadata.name ?? name;
}

interface References {
  readonly kinds: readonly string[];
  readonly holders: readonly unknown[];
  readonly field: string;
}

function referencesOf(manifest: Manifest, resources: readonly Resource[]): References[] {
  const found: References[] = [];
  const add = (kinds: readonly string[] | string, field: string, holders: readonly unknown[]) =>
    found.push({ kinds: typeof kinds === "string" ? [kinds] : kinds, holders, field });
  const template = podTemplatePath(manifest);
  if (template !== undefined) addPodReferences(valueAt(manifest, ...template, "spec"), add);
  switch (manifest.kind) {
    case "Ingress": {
      const paths = listAt(manifest, "spec", "rules").flatMap((rule) => listAt(rule, "http", "paths"));
      const backends = [
        ...paths.map((path) => valueAt(path, "backend")),
        valueAt(manifest, "spec", "defaultBackend"),
      ];
      add(
        "Service",
        "name",
        backends.map((backend) => valueAt(backend, "service")),
      );
      add("Secret", "secretName", listAt(manifest, "spec", "tls"));
      add("IngressClass", "ingressClassName", [valueAt(manifest, "spec")]);
      break;
    }
    case "StatefulSet":
      add("Service", "serviceName", [valueAt(manifest, "spec")]);
      add(
        "StorageClass",
        "storageClassName",
        listAt(manifest, "spec", "volumeClaimTemplates").map((claim) => valueAt(claim, "spec")),
      );
      break;
    case "ServiceAccount":
      // ⚠ What it lists as its own secrets keeps its names, as kustomize has it.
      add("Secret", "name", listAt(manifest, "imagePullSecrets"));
      break;
    case "RoleBinding":
    case "ClusterRoleBinding": {
      const role = valueAt(manifest, "roleRef");
      add(isObject(role) && role["kind"] === "ClusterRole" ? "ClusterRole" : "Role", "name", [role]);
      for (const subject of listAt(manifest, "subjects").filter(isObject)) {
        const account = resources.find(
          (resource) => subject["kind"] === "ServiceAccount" && isSubject(resource, subject),
        );
        if (account !== undefined) subject["name"] = account.manifest.metadata.name;
      }
      break;
    }
    case "PersistentVolumeClaim":
      add("PersistentVolume", "volumeName", [valueAt(manifest, "spec")]);
      add("StorageClass", "storageClassName", [valueAt(manifest, "spec")]);
      break;
    case "PersistentVolume":
      add("StorageClass", "storageClassName", [valueAt(manifest, "spec")]);
      break;
    case "ValidatingWebhookConfiguration":
    case "MutatingWebhookConfiguration":
      add(
        "Service",
        "name",
        listAt(manifest, "webhooks").map((webhook) => valueAt(webhook, "clientConfig", "service")),
      );
      break;
    case "APIService":
      add("Service", "name", [valueAt(manifest, "spec", "service")]);
      break;
    case "HorizontalPodAutoscaler": {
      const target = valueAt(manifest, "spec", "scaleTargetRef");
      add(isObject(target) ? String(target["kind"]) : "", "name", [target]);
      break;
    }
    default:
  }
  return found;
}

function addPodReferences(
  spec: unknown,
  add: (kinds: string, field: string, holders: readonly unknown[]) => void,
): void {
  const volumes = listAt(spec, "volumes");
  const projected = volumes.flatMap((volume) => listAt(volume, "projected", "sources"));
  const containers = [...listAt(spec, "containers"), ...listAt(spec, "initContainers")];
  const env = containers
    .flatMap((container) => listAt(container, "env"))
    .map((entry) => valueAt(entry, "valueFrom"));
  const envFrom = containers.flatMap((container) => listAt(container, "envFrom"));
  const under = (holders: readonly unknown[], key: string) => holders.map((holder) => valueAt(holder, key));
  add("ConfigMap", "name", [
    ...under([...volumes, ...projected], "configMap"),
    ...under(env, "configMapKeyRef"),
    ...under(envFrom, "configMapRef"),
  ]);
  add("Secret", "secretName", under(volumes, "secret"));
  add("Secret", "name", [
    ...under(projected, "secret"),
    ...under(env, "secretKeyRef"),
    ...under(envFrom, "secretRef"),
    ...listAt(spec, "imagePullSecrets"),
  ]);
  add("PersistentVolumeClaim", "claimName", under(volumes, "persistentVolumeClaim"));
  add("ServiceAccount", "serviceAccountName", [spec]);
  add("PriorityClass", "priorityClassName", [spec]);
}
