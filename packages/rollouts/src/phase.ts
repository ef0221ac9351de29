import type { RolloutPhase, RolloutSpec, RolloutStatus } from "./types.ts";

/** The phase and message of a Rollout; the first test that holds decides. */
export function rolloutPhase(
  spec: RolloutSpec,
  status: RolloutStatus,
): { readonly phase: RolloutPhase; readonly message: string } {
  const replicas = spec.replicas ?? 1;
  const { canary, blueGreen } = spec.strategy ?? {};
  const conditions = status.conditions ?? [];
  const invalid = conditions.find(({ type }) => type === "InvalidSpec");
  if (invalid !== undefined) return { phase: "Degraded", message: `InvalidSpec: ${invalid.message}` };
  const broken = conditions.find(
    ({ reason }) => reason === "RolloutAborted" || reason === "ProgressDeadlineExceeded",
  );
  if (broken !== undefined) return { phase: "Degraded", message: `${broken.reason}: ${broken.message}` };
  if (spec.paused === true) return { phase: "Paused", message: "manually paused" };
  const [pause] = status.pauseConditions ?? [];
  if (pause !== undefined) return { phase: "Paused", message: pause.reason };
  const progressing = (message: string) => ({ phase: "Progressing" as const, message });
  if (spec.restartAt !== undefined && spec.restartAt !== status.restartedAt)
    return progressing("rollout is restarting");
  const { updatedReplicas = 0, availableReplicas = 0, stableRS, currentPodHash } = status;
  if (updatedReplicas < replicas) return progressing("more replicas need to be updated");
  if (availableReplicas < updatedReplicas)
    return progressing("updated replicas are still becoming available");
  if (blueGreen !== undefined) {
    if (status.blueGreen?.activeSelector === undefined || status.blueGreen.activeSelector !== currentPodHash)
      return progressing("active service cutover pending");
    if (stableRS === undefined || stableRS !== currentPodHash) {
      const run = status.blueGreen.postPromotionAnalysisRunStatus;
      const done = ["Successful", "Failed", "Error", "Inconclusive"].includes(run?.status ?? "");
      return progressing(
        done ? "waiting for post-promotion verification to complete" : "waiting for analysis to complete",
      );
    }
  } else {
    if (canary?.trafficRouting === undefined && (status.replicas ?? 0) > updatedReplicas)
      return progressing("old replicas are pending termination");
    if (stableRS === undefined || stableRS === "" || stableRS !== currentPodHash)
      return progressing("waiting for all steps to complete");
  }
  return { phase: "Healthy", message: "" };
}
