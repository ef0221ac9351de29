import { allReplicaSets, hashOf, normal, type Pass, revisionOf, sum } from "./pass.ts";
import { podTemplateHash } from "./pod-template-hash.ts";
import type { RolloutStatus } from "./types.ts";

/** Counts and carried-over fields, the same for both strategies. */
export function baseStatus(pass: Pass): RolloutStatus {
  const { before, rollout } = pass;
  const all = allReplicaSets(pass);
  const running = (sets: typeof all): number => sum(sets, (rs) => rs.status?.replicas ?? 0);
  const hash =
    pass.newRS === undefined && rollout.spec.template !== undefined
      ? podTemplateHash(rollout.spec.template, before.collisionCount)
      : hashOf(pass.newRS);
  const restartedAt = pass.restartedAt ?? before.restartedAt;
  return {
    currentPodHash: hash,
    replicas: running(all),
    updatedReplicas: pass.newRS === undefined ? 0 : running([pass.newRS]),
    readyReplicas: sum(all, (rs) => rs.status?.readyReplicas ?? 0),
    ...(before.collisionCount === undefined ? {} : { collisionCount: before.collisionCount }),
    ...(restartedAt === undefined ? {} : { restartedAt }),
    ...(before.promoteFull === true ? { promoteFull: true } : {}),
    conditions: (before.conditions ?? []).filter(({ type }) => type !== "InvalidSpec"),
  };
}

export const isPodSpecChanged = (pass: Pass): boolean =>
  pass.newRS !== undefined &&
  pass.before.currentPodHash !== undefined &&
  pass.before.currentPodHash !== "" &&
  pass.before.currentPodHash !== hashOf(pass.newRS);

/** A new version starts from the beginning: no pauses, no abort, no runs. A restart that is under way goes on. */
export function reset(pass: Pass, status: RolloutStatus): RolloutStatus {
  pass.pause.clear = true;
  pass.pause.removeAbort = true;
  const { promoteFull: _, ...rest } = status;
  return rest;
}

/** Makes the current version the stable one. */
export function promote(pass: Pass, status: RolloutStatus, reason: string): RolloutStatus {
  pass.pause.clear = true;
  pass.pause.removeAbort = true;
  const { promoteFull: _, ...rest } = status;
  const hash = status.currentPodHash ?? "";
  if (status.stableRS !== hash)
    normal(
      pass,
      "RolloutCompleted",
      `Rollout completed update to revision ${revisionOf(pass.rollout)} (${hash}): ${reason}`,
    );
  return { ...rest, stableRS: hash };
}
