import {
  type ControllerRevision,
  type DaemonSet,
  jsonEqual,
  type Node,
  type Pod,
  scaledValue,
} from "@tracegate/kube";
import { isActive, isAvailable, isReady, nextAvailabilityMs } from "../pods/pod-state.ts";
import { canRun } from "../scheduling/plan.ts";

/** The label that says which revision of its DaemonSet a pod was made from. */
export const REVISION_HASH = "controller-revision-hash";
export const TEMPLATE_GENERATION = "pod-template-generation";

export type DaemonSetStatus = NonNullable<DaemonSet["status"]>;

export interface DaemonSetSnapshot {
  readonly daemonSet: DaemonSet;
  readonly pods: readonly Pod[];
  readonly nodes: readonly Node[];
  /** Of the present template. */
  readonly hash: string;
}

export interface DaemonSetPlan {
  /** Nodes that lack a pod. */
  readonly create: readonly string[];
  readonly delete: readonly Pod[];
  readonly status: DaemonSetStatus;
  readonly requeueAfterMs?: number;
}

/** One pod a fitting node; outdated ones are replaced within the limits of the update strategy. */
export function planDaemonSet(snapshot: DaemonSetSnapshot, now: number): DaemonSetPlan {
  const { daemonSet, nodes, pods, hash } = snapshot;
  const { spec, metadata } = daemonSet;
  const minReady = spec.minReadySeconds ?? 0;
  const fitting = nodes
    .filter((node) => canRun(daemonPod(daemonSet), node))
    .map((node) => node.metadata.name);
  const onNode = (name: string) => pods.filter((pod) => nodeOf(pod) === name);
  const desired = fitting.length;
  const { surge, unavailable } = updateLimits(daemonSet, desired);
  const create: string[] = [];
  const remove: Pod[] = [];
  // Ended pods are replaced; a pod for no (fitting) node goes.
  for (const pod of pods) {
    const ended = pod.status?.phase === "Failed" || pod.status?.phase === "Succeeded";
    if (pod.metadata.deletionTimestamp === undefined && (ended || !fitting.includes(nodeOf(pod))))
      remove.push(pod);
  }
  const isCurrent = ({ metadata: own }: Pod) => own.labels?.[REVISION_HASH] === hash;
  const available = (pod: Pod) => isActive(pod) && isAvailable(pod, minReady, now);
  const rolling = spec.updateStrategy?.type !== "OnDelete";
  let missing = fitting.filter((name) => !onNode(name).some(available)).length;
  let surging = fitting.filter((name) => onNode(name).filter(isActive).length > 1).length;
  for (const name of fitting) {
    const running = onNode(name).filter(isActive);
    const current = running.filter(isCurrent);
    const outdated = running.filter((pod) => !isCurrent(pod));
    // A pod that is ending still holds its node, unless the update may surge.
    const leaving = onNode(name).some((pod) => pod.metadata.deletionTimestamp !== undefined);
    if (running.length === 0) {
      if (!leaving || surge > 0) create.push(name);
      continue;
    }
    remove.push(...current.slice(1), ...outdated.slice(1));
    const [old] = outdated;
    if (old === undefined || !rolling) continue;
    if (surge > 0) {
      if (current.some(available) || (!available(old) && current.length > 0)) remove.push(old);
      else if (current.length === 0 && surging < surge) {
        create.push(name);
        surging++;
      }
    } else if (!available(old)) remove.push(old);
    else if (missing < unavailable) {
      remove.push(old);
      missing++;
    }
  }
  const here = fitting.map((name) => onNode(name).filter(isActive)).filter((own) => own.length > 0);
  const count = (keep: (pod: Pod) => boolean) => here.filter((own) => own.some(keep)).length;
  const numberAvailable = count(available);
  const updatedNumberScheduled = count(isCurrent);
  const numberUnavailable = desired - numberAvailable;
  const wake = nextAvailabilityMs(pods, minReady, now);
  return {
    create,
    delete: [...new Set(remove)],
    status: {
      currentNumberScheduled: here.length,
      numberMisscheduled: pods.filter((pod) => isActive(pod) && !fitting.includes(nodeOf(pod))).length,
      desiredNumberScheduled: desired,
      numberReady: count(isReady),
      ...(metadata.generation !== undefined && { observedGeneration: metadata.generation }),
      ...(updatedNumberScheduled > 0 && { updatedNumberScheduled }),
      ...(numberAvailable > 0 && { numberAvailable }),
      ...(numberUnavailable > 0 && { numberUnavailable }),
      ...(daemonSet.status?.collisionCount !== undefined && {
        collisionCount: daemonSet.status.collisionCount,
      }),
    },
    ...(wake !== undefined && { requeueAfterMs: wake }),
  };
}

function updateLimits({ spec }: DaemonSet, desired: number): { surge: number; unavailable: number } {
  const { maxSurge = 0, maxUnavailable = 1 } = spec.updateStrategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, desired, true);
  const unavailable = scaledValue(maxUnavailable, desired, true);
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

/** Where a pod is or is meant to be: by binding, else by the affinity that pins it. */
export function nodeOf({ spec }: Pod): string {
  if (spec.nodeName) return spec.nodeName;
  const { affinity } = spec as { affinity?: ReturnType<typeof pinnedTo> };
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms?.[0]?.matchFields?.[0]?.values[0] ?? "";
}

/** The affinity that pins a pod to a node. */
export function pinnedTo(node: string) {
  const matchFields = [{ key: "metadata.name", operator: "In", values: [node] }];
  return {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] },
    },
  };
}

const tolerate = (key: string, effect: string) => ({
  key: `node.kubernetes.io/${key}`,
  operator: "Exists",
  effect,
});

/** Daemons run where other pods would not, or would leave. */
export const TOLERATIONS = [
  tolerate("not-ready", "NoExecute"),
  tolerate("unreachable", "NoExecute"),
  tolerate("disk-pressure", "NoSchedule"),
  tolerate("memory-pressure", "NoSchedule"),
  tolerate("pid-pressure", "NoSchedule"),
  tolerate("unschedulable", "NoSchedule"),
];

function daemonPod({ spec: { template } }: DaemonSet): Pod {
  const tolerations = [...(template.spec.tolerations ?? []), ...TOLERATIONS];
  return { apiVersion: "v1", kind: "Pod", metadata: { name: "" }, spec: { ...template.spec, tolerations } };
}

/** What a revision stores: the template as a patch that replaces. */
export function revisionData({ spec }: DaemonSet): unknown {
  return { spec: { template: { ...spec.template, $patch: "replace" } } };
}

/** What becomes of the revisions: which is current (or is to be made) and which are too many. */
export function planRevisions(
  daemonSet: DaemonSet,
  revisions: readonly ControllerRevision[],
  pods: readonly Pod[],
): {
  readonly current: ControllerRevision | undefined;
  readonly number: number;
  readonly delete: readonly ControllerRevision[];
} {
  const data = revisionData(daemonSet);
  const current = revisions.find((revision) => jsonEqual(revision.data, data));
  const others = revisions.filter((revision) => revision !== current);
  const number = Math.max(0, ...others.map(({ revision }) => revision)) + 1;
  const used = new Set(pods.map(({ metadata }) => metadata.labels?.[REVISION_HASH]));
  const unused = others
    .filter(({ metadata }) => !used.has(metadata.labels?.[REVISION_HASH]))
    .sort((a, b) => a.revision - b.revision);
  const surplus = Math.max(0, unused.length - (daemonSet.spec.revisionHistoryLimit ?? 10));
  return { current, number, delete: unused.slice(0, surplus) };
}
