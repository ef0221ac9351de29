import type { CustomResourceDefinition, KubeObject } from "@tracegate/kube";
import type { ServedKind } from "./served-kinds.ts";

export const DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io";

export const isDefinitions = (served: ServedKind): boolean => served.collection === DEFINITIONS;

/** A definition as it is answered to its creation: nothing accepted yet, the storage version noted. */
export function definitionAtBirth(object: KubeObject): KubeObject {
  const { spec } = object as CustomResourceDefinition;
  const storage = (spec.versions ?? []).find((version) => version.storage)?.name;
  const storedVersions = storage === undefined ? null : [storage];
  const status = { conditions: null, acceptedNames: { plural: "", kind: "" }, storedVersions };
  return { ...object, status } as KubeObject;
}
