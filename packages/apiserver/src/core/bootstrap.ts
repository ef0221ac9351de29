import type { KubeObject } from "@tracegate/kube";
import { stockRoles } from "../auth/stock-roles.ts";
import type { ApiContext } from "./context.ts";
import { createObject } from "./creating.ts";
import { keyFor } from "./reading.ts";
import { FIRST_SERVICE_IP } from "./service-addresses.ts";

const NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"];

/** What every cluster has from its first moment. Made once; what the user changes or deletes later stays so. */
export function bootstrap(ctx: ApiContext): void {
  for (const name of NAMESPACES) ensure(ctx, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  for (const role of stockRoles) ensure(ctx, role);
  ensure(ctx, {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: "kubernetes",
      namespace: "default",
      labels: { component: "apiserver", provider: "kubernetes" },
    },
    spec: {
      type: "ClusterIP",
      clusterIP: FIRST_SERVICE_IP,
      sessionAffinity: "None",
      internalTrafficPolicy: "Cluster",
      ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: 6443 }],
    },
  } as KubeObject);
}

/** Every namespace has an account that its pods run as. It is made again with the next change of the namespace. */
export function furnishNamespace(ctx: ApiContext, { metadata }: KubeObject): void {
  if (metadata.deletionTimestamp !== undefined) return;
  ensure(ctx, {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: "default", namespace: metadata.name },
  });
}

function ensure(ctx: ApiContext, object: KubeObject): void {
  const served = ctx.kinds.findKind(object.apiVersion, object.kind);
  if (served === undefined) throw new Error(`${object.kind} is not a built-in kind`);
  const { name, namespace } = object.metadata;
  if (ctx.store.get(keyFor(served, namespace, name)) === undefined) {
    createObject(ctx, served, namespace, object, { fieldManager: "kube-apiserver" });
  }
}
