import { AnalysisRun } from "@tracegate/analysis";
import { Application } from "@tracegate/gitops";
import {
  isNotFound,
  type Kind,
  type KubeObject,
  Pod,
  ReplicaSet,
  type ResourceClient,
} from "@tracegate/kube";
import { Rollout } from "@tracegate/rollouts";

/** All that the demo looks at, read at one time. */
export interface Snapshot {
  readonly applications: readonly Application[];
  readonly rollout: Rollout | undefined;
  readonly replicaSets: readonly ReplicaSet[];
  readonly pods: readonly Pod[];
  readonly runs: readonly AnalysisRun[];
}

export const hotrod = { namespace: "hotrod", name: "hotrod" } as const;

export async function takeSnapshot(client: ResourceClient): Promise<Snapshot> {
  const inHotrod = async <T extends KubeObject>(kind: Kind<T>) =>
    (await client.list(kind, { namespace: hotrod.namespace })).items;
  const rollout = await client.get(Rollout, hotrod).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  return {
    applications: (await client.list(Application, { namespace: "argocd" })).items,
    rollout,
    replicaSets: await inHotrod(ReplicaSet),
    pods: await inHotrod(Pod),
    runs: await inHotrod(AnalysisRun),
  };
}

/** Whether the Rollout has settled on a version: all of the traffic is on the newest one. */
export function settledOn({ rollout }: Snapshot): string | undefined {
  const status = rollout?.status;
  if (rollout === undefined || status?.phase !== "Healthy" || status.stableRS !== status.currentPodHash)
    return undefined;
  return status.observedGeneration === String(rollout.metadata.generation) ? status.stableRS : undefined;
}

/** What became of the release after `stable`: promoted, refused, or neither yet. */
export function outcomeAfter(stable: string, snapshot: Snapshot): "promoted" | "refused" | undefined {
  const status = snapshot.rollout?.status;
  if (status?.currentPodHash === undefined || status.currentPodHash === stable) return undefined;
  if (settledOn(snapshot) === status.currentPodHash) return "promoted";
  if (status.abort !== true || status.phase !== "Degraded") return undefined;
  // Taken back means that no canary is left and stable serves with all of its pods.
  const canary = snapshot.replicaSets.find(
    ({ metadata }) => metadata.labels?.["rollouts-pod-template-hash"] === status.currentPodHash,
  );
  return (canary?.status?.replicas ?? 0) === 0 ? "refused" : undefined;
}

/** Why it goes no further, for somebody who waits: what pods, applications and runs say of themselves. */
export function whatHolds(snapshot: Snapshot): string[] {
  const { applications, rollout, pods, runs } = snapshot;
  const lines: string[] = [];
  if (applications.length === 0) lines.push("no Application has been generated");
  for (const { metadata, status } of applications) {
    for (const { type, message } of status?.conditions ?? [])
      lines.push(`application ${metadata.name}: ${type}: ${message}`);
    if (status?.operationState?.phase === "Failed" || status?.operationState?.phase === "Error") {
      lines.push(`application ${metadata.name}: ${status.operationState.message}`);
    }
  }
  if (rollout !== undefined)
    lines.push(
      `rollout ${rollout.metadata.name}: ${rollout.status?.phase}: ${rollout.status?.message ?? ""}`,
    );
  for (const { metadata, status } of pods) {
    for (const { name, state } of status?.containerStatuses ?? []) {
      if (state?.waiting !== undefined) {
        lines.push(
          `pod ${metadata.name}, container ${name}: ${state.waiting.reason}: ${state.waiting.message ?? ""}`,
        );
      }
    }
  }
  for (const { metadata, status } of runs)
    lines.push(`analysis ${metadata.name}: ${status?.phase} ${status?.message ?? ""}`);
  return lines.map((line) => line.trimEnd());
}
