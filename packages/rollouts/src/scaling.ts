import type { ReplicaSet } from "@tracegate/kube";
import { parseTime } from "@tracegate/kube";
import { previewSize, skipsPostPromotion } from "./analysis-runs.ts";
import {
  desiredWeight,
  maxSurge,
  maxUnavailable,
  nextCounts,
  type ReplicaCounts,
  type Size,
  targetCounts,
} from "./canary-replicas.ts";
import {
  abortDelay,
  allReplicaSets,
  availableOf,
  changeReplicaSet,
  hashOf,
  isHalted,
  keepsOnAbort,
  type Pass,
  pauseCondition,
  revisionOf,
  scale,
  sizeOf,
  sum,
  wakeIn,
} from "./pass.ts";
import { cleanHistory, hasDeadline, setDeadline } from "./replica-sets.ts";
import { hashLabel, scaleDownDeadlineAnnotation } from "./types.ts";

const sizes = (rs: ReplicaSet): Size => ({ size: sizeOf(rs), available: availableOf(rs) });
const hasStable = ({ stableRS, newRS }: Pass): boolean =>
  stableRS !== undefined && stableRS.metadata.name !== newRS?.metadata.name;

/** What a canary's weight asks for now. */
export function canaryTarget(pass: Pass): ReplicaCounts {
  if (!hasStable(pass)) return { canary: pass.replicas, stable: 0 };
  return targetCounts(
    pass.replicas,
    desiredWeight(pass.rollout, pass.before),
    maxSurge(pass.rollout, pass.replicas),
  );
}

/** Scales a canary's ReplicaSets one step: stable, else new, else older ones. True when one changed its size. */
export function reconcileCanaryReplicaSets(pass: Pass): boolean {
  if (isHalted(pass)) return false;
  removeDeadlines(pass);
  const next = nextCanaryCounts(pass);
  if (scaleCanaryStable(pass, next)) return true;
  if (pass.newRS !== undefined && scale(pass, pass.newRS, next.canary)) return true;
  return drainOldCanaries(pass);
}

function nextCanaryCounts(pass: Pass): ReplicaCounts {
  const { rollout, replicas, stableRS, newRS } = pass;
  return nextCounts(
    canaryTarget(pass),
    { replicas, surge: maxSurge(rollout, replicas), unavailable: maxUnavailable(rollout, replicas) },
    newRS === undefined ? undefined : sizes(newRS),
    hasStable(pass) && stableRS !== undefined ? sizes(stableRS) : undefined,
    pass.otherRSs.map(sizes),
  );
}

const scaleCanaryStable = (pass: Pass, { stable }: ReplicaCounts): boolean =>
  hasStable(pass) && pass.stableRS !== undefined && scale(pass, pass.stableRS, stable);

/**
 * What a change of size means in the pass that makes a new version: the others follow. False: the pass cannot go on, as the
 * new ReplicaSet would have to be scaled and has moved on since it was made.
 */
export function resizeBesideNew(pass: Pass): boolean {
  if (pass.rollout.spec.strategy?.blueGreen !== undefined) {
    removeDeadlines(pass);
    if (pass.stableRS !== undefined) scale(pass, pass.stableRS, pass.replicas);
    if (previewSize(pass) !== sizeOf(pass.newRS)) return false;
    scaleDownOldBlueGreens(pass);
    return true;
  }
  if (isHalted(pass)) return true;
  removeDeadlines(pass);
  const next = nextCanaryCounts(pass);
  if (scaleCanaryStable(pass, next)) return true;
  if (next.canary !== sizeOf(pass.newRS)) return false;
  drainOldCanaries(pass);
  return true;
}

/** Versions that are neither new nor stable: broken pods first, then what availability allows, newest first. */
function drainOldCanaries(pass: Pass): boolean {
  const active = (): ReplicaSet[] =>
    pass.otherRSs.filter((rs) => sizeOf(rs) > 0).toSorted((a, b) => revisionOf(b) - revisionOf(a));
  let changed = false;
  for (const rs of active())
    if (availableOf(rs) < sizeOf(rs)) changed = scale(pass, rs, availableOf(rs)) || changed;
  const unavailable = maxUnavailable(pass.rollout, pass.replicas);
  let budget = sum(allReplicaSets(pass), availableOf) - (pass.replicas - unavailable);
  if (budget <= 0) return false;
  for (const rs of active()) {
    if (budget <= 0) break;
    const down = Math.min(sizeOf(rs), budget);
    budget -= down;
    changed = scale(pass, rs, sizeOf(rs) - down) || changed;
  }
  return changed;
}

/**
 * The sizes that finish a weight step are reached. As upstream: the sizes that can be had now, as the pass found them. While
 * pods of an older version that do not answer take the room, a step may be done without any pod of the new one.
 */
export function atDesiredCounts(pass: Pass): boolean {
  const found = asFound(pass);
  const { canary, stable } = nextCanaryCounts(found);
  const { newRS, stableRS } = found;
  if (newRS === undefined || !isReached(pass, newRS, canary)) return false;
  if (stableRS === undefined || sizeOf(stableRS) !== stable || (stableRS.status?.replicas ?? 0) !== stable)
    return false;
  return sum(pass.otherRSs, availableOf) === 0;
}

/** The pass with its ReplicaSets as they were read. */
function asFound(pass: Pass): Pass {
  const read = new Map(pass.snapshot.replicaSets.map((rs) => [rs.metadata.name, rs]));
  const was = <T extends ReplicaSet | undefined>(rs: T): T | ReplicaSet =>
    (rs === undefined ? undefined : read.get(rs.metadata.name)) ?? rs;
  return { ...pass, newRS: was(pass.newRS), stableRS: was(pass.stableRS), otherRSs: pass.otherRSs.map(was) };
}

/** Enough of the wanted pods are available: all of them, or what `replicaProgressThreshold` is content with. */
function isReached(pass: Pass, rs: ReplicaSet, wanted: number): boolean {
  const threshold = pass.rollout.spec.strategy?.canary?.replicaProgressThreshold;
  const available = availableOf(rs);
  if (threshold === undefined || threshold.value < 0) return sizeOf(rs) === wanted && available === wanted;
  if (threshold.type === "Percent")
    return wanted === 0 || (100 * available) / wanted >= threshold.value - 1e-10;
  return available >= threshold.value;
}

/** The new version has all pods that the Rollout wants, so far as progress asks for them. */
export const isFullyAvailable = (pass: Pass, rs: ReplicaSet): boolean =>
  availableOf(rs) >= pass.replicas || isReached(pass, rs, pass.replicas);

/** The new and the stable version are wanted: what was on its way out is not any more. */
export function removeDeadlines(pass: Pass): void {
  const wanted = [...(keepsOnAbort(pass) ? [] : [pass.newRS]), pass.stableRS];
  for (const rs of wanted)
    if (rs !== undefined && hasDeadline(rs))
      changeReplicaSet(pass, rs, { annotations: { [scaleDownDeadlineAnnotation]: null } });
}

/** Scales blue-green ReplicaSets: the stable one full, the new one as previewed, older ones down after their delay. */
export function reconcileBlueGreenReplicaSets(pass: Pass): void {
  removeDeadlines(pass);
  // After the switch the stable version is no longer active, but the way back until the new one is proven.
  if (pass.stableRS !== undefined) scale(pass, pass.stableRS, pass.replicas);
  scaleBlueGreenNew(pass);
  scaleDownOldBlueGreens(pass);
  cleanHistory(pass);
}

function scaleBlueGreenNew(pass: Pass): void {
  const { newRS } = pass;
  if (newRS === undefined) return;
  const delay = abortDelay(pass.rollout);
  if (keepsOnAbort(pass) && typeof delay === "number") {
    const deadline = parseTime(newRS.metadata.annotations?.[scaleDownDeadlineAnnotation] ?? "");
    if (deadline !== undefined) {
      if (deadline > pass.now) wakeIn(pass, deadline - pass.now);
      else scale(pass, newRS, 0);
    } else if (availableOf(pass.stableRS) === pass.replicas) {
      setDeadline(pass, newRS, delay);
      wakeIn(pass, delay * 1000);
    }
    return;
  }
  scale(pass, newRS, previewSize(pass));
}

/** Without a delay of its own, a verdict on the new version decides when the old one may go. */
function waitsForPostPromotion(pass: Pass): boolean {
  const { postPromotionAnalysis, scaleDownDelaySeconds } = pass.rollout.spec.strategy?.blueGreen ?? {};
  if (postPromotionAnalysis === undefined || scaleDownDelaySeconds !== undefined) return false;
  const run = pass.runs.postPromotion;
  return !skipsPostPromotion(pass, run) && run?.status?.phase !== "Successful";
}

/** Hashes of versions that something still leads to. */
function referencedHashes({ before, services }: Pass): ReadonlySet<string | undefined> {
  const { stableRS, currentPodHash, blueGreen } = before;
  return new Set([
    stableRS,
    currentPodHash,
    blueGreen?.activeSelector,
    blueGreen?.previewSelector,
    ...[...services.values()].map(({ spec }) => spec.selector?.[hashLabel]),
  ]);
}

function scaleDownOldBlueGreens(pass: Pass): void {
  if (pauseCondition(pass, "InconclusiveAnalysisRun") !== undefined || waitsForPostPromotion(pass)) return;
  const { scaleDownDelayRevisionLimit = Number.POSITIVE_INFINITY, scaleDownDelaySeconds = 30 } =
    pass.rollout.spec.strategy?.blueGreen ?? {};
  const referenced = referencedHashes(pass);
  let delayed = 0;
  for (const rs of pass.otherRSs.toSorted((a, b) => revisionOf(b) - revisionOf(a))) {
    if (sizeOf(rs) === 0 || referenced.has(hashOf(rs))) continue;
    delayed++;
    const deadline = parseTime(rs.metadata.annotations?.[scaleDownDeadlineAnnotation] ?? "");
    if (delayed > scaleDownDelayRevisionLimit) scale(pass, rs, 0);
    else if (deadline === undefined) {
      // As upstream: a delay of zero is never written down, so such a ReplicaSet stays.
      if (scaleDownDelaySeconds > 0) {
        setDeadline(pass, rs, scaleDownDelaySeconds);
        wakeIn(pass, scaleDownDelaySeconds * 1000);
      }
    } else if (deadline > pass.now) {
      wakeIn(pass, deadline - pass.now);
      // Ready to take over again at once, so it follows the Rollout's size.
      scale(pass, rs, pass.replicas);
    } else scale(pass, rs, 0);
  }
}
