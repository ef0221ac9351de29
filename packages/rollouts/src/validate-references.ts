import {
  type AnalysisTemplate,
  type Argument,
  effectiveCount,
  mergeTemplates,
  metricProblem,
  substituteArgs,
} from "@tracegate/analysis";
import { rolloutArgs } from "./analysis-args.ts";
import { findTemplates } from "./analysis-templates.ts";
import { bad } from "./field-problems.ts";
import type { RolloutSnapshot } from "./snapshot.ts";
import {
  hashLabel,
  managedByAnnotation,
  type PodMetadata,
  type Rollout,
  type RolloutAnalysis,
} from "./types.ts";

interface NamedService {
  readonly path: string;
  readonly name: string;
  /** Labels that only the pods behind this Service have. */
  readonly metadata: PodMetadata | undefined;
}
interface NamedAnalysis {
  readonly path: string;
  readonly analysis: RolloutAnalysis;
  readonly background: boolean;
}

/** The first thing wrong with what the spec refers to: first what is not there, then what does not fit. */
export function referenceProblem(snapshot: RolloutSnapshot): string | undefined {
  const services = namedServices(snapshot.rollout);
  const analyses = namedAnalyses(snapshot.rollout);
  for (const { path, name } of services)
    if (!snapshot.services.has(name)) return bad(path, name, `service "${name}" not found`);
  for (const { path, analysis } of analyses) {
    const found = findTemplates(snapshot, analysis.templates ?? []);
    if ("missing" in found)
      return bad(path, found.missing.name, `${found.missing.kind} '${found.missing.name}' not found`);
  }
  for (const service of services) {
    const problem = serviceProblem(snapshot, service);
    if (problem !== undefined) return problem;
  }
  for (const analysis of analyses) {
    const problem = analysisProblem(snapshot, analysis);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function namedServices({ spec }: Rollout): NamedService[] {
  const { canary, blueGreen } = spec.strategy ?? {};
  const all: [string, string | undefined, PodMetadata | undefined][] = [
    ["spec.strategy.blueGreen.activeService", blueGreen?.activeService, blueGreen?.activeMetadata],
    ["spec.strategy.blueGreen.previewService", blueGreen?.previewService, blueGreen?.previewMetadata],
    ["spec.strategy.canary.stableService", canary?.stableService, canary?.stableMetadata],
    ["spec.strategy.canary.canaryService", canary?.canaryService, canary?.canaryMetadata],
  ];
  return all.flatMap(([path, name = "", metadata]) => (name === "" ? [] : [{ path, name, metadata }]));
}

function namedAnalyses({ spec }: Rollout): NamedAnalysis[] {
  const { canary, blueGreen } = spec.strategy ?? {};
  const all: [string, RolloutAnalysis | undefined, boolean][] = [
    ["blueGreen.prePromotionAnalysis", blueGreen?.prePromotionAnalysis, false],
    ["blueGreen.postPromotionAnalysis", blueGreen?.postPromotionAnalysis, false],
    ...(canary?.steps ?? []).map(({ analysis }, i): [string, RolloutAnalysis | undefined, boolean] => [
      `canary.steps[${i}].analysis`,
      analysis,
      false,
    ]),
    ["canary.analysis", canary?.analysis, true],
  ];
  return all.flatMap(([path, analysis, background]) =>
    analysis === undefined ? [] : [{ path: `spec.strategy.${path}.templates`, analysis, background }],
  );
}

function serviceProblem(
  { services, rollout }: RolloutSnapshot,
  { path, name, metadata }: NamedService,
): string | undefined {
  const service = services.get(name);
  const labels = { ...rollout.spec.template?.metadata?.labels };
  const clash = Object.entries(service?.spec.selector ?? {}).find(
    ([key, value]) => key !== hashLabel && labels[key] !== value && metadata?.labels?.[key] !== value,
  );
  if (clash !== undefined)
    return bad(path, name, `Service "${name}" has unmatch label "${clash[0]}" in rollout`);
  const owner = service?.metadata.annotations?.[managedByAnnotation];
  return owner !== undefined && owner !== rollout.metadata.name
    ? bad(path, name, `Service "${name}" is managed by another Rollout`)
    : undefined;
}

function analysisProblem(
  snapshot: RolloutSnapshot,
  { path, analysis, background }: NamedAnalysis,
): string | undefined {
  const found = findTemplates(snapshot, analysis.templates ?? []);
  if ("missing" in found || found.templates.length === 0) return undefined;
  const names = `templateNames: [${found.templates.map(({ metadata }) => metadata.name).join(" ")}]`;
  for (const arg of analysis.args ?? [])
    if (arg.value !== undefined && arg.valueFrom !== undefined)
      return bad(path, names, `arg '${arg.name}' has both Value and ValueFrom fields`);
  const args = rolloutArgs(snapshot.rollout, analysis.args ?? [], { latest: "", stable: "" });
  if ("error" in args) return bad(path, names, args.error);
  const merged = mergeTemplates(found.templates, { ...analysis, args: args.args });
  if ("error" in merged) return bad(path, names, merged.error);
  for (const template of found.templates) {
    const problem = background ? undefined : templateProblem(template, merged.spec.args);
    if (problem !== undefined)
      return bad(path, template.metadata.name, `AnalysisTemplate ${template.metadata.name}${problem}`);
  }
  return undefined;
}

/** What is wrong with a template's metrics once its arguments are filled in. Hashes and Secrets are not there yet. */
function templateProblem({ spec }: AnalysisTemplate, args: readonly Argument[]): string | undefined {
  const twice = (spec.args ?? []).find(
    ({ value, valueFrom }) => value !== undefined && valueFrom !== undefined,
  );
  if (twice !== undefined) return `: arg '${twice.name}' has both Value and ValueFrom fields`;
  const filled = args.map(({ name, value }) => ({ name, value: value ?? "unknown" }));
  for (const metric of spec.metrics ?? []) {
    const substituted = substituteArgs(metric, filled);
    if ("error" in substituted) return `: ${substituted.error}`;
    const problem = metricProblem(substituted.resolved);
    if (problem !== undefined) return `: ${problem}`;
    if (effectiveCount(substituted.resolved) === undefined)
      return ` has metric ${metric.name} which runs indefinitely. Invalid value for count: ${substituted.resolved.count ?? "<nil>"}`;
  }
  return undefined;
}
