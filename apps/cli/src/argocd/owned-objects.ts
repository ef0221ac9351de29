import { AnalysisRun } from "@tracegate/analysis";
import type { Application } from "@tracegate/gitops";
import {
  apiVersionOf,
  isNotFound,
  Job,
  type Kind,
  type KubeObject,
  Pod,
  ReplicaSet,
  type ResourceClient,
} from "@tracegate/kube";

/** What controllers made in the destination: below a resource in the tree when it is the owner. */
export async function ownedObjects(client: ResourceClient, { spec }: Application): Promise<KubeObject[]> {
  const { namespace = "" } = spec.destination;
  const kinds: Kind<KubeObject>[] = [ReplicaSet, Pod, Job, AnalysisRun];
  const lists = await Promise.all(
    kinds.map((kind) =>
      // A kind that is not served has no objects.
      client.list(kind, { namespace }).then(
        ({ items }) => items.map((item) => ({ ...item, apiVersion: apiVersionOf(kind), kind: kind.kind })),
        (error: unknown) => {
          if (isNotFound(error)) return [];
          throw error;
        },
      ),
    ),
  );
  return lists.flat();
}
