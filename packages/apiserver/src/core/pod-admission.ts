import type { KubeObject } from "@tracegate/kube";
import type { ApiContext } from "./context.ts";
import { storedObject } from "./reading.ts";
import { forbidden } from "./refusals.ts";
import type { ServedKind } from "./served-kinds.ts";

interface PodSpec {
  priorityClassName?: string;
  priority?: number;
  preemptionPolicy?: string;
  runtimeClassName?: string;
  overhead?: unknown;
  serviceAccountName?: string;
  serviceAccount?: string;
  tolerations?: { key?: string; operator?: string; effect?: string; tolerationSeconds?: number }[];
}

/** Priorities that every cluster knows without an object. */
const SYSTEM_PRIORITIES: Readonly<Record<string, number>> = {
  "system-cluster-critical": 2_000_000_000,
  "system-node-critical": 2_000_001_000,
};

/** For how long a pod stays on a node that is not ready or not to be reached. */
const UNHEALTHY_NODE_SECONDS = 300;

/** What admission gives to every new pod: its account, its priority, and patience with an unhealthy node. */
export function admitPod(ctx: ApiContext, served: ServedKind, pod: KubeObject): KubeObject {
  const spec: PodSpec = { ...(pod as { spec?: PodSpec }).spec };
  // The older name of the field is kept in step, as upstream's defaults do.
  if (ctx.defaultServiceAccount && (spec.serviceAccountName ?? "") === "")
    Object.assign(spec, { serviceAccountName: "default", serviceAccount: "default" });
  Object.assign(spec, priorityOf(ctx, served, pod.metadata.name, spec));
  // No kind of runtime is there that could be asked for.
  if (spec.runtimeClassName !== undefined) {
    const runtime = JSON.stringify(spec.runtimeClassName);
    throw forbidden(served, pod.metadata.name, `pod rejected: RuntimeClass ${runtime} not found`);
  }
  return { ...pod, spec: { ...spec, tolerations: patientWithNodes(spec) } } as KubeObject;
}

/** Overhead comes with a kind of runtime, of which there is none. */
export function checkOverhead(served: ServedKind, pod: KubeObject): void {
  if ((pod as { spec?: PodSpec }).spec?.overhead === undefined) return;
  const why = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead";
  throw forbidden(served, pod.metadata.name, why);
}

/** What admission gives back to a pod whose new form leaves it out. */
export function admitPodUpdate(pod: KubeObject, before: KubeObject): KubeObject {
  const [spec, old] = [(pod as { spec?: PodSpec }).spec ?? {}, (before as { spec?: PodSpec }).spec ?? {}];
  const { priority = old.priority, preemptionPolicy = old.preemptionPolicy } = spec;
  const kept = {
    ...(priority === undefined ? {} : { priority }),
    ...(preemptionPolicy === undefined ? {} : { preemptionPolicy }),
  };
  return { ...pod, spec: { ...spec, ...kept, tolerations: patientWithNodes(spec) } } as KubeObject;
}

/** The tolerations, with those of a node that is not ready or not to be reached. */
function patientWithNodes(spec: PodSpec): PodSpec["tolerations"] {
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
  return tolerations;
}

function priorityOf(ctx: ApiContext, served: ServedKind, name: string, spec: PodSpec): Partial<PodSpec> {
  const className = spec.priorityClassName ?? "";
  if (className === "") return agreed(served, name, spec, 0, "PreemptLowerPriority");
  const system = SYSTEM_PRIORITIES[className];
  if (system !== undefined) return agreed(served, name, spec, system, "PreemptLowerPriority");
  const entry = ctx.store.get(`priorityclasses.scheduling.k8s.io/${className}`);
  if (entry === undefined) throw forbidden(served, name, `no PriorityClass with name ${className} was found`);
  const { value, preemptionPolicy } = storedObject(entry.value) as {
    value?: number;
    preemptionPolicy?: string;
  };
  return agreed(served, name, spec, value ?? 0, preemptionPolicy ?? "PreemptLowerPriority");
}

/** What the class gives; a pod may say the same, but nothing else. */
function agreed(
  served: ServedKind,
  name: string,
  spec: PodSpec,
  wanted: number,
  policy: string,
): Partial<PodSpec> {
  const { priority = wanted, preemptionPolicy = policy } = spec;
  const computed = "priority admission controller computed";
  const given = "from the given PriorityClass name";
  if (priority !== wanted) {
    const what = `the integer value of priority (${priority}) must not be provided in pod spec`;
    throw forbidden(served, name, `${what}; ${computed} ${wanted} ${given}`);
  }
  if (preemptionPolicy !== policy) {
    const what = `the string value of PreemptionPolicy (${preemptionPolicy}) must not be provided in pod spec`;
    throw forbidden(served, name, `${what}; ${computed} ${policy} ${given}`);
  }
  return { priority, preemptionPolicy };
}
