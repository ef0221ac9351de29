import { parseTime } from "@tracegate/kube";
import { pauseSeconds } from "./durations.ts";
import { currentStep, type Pass, pauseCondition, time, wakeIn } from "./pass.ts";
import type { PauseCondition, RolloutStatus } from "./types.ts";

/** The part of the status that says what is waited for, and whether the update was given up. */
export function pauseStatus(
  pass: Pass,
): Pick<RolloutStatus, "pauseConditions" | "controllerPause" | "abort" | "abortedAt"> {
  const { pause, before } = pass;
  if (pause.addAbort) return { abort: true, abortedAt: before.abortedAt ?? time(pass) };
  if (!pause.removeAbort && before.abort === true)
    return { abort: true, abortedAt: before.abortedAt ?? time(pass) };
  if (pause.clear) return {};
  let { controllerPause } = before;
  const conditions: PauseCondition[] = (before.pauseConditions ?? []).filter(
    ({ reason }) => !pause.remove.has(reason),
  );
  for (const reason of pause.add)
    if (pauseCondition(pass, reason) === undefined) {
      conditions.push({ reason, startTime: time(pass) });
      controllerPause = true;
    }
  if (conditions.length === 0) return {};
  return { pauseConditions: conditions, ...(controllerPause === undefined ? {} : { controllerPause }) };
}

/**
 * Starts the pause of a pause step, or waits for its end. A pause that was begun (`controllerPause`) and whose condition
 * is gone was ended by a person.
 */
export function pauseAtStep(pass: Pass): void {
  const { step } = currentStep(pass);
  if (pass.rollout.spec.paused === true || pass.before.promoteFull === true || step?.pause === undefined)
    return;
  const condition = pauseCondition(pass, "CanaryPauseStep");
  if (condition === undefined) {
    if (pass.before.controllerPause !== true) {
      pass.pause.add.add("CanaryPauseStep");
      if (step.pause.duration !== undefined) wakeAfter(pass, time(pass), pauseSeconds(step.pause.duration));
    }
    return;
  }
  if (step.pause.duration !== undefined)
    wakeAfter(pass, condition.startTime, pauseSeconds(step.pause.duration));
}

export function isPauseStepDone(pass: Pass): boolean {
  const { step } = currentStep(pass);
  const condition = pauseCondition(pass, "CanaryPauseStep");
  if (pass.before.controllerPause === true && condition === undefined) return true;
  if (step?.pause?.duration === undefined || condition === undefined) return false;
  return hasPassed(pass, condition.startTime, pauseSeconds(step.pause.duration));
}

/** Durations count from the stored time, which is cut to a whole second. */
export const hasPassed = ({ now }: Pass, since: string, seconds: number): boolean =>
  now >= (parseTime(since) ?? now) + seconds * 1000;

/** Calls for a pass at the end of a duration that has not passed yet. */
export function wakeAfter(pass: Pass, since: string, seconds: number): void {
  const left = (parseTime(since) ?? pass.now) + seconds * 1000 - pass.now;
  if (left > 0) wakeIn(pass, left);
}
