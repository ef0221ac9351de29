import { type AnalysisTemplate, effectiveCount, mergeTemplates, metricProblem } from "@tracegate/analysis";
import {
  type FieldError,
  fieldErrorText,
  goJson,
  invalid,
  matchesLabelSelector,
  required,
} from "@tracegate/kube";
import { rolloutArgs } from "./analysis-args.ts";
import { maxSurge } from "./canary-replicas.ts";
import { pauseSeconds } from "./durations.ts";
import type { RolloutSnapshot } from "./snapshot.ts";
import {
  type CanaryStep,
  hashLabel,
  managedByAnnotation,
  type Rollout,
  type RolloutAnalysis,
} from "./types.ts";

/** The first thing wrong with a Rollout, as its InvalidSpec condition says it; undefined where it can be carried out. */
export function invalidSpec(snapshot: RolloutSnapshot): string | undefined {
  const { rollout } = snapshot;
  const problem = specProblem(rollout) ?? unsupported(rollout) ?? referenceProblem(snapshot);
  return problem === undefined ? undefined : `The Rollout "${rollout.metadata.name}" is invalid: ${problem}`;
}

const bad = (path: string, value: unknown, detail: string): string => text(invalid(path, value, detail));
const missing = (path: string, detail: string): string => text(required(path, detail));
const text = (error: FieldError): string => fieldErrorText(error);
const services = "spec.strategy.stableService";

function specProblem({ spec }: Rollout): string | undefined {
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
function unsupported({ spec }: Rollout): string | undefined {
  const { canary, blueGreen } = spec.strategy ?? {};
  const refuse = (path: string): string => `${path}: Forbidden: is not supported by this controller`;
  if (spec.workloadRef !== undefined) return refuse("spec.workloadRef");
  if (spec.rollbackWindow !== undefined) return refuse("spec.rollbackWindow");
  for (const field of ["trafficRouting", "pingPong", "antiAffinity", "replicaProgressThreshold"] as const)
    if (canary?.[field] !== undefined) return refuse(`spec.strategy.canary.${field}`);
  if (blueGreen?.antiAffinity !== undefined) return refuse("spec.strategy.blueGreen.antiAffinity");
  for (const [i, step] of (canary?.steps ?? []).entries()) {
    if ((step.experiment?.templates?.length ?? 0) > 0)
      return refuse(`spec.strategy.canary.steps[${i}].experiment`);
    if (step.plugin !== undefined) return refuse(`spec.strategy.canary.steps[${i}].plugin`);
  }
  return undefined;
}

function referenceProblem(snapshot: RolloutSnapshot): string | undefined {
  const { canary, blueGreen } = snapshot.rollout.spec.strategy ?? {};
  const named: [string, string | undefined][] = [
    ["spec.strategy.blueGreen.activeService", blueGreen?.activeService],
    ["spec.strategy.blueGreen.previewService", blueGreen?.previewService],
    ["spec.strategy.canary.canaryService", canary?.canaryService],
    ["spec.strategy.canary.stableService", canary?.stableService],
  ];
  for (const [path, name] of named) {
    const problem = name === undefined || name === "" ? undefined : serviceProblem(snapshot, path, name);
    if (problem !== undefined) return problem;
  }
  const analyses: [string, RolloutAnalysis | undefined, boolean][] = [
    ["spec.strategy.blueGreen.prePromotionAnalysis", blueGreen?.prePromotionAnalysis, false],
    ["spec.strategy.blueGreen.postPromotionAnalysis", blueGreen?.postPromotionAnalysis, false],
    ...(canary?.steps ?? []).map((step, i): [string, RolloutAnalysis | undefined, boolean] => [
      `spec.strategy.canary.steps[${i}].analysis`,
      step.analysis,
      false,
    ]),
    ["spec.strategy.canary.analysis", canary?.analysis, true],
  ];
  for (const [path, analysis, background] of analyses) {
    const problem =
      analysis === undefined
        ? undefined
        : analysisProblem(snapshot, `${path}.templates`, analysis, background);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function serviceProblem(
  { services, rollout }: RolloutSnapshot,
  path: string,
  name: string,
): string | undefined {
  const service = services.get(name);
  if (service === undefined) return bad(path, name, `service "${name}" not found`);
  const owner = service.metadata.annotations?.[managedByAnnotation];
  if (owner !== undefined && owner !== rollout.metadata.name)
    return bad(path, name, `Service "${name}" is managed by another Rollout`);
  const labels = rollout.spec.template?.metadata?.labels ?? {};
  const clash = Object.entries(service.spec.selector ?? {}).find(
    ([key, value]) => key !== hashLabel && labels[key] !== value,
  );
  return clash === undefined
    ? undefined
    : bad(path, name, `Service "${name}" has unmatch label "${clash[0]}" in rollout`);
}

function analysisProblem(
  snapshot: RolloutSnapshot,
  path: string,
  analysis: RolloutAnalysis,
  background: boolean,
): string | undefined {
  const found = findTemplates(snapshot, analysis.templates ?? []);
  if ("missing" in found)
    return bad(path, found.missing.name, `${found.missing.kind} '${found.missing.name}' not found`);
  if (found.templates.length === 0) return undefined;
  const names = `templateNames: [${(analysis.templates ?? []).map(({ templateName }) => templateName).join(" ")}]`;
  for (const arg of analysis.args ?? [])
    if (arg.value !== undefined && arg.valueFrom !== undefined)
      return bad(path, names, `arg '${arg.name}' has both Value and ValueFrom fields`);
  const args = rolloutArgs(snapshot.rollout, analysis.args ?? [], { latest: "", stable: "" });
  if ("error" in args) return bad(path, names, args.error);
  const merged = mergeTemplates(found.templates, { ...analysis, args: args.args });
  if ("error" in merged) return bad(path, names, merged.error);
  for (const template of found.templates)
    for (const metric of template.spec.metrics ?? []) {
      const templated = goJson(metric).includes("{{");
      if (!templated && !background && effectiveCount(metric) === undefined)
        return bad(
          path,
          template.metadata.name,
          `AnalysisTemplate ${template.metadata.name} has metric ${metric.name} which runs indefinitely. Invalid value for count: ${metric.count ?? "<nil>"}`,
        );
      const problem = templated ? undefined : metricProblem(metric);
      if (problem !== undefined)
        return bad(path, template.metadata.name, `AnalysisTemplate ${template.metadata.name}: ${problem}`);
    }
  return undefined;
}

/** Templates referred to, with those they refer to, each once; namespaced ones first. */
export function findTemplates(
  snapshot: Pick<RolloutSnapshot, "templates" | "clusterTemplates">,
  refs: readonly { templateName: string; clusterScope?: boolean }[],
):
  | { readonly templates: readonly AnalysisTemplate[] }
  | { readonly missing: { readonly kind: string; readonly name: string } } {
  const [namespaced, cluster] = [new Map<string, AnalysisTemplate>(), new Map<string, AnalysisTemplate>()];
  const visit = (list: typeof refs): { kind: string; name: string } | undefined => {
    for (const { templateName: name, clusterScope } of list) {
      const into = clusterScope === true ? cluster : namespaced;
      if (into.has(name)) continue;
      const template = (clusterScope === true ? snapshot.clusterTemplates : snapshot.templates).get(name);
      if (template === undefined)
        return { kind: clusterScope === true ? "ClusterAnalysisTemplate" : "AnalysisTemplate", name };
      into.set(name, template);
      const lost = visit(template.spec.templates ?? []);
      if (lost !== undefined) return lost;
    }
    return undefined;
  };
  const lost = visit(refs);
  return lost === undefined
    ? { templates: [...namespaced.values(), ...cluster.values()] }
    : { missing: lost };
}
