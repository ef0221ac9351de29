import type { AnalysisRun } from "@tracegate/analysis";
import type { Rollout } from "@tracegate/rollouts";
import type { DecidedRelease } from "./evidence-package.ts";

const revisionAnnotation = "rollout.argoproj.io/revision";

/**
 * The release that a Rollout has decided about, or undefined while it goes on. The first revision is installed without
 * gates and leaves no evidence. `runs` are the Rollout's own; `known` are the UIDs that earlier attempts of the same
 * revision were judged by.
 */
export function decidedRelease(
  rollout: Rollout,
  runs: readonly AnalysisRun[],
  known: ReadonlySet<string>,
): DecidedRelease | undefined {
  const { status } = rollout;
  const revision = Number(rollout.metadata.annotations?.[revisionAnnotation] ?? 0);
  const hash = status?.currentPodHash;
  if (
    revision < 2 ||
    hash === undefined ||
    status?.observedGeneration !== String(rollout.metadata.generation)
  )
    return undefined;
  const promoted = status.phase === "Healthy" && status.stableRS === hash;
  const aborted = status.abort === true && status.phase === "Degraded";
  if (promoted === aborted) return undefined;
  const judging = runs
    .filter((run) => run.metadata.annotations?.[revisionAnnotation] === String(revision))
    .filter(({ metadata }) => !known.has(metadata.uid ?? ""))
    .sort((a, b) => (a.metadata.creationTimestamp ?? "").localeCompare(b.metadata.creationTimestamp ?? ""));
  const uids = judging.map(({ metadata }) => metadata.uid ?? "").sort();
  return {
    rollout,
    verdict: promoted ? "go" : "no-go",
    revision,
    runs: judging,
    decision: [promoted ? "go" : "no-go", hash, status.abortedAt ?? "", ...uids].join(" "),
  };
}
