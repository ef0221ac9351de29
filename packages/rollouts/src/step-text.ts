import type { CanaryStep } from "./types.ts";

/** A step as Events name it. */
export function stepText(step: CanaryStep): string {
  if (step.setWeight !== undefined) return `setWeight: ${step.setWeight}`;
  if (step.pause !== undefined)
    return step.pause.duration === undefined ? "pause" : `pause: ${step.pause.duration}`;
  if (step.experiment !== undefined) return "experiment";
  if (step.analysis !== undefined) return "analysis";
  if (step.setCanaryScale !== undefined) {
    const { weight, replicas, matchTrafficWeight } = step.setCanaryScale;
    if (weight !== undefined) return `setCanaryScale{weight: ${weight}}`;
    if (replicas !== undefined) return `setCanaryScale{replicas: ${replicas}}`;
    return `setCanaryScale{matchTrafficWeight: ${matchTrafficWeight ?? false}}`;
  }
  if (step.plugin !== undefined) return `plugin: ${step.plugin.name ?? ""}`;
  if (step.setHeaderRoute !== undefined) return `setHeaderRoute: ${step.setHeaderRoute.name ?? ""}`;
  if (step.setMirrorRoute !== undefined) return `setMirrorRoute: ${step.setMirrorRoute.name ?? ""}`;
  return "invalid";
}
