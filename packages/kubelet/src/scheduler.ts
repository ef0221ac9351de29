import type { Controller, EventRecorder } from "@tracegate/controller-runtime";
import { isConflict, isNotFound, Pod, type ResourceClient } from "@tracegate/kube";

/** Gives every pod that has no node yet the one there is. */
export function schedulerController(options: {
  client: ResourceClient;
  /** Speaks as `default-scheduler`. */
  events: EventRecorder;
  nodeName: string;
}): Controller<Pod> {
  const { client, events, nodeName } = options;
  return {
    name: "scheduler",
    kind: Pod,
    async reconcile(ref) {
      try {
        const pod = await client.get(Pod, ref);
        if ((pod.spec.nodeName ?? "") !== "" || pod.metadata.deletionTimestamp !== undefined)
          return undefined;
        const bound = await client.update(Pod, { ...pod, spec: { ...pod.spec, nodeName } });
        events.event(
          bound,
          "Normal",
          "Scheduled",
          `Successfully assigned ${ref.namespace}/${ref.name} to ${nodeName}`,
        );
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
      return undefined;
    },
  };
}
