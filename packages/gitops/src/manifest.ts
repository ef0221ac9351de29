import type { KubeObject } from "@tracegate/kube";

/** An object of any kind: what it has beside metadata is unknown here. */
export type Manifest = KubeObject & { [field: string]: unknown };

export type JsonObject = { [key: string]: unknown };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value at a path of object keys, or undefined. */
export function valueAt(root: unknown, ...path: readonly string[]): unknown {
  let at = root;
  for (const key of path) {
    if (!isObject(at)) return undefined;
    at = at[key];
  }
  return at;
}

export const stringAt = (root: unknown, ...path: readonly string[]): string | undefined => {
  const value = valueAt(root, ...path);
  return typeof value === "string" ? value : undefined;
};

export const numberAt = (root: unknown, ...path: readonly string[]): number | undefined => {
  const value = valueAt(root, ...path);
  return typeof value === "number" ? value : undefined;
};

export const listAt = (root: unknown, ...path: readonly string[]): readonly unknown[] => {
  const value = valueAt(root, ...path);
  return Array.isArray(value) ? value : [];
};

/** What an object is and where, as Argo CD names it: `group/kind/namespace/name`. */
export interface ResourceKey {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export function groupOf(object: Pick<KubeObject, "apiVersion">): string {
  const slash = object.apiVersion.indexOf("/");
  return slash < 0 ? "" : object.apiVersion.slice(0, slash);
}

export function versionOf(object: Pick<KubeObject, "apiVersion">): string {
  return object.apiVersion.slice(object.apiVersion.indexOf("/") + 1);
}

export function keyOf(object: KubeObject): ResourceKey {
  return {
    group: groupOf(object),
    kind: object.kind,
    namespace: object.metadata.namespace ?? "",
    name: object.metadata.name,
  };
}

export function keyText({ group, kind, namespace, name }: ResourceKey): string {
  return `${group}/${kind}/${namespace}/${name}`;
}

/** Containers, wherever in a value of whatever kind they stand. */
export function containersIn(value: unknown): JsonObject[] {
  if (Array.isArray(value)) return value.flatMap(containersIn);
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    const own = key === "containers" || key === "initContainers";
    return [...(own && Array.isArray(child) ? child.filter(isObject) : []), ...containersIn(child)];
  });
}

/** Image names of a pod template or pod; sorted, each once. */
export function imagesOf(object: unknown): string[] {
  const images = containersIn(valueAt(object, "spec")).flatMap(
    (container) => stringAt(container, "image") || [],
  );
  return [...new Set(images)].sort();
}

/** Where containers stand in a pod, in what makes pods, and in what makes those. */
const containerPaths = [
  ["spec", "containers"],
  ["spec", "template", "spec", "containers"],
  ["spec", "jobTemplate", "spec", "template", "spec", "containers"],
] as const;

/** The images that the result of a sync names for an object: those of its containers, in their order. */
export function resultImages(object: unknown): string[] {
  const path = containerPaths.find((steps) => Array.isArray(valueAt(object, ...steps)));
  if (path === undefined) return [];
  return listAt(object, ...path).flatMap((container) => stringAt(container, "image") ?? []);
}
