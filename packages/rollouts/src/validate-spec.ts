import { goJson, matchesLabelSelector } from "@tracegate/kube";
import { maxSurge } from "./canary-replicas.ts";
import { pauseSeconds } from "./durations.ts";
import { bad, missing } from "./field-problems.ts";
import type { CanaryStep, Rollout } from "./types.ts";

const services = "spec.strategy.stableService";

/** The first thing wrong within the spec itself. */
export function specProblem({ spec }: Rollout): string | undefined {
  for (const field of [
    "replicas",
    "minReadySeconds",
    "revisionHistoryLimit",
    "progressDeadlineSeconds",
  ] as const)
    if ((spec[field] ?? 0) < 0)
      return bad(`spec.${field}`, spec[field], "must be greater than or equal to 0");
  if (spec.selector === undefined) {
    if (spec.workloadRef === undefined)
      return missing("spec.selector", "Rollout has missing field '.spec.selector'");
  } else if (spec.workloadRef === undefined) {
    const { matchLabels, matchExpressions } = spec.selector;
    if (Object.keys(matchLabels ?? {}).length + (matchExpressions?.length ?? 0) === 0)
      return bad("spec.selector", spec.selector, "empty selector is invalid for deployment");
    const labels = spec.template?.metadata?.labels ?? {};
    if (!matchesLabelSelector(spec.selector, labels))
      return `spec.template.metadata.labels: Invalid value: ${goJson(labels)}: \`selector\` does not match template \`labels\``;
  }
  if ((spec.progressDeadlineSeconds ?? 600) <= (spec.minReadySeconds ?? 0))
    return bad(
      "spec.progressDeadlineSeconds",
      spec.progressDeadlineSeconds ?? 600,
      "must be greater than minReadySeconds",
    );
  const { canary, blueGreen } = spec.strategy ?? {};
  if (canary === undefined && blueGreen === undefined)
    return missing(
      "spec.strategy.strategy",
      "Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'",
    );
  if (canary !== undefined && blueGreen !== undefined)
    return bad(
      "spec.strategy.strategy",
      "blueGreen: true canary: true",
      "Multiple Strategies can not be listed",
    );
  return canary === undefined ? blueGreenProblem({ spec } as Rollout) : canaryProblem({ spec } as Rollout); // only the spec is read
}

function blueGreenProblem({ spec }: Rollout): string | undefined {
  const { activeService, previewService, scaleDownDelayRevisionLimit } = spec.strategy?.blueGreen ?? {};
  if (activeService !== undefined && activeService === previewService)
    return bad(
      "spec.strategy.activeService",
      activeService,
      "This rollout uses the same service for the active and preview services, but two different services are required.",
    );
  if (
    scaleDownDelayRevisionLimit !== undefined &&
    (spec.revisionHistoryLimit ?? 10) < scaleDownDelayRevisionLimit
  )
    return bad(
      "spec.strategy.scaleDownDelayRevisionLimit",
      scaleDownDelayRevisionLimit,
      "This rollout's revision history limit can not be smaller than the rollout's scale down limit",
    );
  return undefined;
}

function canaryProblem(rollout: Rollout): string | undefined {
  const canary = rollout.spec.strategy?.canary ?? {};
  const { canaryService, stableService, trafficRouting } = canary;
  if (canaryService !== undefined && canaryService === stableService)
    return bad(
      "spec.strategy.stableService",
      canaryService,
      "This rollout uses the same service for the stable and canary services, but two different services are required.",
    );
  if (
    canary.maxSurge !== undefined &&
    canary.maxUnavailable !== undefined &&
    maxSurge(rollout, 100) === 0 &&
    Number.parseInt(String(canary.maxUnavailable), 10) === 0
  )
    return bad("spec.strategy.maxSurge", canary.maxSurge, "MaxSurge and MaxUnavailable both can not be zero");
  const routed = ["nginx", "alb", "istio", "smi", "apisix", "ambassador", "appMesh", "traefik"].some(
    (name) => trafficRouting?.[name] !== undefined,
  );
  if (routed && canary.pingPong === undefined && (stableService === undefined || canaryService === undefined))
    return bad(
      services,
      stableService ?? "",
      "Canary service and Stable service must to be set to use Traffic Routing",
    );
  if (trafficRouting === undefined && canary.scaleDownDelaySeconds !== undefined)
    return bad(
      "spec.strategy.scaleDownDelaySeconds",
      canary.scaleDownDelaySeconds,
      "Canary scaleDownDelaySeconds can only be used with traffic routing",
    );
  if (trafficRouting === undefined && canary.dynamicStableScale === true)
    return bad(
      "spec.strategy.dynamicStableScale",
      true,
      "Canary dynamicStableScale can only be used with traffic routing",
    );
  for (const [i, step] of (canary.steps ?? []).entries()) {
    const problem = stepProblem(step, `spec.strategy.steps[${i}]`, trafficRouting !== undefined);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

const oneOf =
  "Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause";

function stepProblem(step: CanaryStep, path: string, routed: boolean): string | undefined {
  const kinds = [
    "experiment",
    "pause",
    "setWeight",
    "analysis",
    "setCanaryScale",
    "setHeaderRoute",
    "setMirrorRoute",
    "plugin",
  ] as const;
  const label = (name: string): string => `step.${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  if (kinds.every((name) => step[name] === undefined))
    // As upstream: true says that the field is absent.
    return bad(path, kinds.map((name) => `${label(name)}: true`).join(" "), oneOf);
  const main = kinds.slice(0, 4);
  if (main.filter((name) => step[name] !== undefined).length > 1)
    return bad(path, main.map((name) => `${label(name)}: ${step[name] !== undefined}`).join(" "), oneOf);
  if (step.setWeight !== undefined && (step.setWeight < 0 || step.setWeight > 100))
    return bad(`${path}.setWeight`, step.setWeight, "SetWeight needs to be between 0 and 100");
  if (step.pause?.duration !== undefined && pauseSeconds(step.pause.duration) < 0)
    return bad(
      `${path}.pause.duration`,
      pauseSeconds(step.pause.duration),
      "Duration needs to be greater than 0",
    );
  if (step.setCanaryScale !== undefined && !routed)
    return missing("spec.strategy.trafficRouting", "SetCanaryScale requires TrafficRouting to be set");
  if (step.setHeaderRoute !== undefined && !routed)
    return bad(
      `${path}.setHeaderRoute`,
      step.setHeaderRoute,
      "SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix",
    );
  if (step.setMirrorRoute !== undefined && !routed)
    return bad(
      `${path}.setMirrorRoute`,
      step.setMirrorRoute,
      "SetMirrorRoute requires TrafficRouting, supports Istio and Plugins",
    );
  return undefined;
}

/** What Argo Rollouts can do and we cannot is refused by name, not left undone. */
export function unsupported({ spec }: Rollout): string | undefined {
  const { canary, blueGreen } = spec.strategy ?? {};
  const refuse = (path: string): string => `${path}: Forbidden: is not supported by this controller`;
  if (spec.workloadRef !== undefined) return refuse("spec.workloadRef");
  for (const field of ["trafficRouting", "pingPong", "antiAffinity"] as const)
    if (canary?.[field] !== undefined) return refuse(`spec.strategy.canary.${field}`);
  if (blueGreen?.antiAffinity !== undefined) return refuse("spec.strategy.blueGreen.antiAffinity");
  for (const [i, step] of (canary?.steps ?? []).entries()) {
    if ((step.experiment?.templates?.length ?? 0) > 0)
      return refuse(`spec.strategy.canary.steps[${i}].experiment`);
    if (step.plugin !== undefined) return refuse(`spec.strategy.canary.steps[${i}].plugin`);
  }
  return undefined;
}
