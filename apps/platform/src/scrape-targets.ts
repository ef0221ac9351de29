import type { Controller } from "@tracegate/controller-runtime";
import { Pod, type ResourceClient } from "@tracegate/kube";
import type { PodForDiscovery } from "@tracegate/scrape";

/** Tells the metric store of all pods whenever one changes: it finds the annotated ones by itself. */
export function scrapeTargetsController(
  client: ResourceClient,
  tell: (pods: readonly PodForDiscovery[]) => void,
): Controller<Pod> {
  return {
    name: "scrape-targets",
    kind: Pod,
    async reconcile() {
      const { items } = await client.list(Pod);
      tell(items.flatMap(forDiscovery));
      return undefined;
    },
  };
}

/** The part that discovery reads; a whole pod is much to copy to another thread. */
function forDiscovery({ metadata, spec, status }: Pod): PodForDiscovery[] {
  const { name, namespace, uid, labels, annotations, ownerReferences } = metadata;
  if (namespace === undefined) return [];
  return [
    {
      metadata: {
        name,
        namespace,
        ...(uid && { uid }),
        ...(labels && { labels }),
        ...(annotations && { annotations }),
        ...(ownerReferences && { ownerReferences }),
      },
      spec: {
        ...(spec.nodeName && { nodeName: spec.nodeName }),
        containers: spec.containers.map(({ name, image, ports }) => ({
          name,
          image,
          ...(ports && { ports }),
        })),
      },
      ...(status && {
        status: {
          ...(status.podIP && { podIP: status.podIP }),
          ...(status.hostIP && { hostIP: status.hostIP }),
          ...(status.phase && { phase: status.phase }),
          ...(status.conditions && {
            conditions: status.conditions.map(({ type, status }) => ({ type, status })),
          }),
        },
      }),
    },
  ];
}
