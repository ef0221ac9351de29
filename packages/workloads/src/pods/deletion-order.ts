import { type Pod, parseTime } from "@tracegate/kube";
import { isReady, readySince, restartCount } from "./pod-state.ts";

/** Lower goes first; anything that is no 32-bit number counts as 0. */
export const DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";

/**
 * The order in which surplus pods go, as kube-controller-manager ranks them (ActivePodsWithRanks): what serves least goes
 * first. `neighbours` says how many related pods share a pod's node.
 */
export function deletionOrder(
  pods: readonly Pod[],
  neighbours: (pod: Pod) => number,
  now: number,
): readonly Pod[] {
  return [...pods].sort((a, b) => compare(a, b, neighbours, now));
}

function compare(a: Pod, b: Pod, neighbours: (pod: Pod) => number, now: number): number {
  return (
    Number(isScheduled(a)) - Number(isScheduled(b)) ||
    phaseRank(a) - phaseRank(b) ||
    Number(isReady(a)) - Number(isReady(b)) ||
    deletionCost(a) - deletionCost(b) ||
    neighbours(b) - neighbours(a) ||
    (isReady(a) && isReady(b) ? youngerFirst(readySince(a), readySince(b), a, b, now) : 0) ||
    restartCount(b) - restartCount(a) ||
    youngerFirst(createdAt(a), createdAt(b), a, b, now)
  );
}

const isScheduled = ({ spec }: Pod) => (spec.nodeName ?? "") !== "";

const PHASES = ["Pending", "Unknown", "Running"];
const phaseRank = ({ status }: Pod) => PHASES.indexOf(status?.phase ?? "Pending");

function deletionCost({ metadata }: Pod): number {
  const text = metadata.annotations?.[DELETION_COST] ?? "";
  if (!/^(0|-?[1-9][0-9]*)$/.test(text)) return 0;
  const cost = Number(text);
  return cost >= -(2 ** 31) && cost < 2 ** 31 ? cost : 0;
}

const createdAt = ({ metadata }: Pod) => parseTime(metadata.creationTimestamp ?? "");

/**
 * By the order of magnitude of the age only, and by uid within it: so that the youngest pods, which a rollout or the
 * scheduler has placed together, do not go as a group (upstream's LogarithmicScaleDown).
 */
function youngerFirst(
  sinceA: number | undefined,
  sinceB: number | undefined,
  a: Pod,
  b: Pod,
  now: number,
): number {
  if (sinceA === sinceB) return 0;
  if (sinceA === undefined || sinceB === undefined) return sinceA === undefined ? -1 : 1;
  const difference = magnitude(now - sinceA) - magnitude(now - sinceB);
  if (difference !== 0) return difference;
  return (a.metadata.uid ?? "") < (b.metadata.uid ?? "") ? -1 : 1;
}

/** Of an age in nanoseconds, base 2. */
const magnitude = (ageMs: number) => (ageMs > 0 ? Math.floor(Math.log2(ageMs * 1e6)) : -1);
