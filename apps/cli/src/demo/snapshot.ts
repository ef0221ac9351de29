import { AnalysisRun } from "@tracegate/analysis";
import { Application } from "@tracegate/gitops";
import { type Kind, type KubeObject, Pod, type Ref, ReplicaSet, type ResourceClient } from "@tracegate/kube";
import { Rollout } from "@tracegate/rollouts";

/** All that a story looks at, read at one time. */
export interface Snapshot {
  readonly applications: readonly Application[];
  readonly rollouts: readonly Rollout[];
  readonly replicaSets: readonly ReplicaSet[];
  readonly pods: readonly Pod[];
  readonly runs: readonly AnalysisRun[];
}

/** Reads the Applications, and what lies in `namespaces`, where there are any yet. */
export async function takeSnapshot(client: ResourceClient, namespaces: readonly string[]): Promise<Snapshot> {
  const inThese = async <T extends KubeObject>(kind: Kind<T>) => {
    const lists = await Promise.all(namespaces.map((namespace) => client.list(kind, { namespace })));
    return lists.flatMap(({ items }) => items);
  };
  return {
    applications: (await client.list(Application, { namespace: "argocd" })).items,
    rollouts: await inThese(Rollout),
    replicaSets: await inThese(ReplicaSet),
    pods: await inThese(Pod),
    runs: await inThese(AnalysisRun),
  };
}

export const rolloutIn = ({ rollouts }: Pick<Snapshot, "rollouts">, { namespace, name }: Ref) =>
  rollouts.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);

/** What of the snapshot belongs to one Rollout's namespace. */
export function within({ namespace }: Ref, snapshot: Snapshot): Snapshot {
  const here = <T extends KubeObject>(objects: readonly T[]) =>
    objects.filter(({ metadata }) => metadata.namespace === namespace);
  return {
    ...snapshot,
    rollouts: here(snapshot.rollouts),
    replicaSets: here(snapshot.replicaSets),
    pods: here(snapshot.pods),
    runs: here(snapshot.runs),
  };
}

/** Whether the Rollout has settled on a version: all of the traffic is on the newest one, whose hash it answers. */
export function settledOn(rollout: Rollout | undefined): string | undefined {
  const status = rollout?.status;
  if (rollout === undefined || status?.phase !== "Healthy" || status.stableRS !== status.currentPodHash)
    return undefined;
  return status.observedGeneration === String(rollout.metadata.generation) ? status.stableRS : undefined;
}

export type Outcome = "promoted" | "refused";

/** What became of the release after `stable`: promoted, refused, or neither yet. */
export function outcomeAfter(
  stable: string,
  rollout: Rollout | undefined,
  replicaSets: readonly ReplicaSet[],
): Outcome | undefined {
  const status = rollout?.status;
  if (status?.currentPodHash === undefined || status.currentPodHash === stable) return undefined;
  if (settledOn(rollout) === status.currentPodHash) return "promoted";
  if (status.abort !== true || status.phase !== "Degraded") return undefined;
  // Taken back means that no canary is left and stable serves with all of its pods.
  const canary = replicaSets.find(
    ({ metadata }) =>
      metadata.namespace === rollout?.metadata.namespace &&
      metadata.labels?.["rollouts-pod-template-hash"] === status.currentPodHash,
  );
  return (canary?.status?.replicas ?? 0) === 0 ? "refused" : undefined;
}

/** Why it goes no further, for somebody who waits: what pods, applications and runs say of themselves. */
export function whatHolds(snapshot: Snapshot): string[] {
  const { applications, rollouts, pods, runs } = snapshot;
  const lines: string[] = [];
  if (applications.length === 0) lines.push("no Application has been generated");
  for (const { metadata, status } of applications) {
    for (const { type, message } of status?.conditions ?? [])
      lines.push(`application ${metadata.name}: ${type}: ${message}`);
    if (status?.operationState?.phase === "Failed" || status?.operationState?.phase === "Error") {
      lines.push(`application ${metadata.name}: ${status.operationState.message}`);
    }
  }
  for (const { metadata, status } of rollouts)
    lines.push([`rollout ${metadata.name}`, status?.phase, status?.message].filter(Boolean).join(": "));
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
