import { formatLabelSelector, type Service } from "@tracegate/kube";
import { isPreviewReady, mirrorOf, reconcileAnalysisRuns } from "./analysis-runs.ts";
import { isSaturated } from "./conditions.ts";
import { reconcileEphemeralMetadata } from "./ephemeral-metadata.ts";
import {
  allReplicaSets,
  availableOf,
  hashOf,
  isAborted,
  isHalted,
  type Pass,
  pauseCondition,
  sum,
} from "./pass.ts";
import { hasPassed, wakeAfter } from "./pausing.ts";
import { restartPods } from "./restart.ts";
import { isRollbackWithinWindow, wasLeaving } from "./rollback.ts";
import { reconcileBlueGreenReplicaSets } from "./scaling.ts";
import { switchService } from "./services.ts";
import { baseStatus, isPodSpecChanged, promote, reset } from "./status.ts";
import { hashLabel, type RolloutStatus } from "./types.ts";

const strategy = (pass: Pass) => pass.rollout.spec.strategy?.blueGreen;
const activeService = (pass: Pass): Service | undefined =>
  pass.services.get(strategy(pass)?.activeService ?? "");
const previewService = (pass: Pass): Service | undefined =>
  pass.services.get(strategy(pass)?.previewService ?? "");
const selected = (service: Service | undefined): string | undefined => service?.spec.selector?.[hashLabel];

/** One pass over a blue-green Rollout. `undefined`: the status stays as it is (the pass failed). */
export function planBlueGreen(pass: Pass): RolloutStatus | undefined {
  const preview = previewService(pass);
  if (preview !== undefined && pass.newRS !== undefined && !isHalted(pass))
    switchService(pass, preview, hashOf(pass.newRS));
  if (isPodSpecChanged(pass)) return blueGreenStatus(pass);
  restartPods(pass);
  reconcileBlueGreenReplicaSets(pass);
  pauseBeforeSwitch(pass);
  switchActive(pass);
  reconcileAnalysisRuns(pass);
  if (pass.failure !== undefined) return undefined;
  reconcileEphemeralMetadata(pass);
  return blueGreenStatus(pass);
}

/** The switch needs no waiting: the first deployment, a full promotion, or a way back to what still runs. */
function isFastTracked(pass: Pass): boolean {
  const active = selected(activeService(pass));
  if (pass.before.promoteFull === true || active === undefined || active === hashOf(pass.newRS)) return true;
  return wasLeaving(pass);
}

const isAutomatic = (pass: Pass): boolean => strategy(pass)?.autoPromotionEnabled !== false;

/** A person, or the time of `autoPromotionSeconds`, must pass before the switch. */
const needsPause = (pass: Pass): boolean =>
  !isAutomatic(pass) || (strategy(pass)?.autoPromotionSeconds ?? 0) > 0;

const isCheckPointPassed = ({ before }: Pass): boolean => before.blueGreen?.scaleUpPreviewCheckPoint === true;

function pauseBeforeSwitch(pass: Pass): void {
  if (pass.before.abort === true || !isPreviewReady(pass) || isHalted(pass)) return;
  if (isFastTracked(pass) || isCheckPointPassed(pass) || !needsPause(pass)) {
    pass.pause.remove.add("BlueGreenPause");
    return;
  }
  if (!isPrePromotionDone(pass)) return;
  const seconds = strategy(pass)?.autoPromotionSeconds ?? 0;
  const condition = pauseCondition(pass, "BlueGreenPause");
  if (condition !== undefined) {
    if (isPauseDone(pass)) pass.pause.remove.add("BlueGreenPause");
    else if (seconds > 0) wakeAfter(pass, condition.startTime, seconds);
  } else if (pass.before.controllerPause !== true) pass.pause.add.add("BlueGreenPause");
}

/**
 * As upstream, a person who ends the pause of `autoPromotionSeconds` does not end the waiting: the pause begins anew.
 * Only a full promotion shortens it.
 */
function isPauseDone(pass: Pass): boolean {
  if (pass.pause.add.size > 0) return false;
  if (isCheckPointPassed(pass)) return true;
  const condition = pauseCondition(pass, "BlueGreenPause");
  if (!isAutomatic(pass)) return pass.before.controllerPause === true && condition === undefined;
  const seconds = strategy(pass)?.autoPromotionSeconds ?? 0;
  return seconds === 0 || (condition !== undefined && hasPassed(pass, condition.startTime, seconds));
}

const isPrePromotionDone = (pass: Pass): boolean =>
  strategy(pass)?.prePromotionAnalysis === undefined ||
  pass.runs.prePromotion?.status?.phase === "Successful";

function switchActive(pass: Pass): void {
  const service = activeService(pass);
  if (service === undefined || pass.newRS === undefined || isHalted(pass)) return;
  if (!isPreviewReady(pass) || !isSaturated(pass, pass.newRS)) return;
  let hash = selected(service);
  if (isFastTracked(pass) || (isPauseDone(pass) && isPrePromotionDone(pass))) hash = hashOf(pass.newRS);
  if (pass.before.abort === true) hash = pass.before.stableRS;
  if (hash !== undefined) switchService(pass, service, hash);
}

/** The status at the end of a pass. */
export function blueGreenStatus(pass: Pass): RolloutStatus {
  const { before, rollout } = pass;
  const fresh = isPodSpecChanged(pass);
  let status: RolloutStatus = {
    ...baseStatus(pass),
    ...(before.stableRS === undefined ? {} : { stableRS: before.stableRS }),
  };
  if (fresh) status = reset(pass, status);
  if (before.promoteFull === true || isRollbackWithinWindow(pass)) {
    pass.pause.clear = true;
    pass.pause.removeAbort = true;
  }
  const [activeSelector, previewSelector] = [selected(activeService(pass)), selected(previewService(pass))];
  const pre = fresh ? undefined : mirrorOf(pass.runs.prePromotion);
  const post = fresh ? undefined : mirrorOf(pass.runs.postPromotion);
  status.blueGreen = {
    ...(activeSelector === undefined ? {} : { activeSelector }),
    ...(previewSelector === undefined ? {} : { previewSelector }),
    ...(pre === undefined ? {} : { prePromotionAnalysisRunStatus: pre }),
    ...(post === undefined ? {} : { postPromotionAnalysisRunStatus: post }),
  };
  const reason = promotionReason(pass, status);
  if (reason !== undefined) status = promote(pass, status, reason);
  else if (isCheckPointReached(pass)) status.blueGreen.scaleUpPreviewCheckPoint = true;
  const all = allReplicaSets(pass);
  const active = all.find((rs) => activeSelector !== undefined && hashOf(rs) === activeSelector);
  const counted = active === undefined ? all : [active];
  return {
    ...status,
    HPAReplicas: sum(counted, (rs) => rs.status?.replicas ?? 0),
    readyReplicas: sum(counted, (rs) => rs.status?.readyReplicas ?? 0),
    availableReplicas: sum(counted, availableOf),
    selector: formatLabelSelector(active?.spec.selector ?? rollout.spec.selector),
  };
}

function promotionReason(pass: Pass, status: RolloutStatus): string | undefined {
  const { before } = pass;
  const activeSelector = status.blueGreen?.activeSelector ?? "";
  if (pass.stableRS === undefined || activeSelector === "") return "Initial deploy";
  if (activeSelector !== status.currentPodHash) return undefined;
  if (before.promoteFull === true) return "Full promotion requested";
  if (isRollbackWithinWindow(pass)) return "Rollback within window";
  if (isAborted(pass)) return undefined;
  if (strategy(pass)?.postPromotionAnalysis === undefined) return "Completed blue-green update";
  if (wasLeaving(pass)) return `Rollback to '${pass.newRS?.metadata.name ?? ""}' within scaleDownDelay`;
  return pass.runs.postPromotion?.status?.phase === "Successful" ? "Completed blue-green update" : undefined;
}

/** With a smaller preview: everything is decided, so the new version may grow to its full size. */
function isCheckPointReached(pass: Pass): boolean {
  const count = strategy(pass)?.previewReplicaCount;
  if (count === undefined) return false;
  if (isCheckPointPassed(pass)) return true;
  return isPrePromotionDone(pass) && isPauseDone(pass) && availableOf(pass.newRS) === count;
}
