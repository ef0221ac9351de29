import type { ReplicaSet } from "@tracegate/kube";
import { parseTime } from "@tracegate/kube";
import { allReplicaSets, type Pass } from "./pass.ts";
import { hasDeadline } from "./replica-sets.ts";
import type { Rollout } from "./types.ts";

const createdAt = ({ metadata }: ReplicaSet): number => parseTime(metadata.creationTimestamp ?? "") ?? 0;
const isOlder = (a: ReplicaSet, b: ReplicaSet): boolean => createdAt(a) < createdAt(b);

/**
 * The template went back to a version that is older than the stable one by less than `rollbackWindow.revisions`: it was
 * proven once. Age counts, not revision numbers: a re-used ReplicaSet gets a new number.
 */
export function isRollbackWithinWindow(pass: Pass): boolean {
  const { newRS, stableRS, rollout } = pass;
  const window = rollout.spec.rollbackWindow?.revisions ?? 0;
  if (newRS === undefined || stableRS === undefined || !isOlder(newRS, stableRS)) return false;
  const between = allReplicaSets(pass).filter((rs) => isOlder(newRS, rs) && isOlder(rs, stableRS));
  return between.length < window;
}

/**
 * The new version was on its way out when this pass began, and its pods are still there: it takes over at once. That is the
 * way back to a version that was proven. One that was given up keeps its pods for a while, too, but is younger than the
 * stable one: where an analysis judges, it does so anew. (Upstream lets it take over then as well, unproven.)
 */
export const wasLeaving = (pass: Pass): boolean => {
  const { newRS, stableRS, snapshot } = pass;
  if (newRS === undefined || stableRS === undefined) return false;
  const leaving = snapshot.replicaSets.some(
    (rs) => rs.metadata.name === newRS.metadata.name && hasDeadline(rs),
  );
  return leaving && (isOlder(newRS, stableRS) || !isJudged(pass.rollout));
};

const isJudged = ({ spec: { strategy } }: Rollout): boolean =>
  strategy?.blueGreen?.prePromotionAnalysis !== undefined ||
  strategy?.blueGreen?.postPromotionAnalysis !== undefined;

/** Nothing needs to be proven anew. */
export const isFastRollback = (pass: Pass): boolean => isRollbackWithinWindow(pass) || wasLeaving(pass);
