import type { KubeObject } from "@tracegate/kube";
import type { ApiContext } from "./context.ts";
import { storedObject } from "./reading.ts";
import { forbidden } from "./refusals.ts";
import type { ServedKind } from "./served-kinds.ts";

interface PodSpec {
  priorityClassName?: string;
  priority?: number;
  preemptionPolicy?: string;
  tolerations?: { key?: string; operator?: string; effect?: string; tolerationSeconds?: number }[];
}

/** Priorities that every cluster knows without an object. */
const SYSTEM_PRIORITIES: Readonly<Record<string, number>> = {
  "system-cluster-critical": 2_000_000_000,
  "system-node-critical": 2_000_001_000,
};

/** For how long a pod stays on a node that is not ready or not to be reached. */
const UNHEALTHY_NODE_SECONDS = 300;

/** What admission gives to every new pod: its priority, and patience with an unhealthy node. */
export function admitPod(ctx: ApiContext, served: ServedKind, pod: KubeObject): KubeObject {
  const spec: PodSpec = { ...(pod as { spec?: PodSpec }).spec };
  Object.assign(spec, priorityOf(ctx, served, pod.metadata.name, spec));
  const tolerations = [...(spec.tolerations ?? [])];
  for (const key of ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]) {
    const tolerated = tolerations.some(
      (own) =>
        (own.key === key || (own.key ?? "") === "") &&
        (own.effect === "NoExecute" || (own.effect ?? "") === ""),
    );
    if (tolerated) continue;
    tolerations.push({
      key,
      operator: "Exists",
      effect: "NoExecute",
      tolerationSeconds: UNHEALTHY_NODE_SECONDS,
    });
  }
  return { ...pod, spec: { ...spec, tolerations } } as KubeObject;
}

function priorityOf(ctx: ApiContext, served: ServedKind, name: string, spec: PodSpec): Partial<PodSpec> {
  const className = spec.priorityClassName ?? "";
  if (className === "")
    return { priority: 0, preemptionPolicy: spec.preemptionPolicy ?? "PreemptLowerPriority" };
  const system = SYSTEM_PRIORITIES[className];
  if (system !== undefined) return { priority: system, preemptionPolicy: "PreemptLowerPriority" };
  const entry = ctx.store.get(`priorityclasses.scheduling.k8s.io/${className}`);
  if (entry === undefined) throw forbidden(served, name, `no PriorityClass with name ${className} was found`);
  const { value, preemptionPolicy } = storedObject(entry.value) as {
    value?: number;
    preemptionPolicy?: string;
  };
  return { priority: value ?? 0, preemptionPolicy: preemptionPolicy ?? "PreemptLowerPriority" };
}
