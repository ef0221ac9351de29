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
export function desiredWeight(rollout: Rollout, status: RolloutStatus, aborted: boolean): number {
  const steps = rollout.spec.strategy?.canary?.steps ?? [];
  if (
    status.promoteFull === true ||
    status.stableRS === undefined ||
    status.stableRS === "" ||
    status.currentPodHash === status.stableRS
  )
    return 100;
  if (aborted) return 0;
  const index = status.currentStepIndex ?? 0;
  if (steps.length === 0 || index >= steps.length) return 100;
  return steps.slice(0, index + 1).findLast(({ setWeight }) => setWeight !== undefined)?.setWeight ?? 0;
}

/**
 * The counts that come nearest to a weight without traffic routing. Neither side is empty between 0 and 100, and one pod
 * more than asked for is planned where that comes closer. A tie favours the canary.
 */
export function targetCounts(replicas: number, weight: number, surge: number): ReplicaCounts {
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
    const error = total === 0 ? 0 : Math.abs((100 * canary) / total - weight);
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
  stable: Size,
  older: readonly Size[],
): ReplicaCounts {
  const max = replicas + surge;
  const minAvailable = replicas - unavailable;
  const total = (canary?.size ?? 0) + stable.size + older.reduce((count, { size }) => count + size, 0);
  let next: { canary: number; stable: number } = { canary: canary?.size ?? 0, stable: stable.size };
  let room = max - total;
  if (room > 0) {
    const stableGrowth = Math.min(Math.max(0, target.stable - stable.size), room);
    next.stable += stableGrowth;
    room -= stableGrowth;
    next.canary += Math.min(Math.max(0, target.canary - next.canary), room);
  }
  if (older.some(({ size }) => size > 0)) return next;

  const increasing = canary === undefined || target.canary >= canary.size;
  const removable = ({ size, available }: Size, ignoreAvailability: boolean): number =>
    size < available || ignoreAvailability ? size : available;
  const toDown = removable(canary ?? { size: 0, available: 0 }, !increasing) + removable(stable, increasing);
  if (toDown <= minAvailable) return next;
  const budget = toDown - minAvailable;
  if (increasing)
    next.stable = stable.size > target.stable ? Math.max(target.stable, stable.size - budget) : next.stable;
  else next.canary = Math.max(target.canary, (canary?.size ?? 0) - budget);

  next = { ...next };
  const excess = Math.max(0, next.canary + next.stable - max);
  if (excess > 0) {
    const keep = increasing ? "canary" : "stable";
    const drain = increasing ? "stable" : "canary";
    next[keep] -= excess;
    const kept = increasing ? (canary ?? { size: 0, available: 0 }) : stable;
    const lost = Math.max(0, Math.min(excess, kept.available - next[keep]));
    const availableNow = (canary?.available ?? 0) + stable.available;
    next[keep] += Math.min(lost, Math.max(0, minAvailable - (availableNow - lost)));
    next[drain] -= Math.max(0, next.canary + next.stable - max);
  }
  return next;
}
