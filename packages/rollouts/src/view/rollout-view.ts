import type { AnalysisRun } from "@tracegate/analysis";
import { type Pod, parseTime, type ReplicaSet } from "@tracegate/kube";
import { hashOf, revisionOf, sizeOf } from "../pass.ts";
import { rolloutPhase } from "../phase.ts";
import { hashLabel, type Rollout, type RolloutPhase, scaleDownDeadlineAnnotation } from "../types.ts";

/** What a Rollout looks like to a person: its state, its numbers, and what belongs to it, newest revision first. */
export interface RolloutView {
  readonly name: string;
  readonly namespace: string;
  readonly phase: RolloutPhase;
  readonly message: string;
  /** Empty where the spec names none. */
  readonly strategy: "Canary" | "BlueGreen" | "";
  readonly createdAt: number | undefined;
  /** `1/4`; absent without steps. */
  readonly step?: string;
  readonly setWeight?: number;
  readonly actualWeight?: number;
  readonly images: readonly { readonly image: string; readonly tags: readonly string[] }[];
  readonly desired: number;
  readonly current: number;
  readonly updated: number;
  readonly ready: number;
  readonly available: number;
  readonly revisions: readonly RevisionView[];
}

export interface RevisionView {
  readonly revision: number;
  readonly replicaSets: readonly ReplicaSetView[];
  readonly runs: readonly RunView[];
}

export interface ReplicaSetView {
  readonly name: string;
  readonly status: "Healthy" | "Progressing" | "ScaledDown" | "ReplicaFailure";
  readonly createdAt: number | undefined;
  /** `stable`, `canary`, `active`, `preview`. */
  readonly roles: readonly string[];
  readonly scaleDownAt?: number;
  readonly pods: readonly PodView[];
}

export interface PodView {
  readonly name: string;
  /** As kubectl prints it: `Running`, `CrashLoopBackOff`, … */
  readonly status: string;
  readonly createdAt: number | undefined;
  readonly ready: string;
  readonly restarts: number;
}

export interface RunView {
  readonly name: string;
  readonly status: string;
  readonly createdAt: number | undefined;
  readonly successful: number;
  readonly failed: number;
  readonly inconclusive: number;
  readonly error: number;
  readonly jobs: readonly {
    readonly name: string;
    readonly status: string;
    readonly startedAt: number | undefined;
  }[];
}

/** The objects around a Rollout; those that are not its own are left out by the owner's identity. */
export interface RolloutObjects {
  readonly rollout: Rollout;
  readonly replicaSets: readonly ReplicaSet[];
  readonly pods: readonly Pod[];
  readonly analysisRuns: readonly AnalysisRun[];
}

const created = ({ metadata }: { metadata: { creationTimestamp?: string } }): number | undefined =>
  parseTime(metadata.creationTimestamp ?? "");
const ownedBy = (
  uid: string | undefined,
  { metadata }: { metadata: { ownerReferences?: { uid: string }[] } },
): boolean => metadata.ownerReferences?.some((owner) => owner.uid === uid) === true;

/** Puts together what there is to show. */
export function rolloutView({ rollout, replicaSets, pods, analysisRuns }: RolloutObjects): RolloutView {
  const { metadata, spec, status = {} } = rollout;
  const sets = replicaSets.filter((rs) => ownedBy(metadata.uid, rs));
  const runs = analysisRuns.filter((run) => ownedBy(metadata.uid, run));
  const { phase, message } = shownPhase(rollout);
  const steps = spec.strategy?.canary?.steps ?? [];
  const canary = spec.strategy?.canary !== undefined;
  return {
    name: metadata.name,
    namespace: metadata.namespace ?? "default",
    phase,
    message,
    strategy: canary ? "Canary" : spec.strategy?.blueGreen === undefined ? "" : "BlueGreen",
    createdAt: created(rollout),
    ...(canary && status.currentStepIndex !== undefined && steps.length > 0
      ? { step: `${status.currentStepIndex}/${steps.length}` }
      : {}),
    ...(canary ? weights(rollout, sets) : {}),
    images: imagesOf(rollout, sets),
    desired: spec.replicas ?? 1,
    current: status.replicas ?? 0,
    updated: status.updatedReplicas ?? 0,
    ready: status.readyReplicas ?? 0,
    available: status.availableReplicas ?? 0,
    revisions: revisionsOf(rollout, sets, pods, runs),
  };
}

/** The phase, unless the controller has not seen the newest change yet. */
export function shownPhase({ metadata, spec, status = {} }: Rollout): {
  readonly phase: RolloutPhase;
  readonly message: string;
} {
  if (status.observedGeneration !== String(metadata.generation ?? 0))
    return { phase: "Progressing", message: "waiting for rollout spec update to be observed" };
  const leftover =
    status.conditions?.some(({ type, status: value }) => type === "Paused" && value === "True") === true;
  if (
    spec.paused !== true &&
    leftover &&
    (status.pauseConditions?.length ?? 0) === 0 &&
    status.abort !== true &&
    status.phase === "Paused"
  )
    return { phase: "Progressing", message: "waiting for rollout to unpause" };
  return status.phase === undefined
    ? rolloutPhase(spec, status)
    : { phase: status.phase, message: status.message ?? "" };
}

function weights(
  { spec, status = {} }: Rollout,
  sets: readonly ReplicaSet[],
): { setWeight: number; actualWeight: number } {
  const steps = spec.strategy?.canary?.steps ?? [];
  const index = status.currentStepIndex ?? 0;
  const atEnd = index >= steps.length;
  const nearest =
    steps.slice(0, index + 1).findLast(({ setWeight }) => setWeight !== undefined)?.setWeight ?? 0;
  const setWeight = status.abort === true ? 0 : atEnd ? 100 : nearest;
  const canary = sets.find((rs) => hashOf(rs) === status.currentPodHash)?.status?.availableReplicas ?? 0;
  const available = status.availableReplicas ?? 0;
  return {
    setWeight,
    actualWeight: atEnd ? 100 : available === 0 ? 0 : Math.floor((canary * 100) / available),
  };
}

function rolesOf({ status = {} }: Rollout, rs: ReplicaSet): string[] {
  const hash = hashOf(rs);
  const { stableRS, currentPodHash, blueGreen } = status;
  const roles = stableRS === hash ? ["stable"] : [];
  if (blueGreen?.activeSelector !== undefined || blueGreen?.previewSelector !== undefined) {
    if (blueGreen.activeSelector === hash) roles.push("active");
    else if (blueGreen.previewSelector === hash) roles.push("preview");
  } else if (currentPodHash === hash && stableRS !== hash) roles.push("canary");
  return roles;
}

function imagesOf(rollout: Rollout, sets: readonly ReplicaSet[]): RolloutView["images"] {
  const tags = new Map<string, Set<string>>();
  for (const rs of sets)
    if ((rs.status?.replicas ?? 0) > 0)
      for (const { image } of rs.spec.template.spec.containers) {
        const all = tags.get(image) ?? new Set();
        for (const role of rolesOf(rollout, rs)) all.add(role);
        tags.set(image, all);
      }
  const order = ["canary", "stable", "active", "preview"];
  return [...tags]
    .map(([image, all]) => ({ image, tags: [...all].sort((a, b) => order.indexOf(a) - order.indexOf(b)) }))
    .sort((a, b) => (a.image < b.image ? -1 : 1));
}

function revisionsOf(
  rollout: Rollout,
  sets: readonly ReplicaSet[],
  pods: readonly Pod[],
  runs: readonly AnalysisRun[],
): RevisionView[] {
  const numbers = [...new Set([...sets, ...runs].map(revisionOf))].sort((a, b) => b - a);
  return numbers.map((revision) => ({
    revision,
    replicaSets: sets
      .filter((rs) => revisionOf(rs) === revision)
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
      .map((rs) => replicaSetView(rollout, rs, pods)),
    runs: runs
      .filter((run) => revisionOf(run) === revision)
      .sort((a, b) => (created(a) ?? 0) - (created(b) ?? 0) || (a.metadata.name < b.metadata.name ? 1 : -1))
      .map(runView),
  }));
}

function replicaSetView(rollout: Rollout, rs: ReplicaSet, pods: readonly Pod[]): ReplicaSetView {
  const deadline = parseTime(rs.metadata.annotations?.[scaleDownDeadlineAnnotation] ?? "");
  return {
    name: rs.metadata.name,
    status: replicaSetStatus(rs),
    createdAt: created(rs),
    roles: rolesOf(rollout, rs),
    ...(deadline === undefined ? {} : { scaleDownAt: deadline }),
    pods: pods
      .filter(
        (pod) =>
          ownedBy(rs.metadata.uid, pod) ||
          (rs.metadata.uid === undefined && pod.metadata.labels?.[hashLabel] === hashOf(rs)),
      )
      .sort((a, b) => (created(a) ?? 0) - (created(b) ?? 0) || (a.metadata.name < b.metadata.name ? -1 : 1))
      .map(podView),
  };
}

function replicaSetStatus(rs: ReplicaSet): ReplicaSetView["status"] {
  const { status } = rs;
  if (sizeOf(rs) === 0 && (status?.replicas ?? 0) === 0) return "ScaledDown";
  if (
    status?.conditions?.some(({ type, status: value }) => type === "ReplicaFailure" && value === "True") ===
    true
  )
    return "ReplicaFailure";
  const seen = (status?.observedGeneration ?? 0) >= (rs.metadata.generation ?? 0);
  return seen && (status?.availableReplicas ?? 0) >= sizeOf(rs) ? "Healthy" : "Progressing";
}

function podView(pod: Pod): PodView {
  const containers = pod.status?.containerStatuses ?? [];
  return {
    name: pod.metadata.name,
    status: podStatus(pod),
    createdAt: created(pod),
    ready: `${containers.filter(({ ready }) => ready).length}/${pod.spec.containers.length}`,
    restarts: containers.reduce((total, { restartCount }) => total + restartCount, 0),
  };
}

/** The word that kubectl has for a pod. */
function podStatus({ metadata, status = {} }: Pod): string {
  if (metadata.deletionTimestamp !== undefined) return "Terminating";
  let word = status.reason ?? status.phase ?? "Pending";
  for (const { state } of (status.containerStatuses ?? []).toReversed()) {
    if (state?.waiting?.reason !== undefined) word = state.waiting.reason;
    else if (state?.terminated !== undefined) {
      const { reason, signal, exitCode } = state.terminated;
      word = reason ?? (signal === undefined || signal === 0 ? `ExitCode:${exitCode}` : `Signal:${signal}`);
    }
  }
  return word;
}

function runView(run: AnalysisRun): RunView {
  const results = run.status?.metricResults ?? [];
  const total = (of: "successful" | "failed" | "inconclusive" | "error"): number =>
    results.reduce((all, result) => all + (result[of] ?? 0), 0);
  const jobs = results.flatMap(({ measurements = [] }) =>
    measurements.flatMap(({ metadata, phase, startedAt }) =>
      metadata?.["job-name"] === undefined
        ? []
        : [{ name: metadata["job-name"], status: phase, startedAt: parseTime(startedAt ?? "") }],
    ),
  );
  return {
    name: run.metadata.name,
    status: run.status?.phase === undefined || run.status.phase === "" ? "Pending" : run.status.phase,
    createdAt: created(run),
    successful: total("successful"),
    failed: total("failed"),
    inconclusive: total("inconclusive"),
    error: total("error"),
    jobs,
  };
}
