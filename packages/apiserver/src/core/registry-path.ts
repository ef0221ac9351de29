import type { ObjectRef } from "./context.ts";
import { qualified } from "./refusals.ts";
import type { ServedKind } from "./served-kinds.ts";

/** Kinds that upstream stores under another name than their resource's. */
const FOLDERS: Readonly<Record<string, string>> = {
  services: "services/specs",
  endpoints: "services/endpoints",
  replicationcontrollers: "controllers",
  nodes: "minions",
  "ingresses.networking.k8s.io": "ingress",
  "customresourcedefinitions.apiextensions.k8s.io": "apiextensions.k8s.io/customresourcedefinitions",
  "apiservices.apiregistration.k8s.io": "apiregistration.k8s.io/apiservices",
};

/** Where upstream keeps an object in etcd, which some of its refusals tell: `/registry/deployments/default/web`. */
export function registryPath(served: ServedKind, { namespace, name }: ObjectRef): string {
  const own = served.custom === undefined ? served.plural : `${served.group}/${served.plural}`;
  const folder = FOLDERS[qualified(served)] ?? own;
  return ["/registry", folder, namespace, name].filter((part) => part !== undefined).join("/");
}
