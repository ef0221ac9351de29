import type { ReplicaSet } from "@tracegate/kube";
import { parseTime } from "@tracegate/kube";
import { allReplicaSets, type Pass } from "./pass.ts";
import { hasDeadline } from "./replica-sets.ts";

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
 * Nothing needs to be proven anew. In blue-green so is a way back to an older version whose pods are still there; a
 * version that was given up keeps its pods for a while too, but is younger than the stable one.
 */
export function isFastRollback(pass: Pass): boolean {
  if (isRollbackWithinWindow(pass)) return true;
  const { newRS, stableRS, rollout } = pass;
  if (rollout.spec.strategy?.blueGreen === undefined || newRS === undefined || stableRS === undefined)
    return false;
  return hasDeadline(newRS) && isOlder(newRS, stableRS);
}
