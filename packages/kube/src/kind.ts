import type { KubeObject } from "./object.ts";

/** A kind as clients name it: group, version, kind, resource. The type parameter says what its objects look like. */
export interface Kind<T extends KubeObject = KubeObject> {
  /** "" for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** The resource, plural and lower case: `pods`. */
  readonly plural: string;
  readonly namespaced: boolean;
  /** Never present; carries the object type. */
  readonly objectType?: T;
}

/** Declares a kind: `defineKind<Pod>("v1", "Pod", "pods")`, `defineKind<Rollout>("argoproj.io/v1alpha1", …)`. */
export function defineKind<T extends KubeObject>(
  apiVersion: string,
  kind: string,
  plural: string,
  options: { namespaced?: boolean } = {},
): Kind<T> {
  const slash = apiVersion.indexOf("/");
  return {
    group: slash < 0 ? "" : apiVersion.slice(0, slash),
    version: apiVersion.slice(slash + 1),
    kind,
    plural,
    namespaced: options.namespaced ?? true,
  };
}

/** `v1` or `group/version`, as objects carry it. */
export function apiVersionOf(kind: Pick<Kind, "group" | "version">): string {
  return kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
}

/** Where an object is. `namespace` is absent for cluster-scoped kinds. */
export interface Ref {
  readonly namespace?: string;
  readonly name: string;
}

/** `namespace/name`, or `name` for cluster-scoped objects. */
export function refKey(ref: Ref): string {
  return ref.namespace === undefined ? ref.name : `${ref.namespace}/${ref.name}`;
}
