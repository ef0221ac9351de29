import type { Controller } from "@tracegate/controller-runtime";
import { Pod, type ResourceClient } from "@tracegate/kube";
import type { PodForState } from "@tracegate/metrics";

/** Tells the metric store of all pods whenever one changes: it finds the annotated ones by itself. */
export function scrapeTargetsController(
  client: ResourceClient,
  tell: (pods: readonly PodForState[]) => void,
): Controller<Pod> {
  return {
    name: "scrape-targets",
    kind: Pod,
    async reconcile() {
      const { items } = await client.list(Pod);
      tell(items.flatMap(forTheStore));
      return undefined;
    },
  };
}

/** The part that discovery and the state metrics read; a whole pod is much to copy to another thread. */
function forTheStore({ metadata, spec, status }: Pod): PodForState[] {
  const { name, namespace, uid, labels, annotations, ownerReferences, creationTimestamp } = metadata;
  if (namespace === undefined) return [];
  return [
    {
      metadata: {
        name,
        namespace,
        ...(uid && { uid }),
        ...(creationTimestamp && { creationTimestamp }),
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
          ...(status.startTime && { startTime: status.startTime }),
          ...(status.containerStatuses && { containerStatuses: status.containerStatuses }),
          ...(status.conditions && {
            conditions: status.conditions.map(({ type, status }) => ({ type, status })),
          }),
        },
      }),
    },
  ];
}
