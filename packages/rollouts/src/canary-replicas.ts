import type { IntOrString } from "@tracegate/kube";
import type { Rollout, RolloutStatus } from "./types.ts";

/** How many pods each side shall have. */
export interface ReplicaCounts {
  readonly canary: number;
  readonly stable: number;
}

/** Text always means a percentage, with or without the sign: upstream parses it so. */
const share = (value: IntOrString | undefined, total: number, round: (value: number) => number): number => {
  if (typeof value === "number") return value;
  return round((Number.parseInt(value ?? "25", 10) * total) / 100);
};

export const maxSurge = ({ spec }: Rollout, replicas: number): number =>
  share(spec.strategy?.canary?.maxSurge, replicas, Math.ceil);

/** Pods that may be missing. When neither surge nor missing is allowed, one may be missing: else nothing could move. */
export function maxUnavailable(rollout: Rollout, replicas: number): number {
  if (replicas === 0) return 0;
  const { canary, blueGreen } = rollout.spec.strategy ?? {};
  const wanted = share(canary?.maxUnavailable ?? blueGreen?.maxUnavailable, replicas, Math.floor);
  const stuck = wanted === 0 && canary !== undefined && maxSurge(rollout, replicas) === 0;
  return Math.min(stuck ? 1 : wanted, replicas);
}

/** The weight that the steps ask for at this point. */
export function desiredWeight(rollout: Rollout, status: RolloutStatus): number {
  const steps = rollout.spec.strategy?.canary?.steps ?? [];
  if (
    status.promoteFull === true ||
    status.stableRS === undefined ||
    status.stableRS === "" ||
    status.currentPodHash === status.stableRS
  )
    return 100;
  if (status.abort === true) return 0;
  const index = status.currentStepIndex ?? 0;
  if (steps.length === 0 || index >= steps.length) return 100;
  return steps.slice(0, index + 1).findLast(({ setWeight }) => setWeight !== undefined)?.setWeight ?? 0;
}

/**
 * The counts that come nearest to a weight without traffic routing. Neither side is empty between 0 and 100, and one pod
 * more than asked for is planned where that comes closer. A tie favours the canary.
 */
export function targetCounts(replicas: number, weight: number, surge: number): ReplicaCounts {
  if (replicas === 0) return { canary: 0, stable: 0 };
  const exact = (replicas * weight) / 100;
  const [ceil, floor] = [Math.ceil(exact), Math.floor(exact)];
  const tied = (total: number): boolean => {
    const product = total * (weight / 100);
    return product - Math.floor(product) === 0.5;
  };
  const zeroAllowed = weight === 100 || weight === 0 || (replicas === 1 && surge === 0);
  const candidates: [canary: number, total: number][] = [];
  if (ceil < replicas || zeroAllowed) candidates.push([ceil, replicas]);
  if (!tied(replicas) && (floor !== 0 || zeroAllowed)) candidates.push([floor, replicas]);
  if (surge > 0) {
    candidates.push([ceil, replicas + 1]);
    if (!tied(replicas + 1) && (floor !== 0 || zeroAllowed)) candidates.push([floor, replicas + 1]);
  }
  let best: { canary: number; total: number; error: number } | undefined;
  for (const [canary, total] of candidates) {
    const error = Math.abs((100 * canary) / total - weight);
    if (best === undefined || error < best.error) best = { canary, total, error };
  }
  // No candidate: with surge 0 and a tie that would empty the stable side, upstream plans no canary at all.
  const { canary, total } = best ?? { canary: 0, total: replicas };
  return { canary, stable: total - canary };
}

/** A ReplicaSet as the arithmetic sees it. */
export interface Size {
  readonly size: number;
  readonly available: number;
}

/**
 * How far one pass may go towards the target: growing within the surge, stable first; shrinking only what availability
 * allows, and not while older versions still run.
 */
export function nextCounts(
  target: ReplicaCounts,
  {
    replicas,
    surge,
    unavailable,
  }: { readonly replicas: number; readonly surge: number; readonly unavailable: number },
  canary: Size | undefined,
  stable: Size | undefined,
  older: readonly Size[],
): ReplicaCounts {
  const max = replicas + surge;
  const minAvailable = replicas - unavailable;
  const total =
    (canary?.size ?? 0) + (stable?.size ?? 0) + older.reduce((count, { size }) => count + size, 0);
  const next = { canary: canary?.size ?? 0, stable: stable?.size ?? 0 };
  let room = max - total;
  if (room > 0) {
    const stableGrowth = Math.min(Math.max(0, target.stable - next.stable), room);
    next.stable += stableGrowth;
    room -= stableGrowth;
    next.canary += Math.min(Math.max(0, target.canary - next.canary), room);
  }
  if (older.some(({ size }) => size > 0)) return next;

  const increasing = canary === undefined || target.canary >= canary.size;
  const removable = ({ size, available }: Size, ignoreAvailability: boolean): number =>
    size < available || ignoreAvailability ? size : available;
  const toDown = removable(canary ?? none, !increasing) + removable(stable ?? none, increasing);
  if (toDown <= minAvailable) return next;
  const drained = (size: number, wanted: number, kept: number): number =>
    size > wanted ? Math.max(wanted, size - (toDown - minAvailable)) : kept;
  if (increasing) {
    if (stable === undefined) return next;
    const shrunk = drained(stable.size, target.stable, next.stable);
    const within = withinLimits(
      { count: shrunk, is: stable },
      { count: next.canary, is: canary },
      max,
      minAvailable,
    );
    return { canary: within.kept, stable: within.drained };
  }
  const shrunk = drained(canary.size, target.canary, next.canary);
  const within = withinLimits(
    { count: shrunk, is: canary },
    { count: next.stable, is: stable },
    max,
    minAvailable,
  );
  return { canary: within.drained, stable: within.kept };
}

const none: Size = { size: 0, available: 0 };

interface Planned {
  readonly count: number;
  readonly is: Size | undefined;
}

/**
 * Keeps both sides together within the surge. The side that is kept gives way first, but not so far that too few pods
 * would answer; what is still too much comes off the side that is drained.
 */
function withinLimits(
  drain: Planned,
  keep: Planned,
  max: number,
  minAvailable: number,
): { readonly drained: number; readonly kept: number } {
  const excess = (kept: number): number => Math.max(0, kept + drain.count - max);
  if (keep.is === undefined) return { drained: drain.count, kept: keep.count };
  const trimmed = keep.count - excess(keep.count);
  const available = Math.min(drain.is?.available ?? 0, drain.count) + Math.min(keep.is.available, trimmed);
  const lost = Math.max(0, keep.is.available - trimmed);
  const kept = trimmed + Math.min(lost, Math.max(0, minAvailable - available));
  return { drained: drain.count - excess(kept), kept };
}
