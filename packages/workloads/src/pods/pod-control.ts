import type { EventRecorder } from "@tracegate/controller-runtime";
import {
  isNotFound,
  type Kind,
  type KubeObject,
  Pod,
  type PodTemplateSpec,
  type ResourceClient,
} from "@tracegate/kube";
import { podFromTemplate } from "./from-template.ts";

/** The most pods made or deleted in one reconcile, as upstream. */
export const BURST_PODS = 500;

/**
 * Makes `count` pods for `owner`: one, then two, then four … at once, and no more after a failure, so that a quota or a bad
 * template costs one refused request, not hundreds. Tells of each; rejects with the first failure.
 */
export async function createPods(
  { client, events }: { client: ResourceClient; events: EventRecorder },
  kind: Kind,
  owner: KubeObject,
  template: PodTemplateSpec,
  count: number,
  shape: (pod: Pod, index: number) => Pod = (pod) => pod,
): Promise<void> {
  let made = 0;
  const wanted = Math.min(count, BURST_PODS);
  for (let batch = 1; made < wanted; batch *= 2) {
    const size = Math.min(batch, wanted - made);
    const first = made;
    const results = await Promise.allSettled(
      Array.from({ length: size }, async (_, i) => {
        const pod = await client.create(Pod, shape(podFromTemplate(kind, owner, template), first + i));
        events.event(owner, "Normal", "SuccessfulCreate", `Created pod: ${pod.metadata.name}`);
      }),
    );
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) {
      events.event(owner, "Warning", "FailedCreate", `Error creating: ${messageOf(failed.reason)}`);
      throw failed.reason;
    }
    made += size;
  }
}

/** Deletes pods of `owner` and tells of each; one that is gone already counts as deleted. */
export async function deletePods(
  { client, events }: { client: ResourceClient; events: EventRecorder },
  owner: KubeObject,
  pods: readonly Pod[],
): Promise<void> {
  const results = await Promise.allSettled(
    pods.slice(0, BURST_PODS).map(async ({ metadata: { name, namespace, uid } }) => {
      const ref = { name, ...(namespace !== undefined && { namespace }) };
      try {
        await client.delete(Pod, ref, uid === undefined ? {} : { preconditions: { uid } });
      } catch (error) {
        if (isNotFound(error)) return;
        events.event(owner, "Warning", "FailedDelete", `Error deleting: ${messageOf(error)}`);
        throw error;
      }
      events.event(owner, "Normal", "SuccessfulDelete", `Deleted pod: ${name}`);
    }),
  );
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
