import { isObject, type JsonObject } from "@tracegate/kube";
import { containersIn, listAt, type Manifest, stringAt, valueAt } from "../../manifest.ts";
import { type ImageChange, type Kustomization, KustomizeError } from "./kustomization.ts";
import { isClusterScoped, isSubject, moveTo, podTemplatePath, type Resource, rename } from "./resource.ts";

/** Puts everything that can have one into a namespace; a Namespace object takes the name itself. */
export function setNamespace(resources: readonly Resource[], namespace: string): void {
  for (const resource of resources) {
    const { manifest } = resource;
    if (manifest.kind === "Namespace" && manifest.apiVersion === "v1") rename(resource, namespace);
    else if (!isClusterScoped(manifest)) moveTo(resource, namespace);
    if (manifest.kind === "RoleBinding" || manifest.kind === "ClusterRoleBinding") {
      for (const subject of listAt(manifest, "subjects")) {
        if (!isObject(subject) || subject["kind"] !== "ServiceAccount") continue;
        const defined = resources.some((other) => isSubject(other, subject));
        if (subject["name"] === "default" || defined) subject["namespace"] = namespace;
      }
    }
  }
}

/** Adds to names; definitions and namespaces keep theirs. */
export function addToNames(resources: readonly Resource[], prefix: string, suffix: string): void {
  for (const resource of resources) {
    if (["CustomResourceDefinition", "APIService", "Namespace"].includes(resource.manifest.kind)) continue;
    rename(resource, `${prefix}${resource.manifest.metadata.name}${suffix}`);
  }
}

/** Labels everything; into selectors and pod templates of built-in kinds where asked. */
export function addLabels(
  resources: readonly Resource[],
  labels: Readonly<Record<string, string>>,
  into: { selectors: boolean; templates: boolean },
): void {
  for (const { manifest } of resources) {
    manifest.metadata.labels = { ...manifest.metadata.labels, ...labels };
    const template = podTemplatePath(manifest);
    if (template !== undefined && template.length > 0 && (into.templates || into.selectors)) {
      Object.assign(objectAt(manifest, [...template, "metadata", "labels"]), labels);
      for (const claim of claimTemplatesOf(manifest))
        Object.assign(objectAt(claim, ["metadata", "labels"]), labels);
      for (const job of jobTemplatesOf(manifest))
        Object.assign(objectAt(job, ["metadata", "labels"]), labels);
    }
    if (into.selectors) addToSelector(manifest, labels);
  }
}

/** What a StatefulSet claims for each of its pods. */
const claimTemplatesOf = (manifest: Manifest): JsonObject[] =>
  manifest.kind === "StatefulSet" ? listAt(manifest, "spec", "volumeClaimTemplates").filter(isObject) : [];

/** What a CronJob makes Jobs of. */
const jobTemplatesOf = (manifest: Manifest): JsonObject[] =>
  manifest.kind === "CronJob" ? [valueAt(manifest, "spec", "jobTemplate")].filter(isObject) : [];

/** Selectors of pods that are only added to where they are: they would choose others if they were made. */
function selectorsWithin(manifest: Manifest): unknown[] {
  const rules = [...listAt(manifest, "spec", "ingress"), ...listAt(manifest, "spec", "egress")];
  const peers = rules.flatMap((rule) => [...listAt(rule, "from"), ...listAt(rule, "to")]);
  switch (manifest.kind) {
    case "Job":
    case "PodDisruptionBudget":
      return [valueAt(manifest, "spec", "selector", "matchLabels")];
    case "CronJob":
      return [valueAt(manifest, "spec", "jobTemplate", "spec", "selector", "matchLabels")];
    case "NetworkPolicy":
      return [valueAt(manifest, "spec"), ...peers].map((holder) =>
        valueAt(holder, "podSelector", "matchLabels"),
      );
    case "Deployment":
    case "StatefulSet": {
      const pod = valueAt(manifest, "spec", "template", "spec");
      const terms = ["podAffinity", "podAntiAffinity"].flatMap((affinity) => [
        ...listAt(pod, "affinity", affinity, "requiredDuringSchedulingIgnoredDuringExecution"),
        ...listAt(pod, "affinity", affinity, "preferredDuringSchedulingIgnoredDuringExecution").map((term) =>
          valueAt(term, "podAffinityTerm"),
        ),
      ]);
      const spread = listAt(pod, "topologySpreadConstraints");
      return [...terms, ...spread].map((holder) => valueAt(holder, "labelSelector", "matchLabels"));
    }
    default:
      return [];
  }
}

function addToSelector(manifest: Manifest, labels: Readonly<Record<string, string>>): void {
  const { kind, apiVersion } = manifest;
  if ((kind === "Service" || kind === "ReplicationController") && apiVersion === "v1") {
    Object.assign(objectAt(manifest, ["spec", "selector"]), labels);
  } else if (apiVersion.startsWith("apps/") && podTemplatePath(manifest) !== undefined) {
    Object.assign(objectAt(manifest, ["spec", "selector", "matchLabels"]), labels);
  }
  for (const selector of selectorsWithin(manifest)) if (isObject(selector)) Object.assign(selector, labels);
}

export function addAnnotations(
  resources: readonly Resource[],
  annotations: Readonly<Record<string, string>>,
): void {
  for (const { manifest } of resources) {
    manifest.metadata.annotations = { ...manifest.metadata.annotations, ...annotations };
    const template = podTemplatePath(manifest);
    if (template !== undefined && template.length > 0) {
      Object.assign(objectAt(manifest, [...template, "metadata", "annotations"]), annotations);
      for (const job of jobTemplatesOf(manifest))
        Object.assign(objectAt(job, ["metadata", "annotations"]), annotations);
    }
  }
}

export function setReplicas(
  resources: readonly Resource[],
  replicas: NonNullable<Kustomization["replicas"]>,
): void {
  const kinds = ["Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"];
  for (const { name, count } of replicas) {
    const matching = resources.filter(
      ({ manifest, names }) => kinds.includes(manifest.kind) && names.includes(name),
    );
    if (matching.length === 0) {
      throw new KustomizeError(
        `resource with name ${name} does not match a config with the following GVK [${kinds.map((kind) => `${kind}.[noVer].[noGrp]`).join(" ")}]`,
      );
    }
    for (const { manifest } of matching) objectAt(manifest, ["spec"])["replicas"] = Number(count);
  }
}

/** Changes images of containers, wherever in an object of whatever kind they stand. */
export function setImages(resources: readonly Resource[], changes: readonly ImageChange[]): void {
  for (const container of resources.flatMap(({ manifest }) => containersIn(manifest))) {
    const image = stringAt(container, "image");
    if (image !== undefined) container["image"] = changedImage(image, changes);
  }
}

export function changedImage(image: string, changes: readonly ImageChange[]): string {
  let current = image;
  for (const { name, newName, newTag, digest } of changes) {
    const parts = /^(.*?)(?::([\w.-]+))?(?:@(.+))?$/s.exec(current);
    if (parts?.[1] !== name) continue;
    const tag = newTag !== undefined && newTag !== "" ? newTag : digest !== undefined ? undefined : parts[2];
    const hash = digest !== undefined && digest !== "" ? digest : newTag !== undefined ? undefined : parts[3];
    current = `${newName !== undefined && newName !== "" ? newName : name}${tag === undefined ? "" : `:${tag}`}${hash === undefined ? "" : `@${hash}`}`;
  }
  return current;
}

/** The object at a path, made where it is missing. */
function objectAt(root: JsonObject, path: readonly string[]): JsonObject {
  let at = root;
  for (const key of path) {
    const child = at[key];
    const next = isObject(child) ? child : {};
    at[key] = next;
    at = next;
  }
  return at;
}
