import type { Controller } from "@tracegate/controller-runtime";
import {
  ConfigMap,
  formatTime,
  isAlreadyExists,
  isForbidden,
  isNotFound,
  jsonEqual,
  Namespace,
  Pod,
  type ResourceClient,
  ServiceAccount,
  undefinedIfNotFound,
} from "@tracegate/kube";
import type { WorkloadDependencies } from "../dependencies.ts";
import { servedKinds } from "../served-kinds.ts";
import { type Remainder, terminationConditions } from "./termination.ts";

const ROOT_CA = "kube-root-ca.crt";
/** Between two looks at what is left: finalizers and pods take their own time. */
const LOOK_AGAIN_MS = 1000;

export interface NamespaceDependencies extends Pick<WorkloadDependencies, "client" | "clock"> {
  /** The API's CA in PEM, which every namespace's `kube-root-ca.crt` holds. */
  readonly rootCa?: string;
}

/** Gives each namespace its service account and root CA; empties those that are deleted and lets them go. */
export function namespaceController({
  client,
  clock,
  rootCa = "",
}: NamespaceDependencies): Controller<Namespace> {
  const ofNamespace = (name: string) => ({
    map: ({ metadata }: { metadata: { name: string; namespace?: string } }) =>
      metadata.name === name && metadata.namespace !== undefined ? [{ name: metadata.namespace }] : [],
  });
  return {
    name: "namespace",
    kind: Namespace,
    watches: [
      { kind: ServiceAccount, ...ofNamespace("default") },
      { kind: ConfigMap, ...ofNamespace(ROOT_CA) },
    ],
    async reconcile(ref) {
      const namespace = await client.get(Namespace, ref).catch(undefinedIfNotFound);
      if (namespace === undefined) return undefined;
      if (namespace.metadata.deletionTimestamp === undefined) {
        await furnish(client, ref.name, rootCa);
        return undefined;
      }
      if ((namespace.spec?.finalizers ?? []).length === 0) return undefined;
      const left = await empty(client, ref.name);
      if (left.length > 0) {
        await tell(client, namespace, left, clock.now());
        return { requeueAfterMs: LOOK_AGAIN_MS };
      }
      const finalizers = (namespace.spec?.finalizers ?? []).filter((name) => name !== "kubernetes");
      await client.update(Namespace, { ...namespace, spec: { finalizers } }, { subresource: "finalize" });
      return undefined;
    },
  };
}

async function furnish(client: ResourceClient, namespace: string, rootCa: string): Promise<void> {
  const made = async (make: () => Promise<unknown>) => {
    try {
      await make();
    } catch (error) {
      // There already; or the namespace has begun to go in between.
      if (!isAlreadyExists(error) && !isForbidden(error)) throw error;
    }
  };
  const account = await client.get(ServiceAccount, { namespace, name: "default" }).catch(undefinedIfNotFound);
  if (account === undefined) {
    await made(() =>
      client.create(ServiceAccount, {
        apiVersion: "v1",
        kind: "ServiceAccount",
        metadata: { namespace, name: "default" },
      }),
    );
  }
  const ca = await client.get(ConfigMap, { namespace, name: ROOT_CA }).catch(undefinedIfNotFound);
  const data = { "ca.crt": rootCa };
  if (ca === undefined) {
    const annotations = {
      "kubernetes.io/description": "The CA that signed the certificate of the API server.",
    };
    const metadata = { namespace, name: ROOT_CA, annotations };
    await made(() => client.create(ConfigMap, { apiVersion: "v1", kind: "ConfigMap", metadata, data }));
  } else if (!jsonEqual(ca.data, data)) {
    await client.update(ConfigMap, { ...ca, data });
  }
}

/** Deletes what is in a namespace, and answers what is there still. */
async function empty(client: ResourceClient, namespace: string): Promise<readonly Remainder[]> {
  const left: Remainder[] = [];
  for (const kind of await servedKinds(client)) {
    if (!kind.namespaced) continue;
    try {
      await client.deleteCollection(kind, { namespace, propagationPolicy: "Background" });
      const { items } = await client.list(kind, { namespace });
      if (items.length > 0) left.push({ kind, objects: items });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  // Pods end in their own time and what they use stays until then, which needs no telling apart here.
  return left.sort((a, b) => Number(b.kind.plural === Pod.plural) - Number(a.kind.plural === Pod.plural));
}

async function tell(
  client: ResourceClient,
  namespace: Namespace,
  left: readonly Remainder[],
  now: number,
): Promise<void> {
  const conditions = terminationConditions(namespace.status?.conditions ?? [], left, formatTime(now));
  const status = { ...namespace.status, conditions: [...conditions] };
  if (jsonEqual(namespace.status, status)) return;
  await client.update(Namespace, { ...namespace, status }, { subresource: "status" });
}
