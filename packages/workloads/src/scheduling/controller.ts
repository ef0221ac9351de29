import type { Controller } from "@tracegate/controller-runtime";
import {
  type Condition,
  defineKind,
  formatTime,
  type KubeObject,
  Node,
  type ObjectReference,
  Pod,
  type Ref,
  undefinedIfNotFound,
} from "@tracegate/kube";
import type { WorkloadDependencies } from "../dependencies.ts";
import { isActive } from "../pods/pod-state.ts";
import { place, unschedulableMessage } from "./plan.ts";

/** What a scheduler posts: the pod of its own name goes to the target. */
interface Binding extends KubeObject {
  target: ObjectReference;
}
const Binding = defineKind<Binding>("v1", "Binding", "bindings");

/** Gives each new pod a node; stands in for kube-scheduler, beside which it is not run. */
export function schedulingController({ client, clock, events }: WorkloadDependencies): Controller<Pod> {
  const refOf = ({ metadata: { name, namespace } }: Pod): Ref => ({
    ...(namespace !== undefined && { namespace }),
    name,
  });
  return {
    name: "scheduling",
    kind: Pod,
    watches: [
      {
        kind: Node,
        map: async () => (await client.list(Pod)).items.filter(isWaiting).map(refOf),
      },
    ],
    async reconcile(ref) {
      const pod = await client.get(Pod, ref).catch(undefinedIfNotFound);
      if (pod === undefined || !isWaiting(pod)) return undefined;
      const nodes = (await client.list(Node)).items;
      const all = (await client.list(Pod)).items.filter(isActive);
      const placement = place(pod, nodes, (node) => all.filter(({ spec }) => spec.nodeName === node).length);
      if ("node" in placement) {
        await client.create(Binding, {
          apiVersion: "v1",
          kind: "Binding",
          metadata: { ...ref },
          target: { apiVersion: "v1", kind: "Node", name: placement.node },
        });
        const message = `Successfully assigned ${ref.namespace}/${ref.name} to ${placement.node}`;
        events.event(pod, "Normal", "Scheduled", message);
        return undefined;
      }
      const message = unschedulableMessage(nodes.length, placement.reasons);
      const told = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
      if (told?.message === message) return undefined;
      events.event(pod, "Warning", "FailedScheduling", message);
      const why = { reason: "Unschedulable", message, lastTransitionTime: formatTime(clock.now()) };
      await setCondition(pod, { type: "PodScheduled", status: "False", ...why });
      return undefined;
    },
  };

  async function setCondition(pod: Pod, condition: Condition): Promise<void> {
    const body = { status: { conditions: [condition] } };
    // Strategic, so that the conditions of others stay (they are merged by type).
    await client.patch(Pod, refOf(pod), { type: "strategic", body }, { subresource: "status" });
  }
}

const isWaiting = (pod: Pod) => (pod.spec.nodeName ?? "") === "" && isActive(pod);
