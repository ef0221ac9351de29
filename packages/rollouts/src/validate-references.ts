import { effectiveCount, mergeTemplates, metricProblem } from "@tracegate/analysis";
import { goJson } from "@tracegate/kube";
import { rolloutArgs } from "./analysis-args.ts";
import { findTemplates } from "./analysis-templates.ts";
import { bad } from "./field-problems.ts";
import type { RolloutSnapshot } from "./snapshot.ts";
import { hashLabel, managedByAnnotation, type RolloutAnalysis } from "./types.ts";

/** The first thing wrong with what the spec refers to: Services, templates. */
export function referenceProblem(snapshot: RolloutSnapshot): string | undefined {
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
