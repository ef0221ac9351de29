import {
  type AnalysisTemplateSpec,
  type Argument,
  effectiveCount,
  mergeTemplates,
  substituteArgs,
} from "@tracegate/analysis";
import { rolloutArgs } from "./analysis-args.ts";
import { findTemplates } from "./analysis-templates.ts";
import { bad } from "./field-problems.ts";
import type { RolloutSnapshot } from "./snapshot.ts";
import { hashLabel, managedByAnnotation, type Rollout, type RolloutAnalysis } from "./types.ts";

interface NamedService {
  readonly path: string;
  readonly name: string;
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
    if (!("missing" in found)) continue;
    const { name, kind, nested } = found.missing;
    return bad(nested ? "spec.templates" : path, name, `${kind} '${name}' not found`);
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
  const all: [string, string | undefined][] = [
    ["spec.strategy.blueGreen.activeService", blueGreen?.activeService],
    ["spec.strategy.blueGreen.previewService", blueGreen?.previewService],
    ["spec.strategy.canary.stableService", canary?.stableService],
    ["spec.strategy.canary.canaryService", canary?.canaryService],
  ];
  return all.flatMap(([path, name = ""]) => (name === "" ? [] : [{ path, name }]));
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
  { path, name }: NamedService,
): string | undefined {
  const service = services.get(name);
  const labels = { ...rollout.spec.template?.metadata?.labels };
  const clash = Object.entries(service?.spec.selector ?? {}).find(
    ([key, value]) => key !== hashLabel && labels[key] !== value,
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
  const args = argsToValidate(snapshot.rollout, analysis.args ?? []);
  // As upstream, the rules of every analysis step must fit the templates of each.
  const rules = (snapshot.rollout.spec.strategy?.canary?.steps ?? []).flatMap(
    ({ analysis: step }) => step ?? [],
  );
  for (const { dryRun = [], measurementRetention = [] } of [{}, ...rules] as RolloutAnalysis[]) {
    const merged = mergeTemplates(found.templates, { args, dryRun, measurementRetention });
    if ("error" in merged) return bad(path, names, merged.error);
  }
  for (const { metadata, spec } of found.templates) {
    const problem = background
      ? missingArgument(spec, snapshot.rollout.spec.strategy?.canary?.analysis?.args)
      : templateProblem(metadata.name, spec);
    if (problem !== undefined) return bad(path, metadata.name, problem);
  }
  return undefined;
}

const placeholder = "dummy-value";

/** Arguments as far as they can be known without a version: what cannot be looked up counts as given, but empty. */
function argsToValidate(rollout: Rollout, args: readonly Argument[]): readonly Argument[] {
  const values: Argument[] = [];
  for (const arg of args) {
    const known = rolloutArgs(rollout, [arg], { latest: placeholder, stable: placeholder });
    if (!("error" in known)) values.push(...known.args);
    else if (arg.valueFrom?.fieldRef?.fieldPath.startsWith("metadata")) return [];
    else values.push({ name: arg.name, value: "" });
  }
  return values;
}

/** What is wrong with a template's metrics, whatever its arguments are. Limits are looked at when a run begins. */
function templateProblem(
  name: string,
  { args = [], metrics = [] }: AnalysisTemplateSpec,
): string | undefined {
  const twice = args.find(({ value, valueFrom }) => value !== undefined && valueFrom !== undefined);
  if (twice !== undefined)
    return `AnalysisTemplate ${name}: arg '${twice.name}' has both Value and ValueFrom fields`;
  const filled = args.map((arg) => ({ name: arg.name, value: arg.value ?? placeholder }));
  const substituted = substituteArgs(metrics, filled);
  if ("error" in substituted) return `AnalysisTemplate ${name}: ${substituted.error}`;
  const endless = substituted.resolved.find((metric) => effectiveCount(metric) === undefined);
  return endless === undefined
    ? undefined
    : `AnalysisTemplate ${name} has metric ${endless.name} which runs indefinitely. Invalid value for count: ${endless.count ?? "<nil>"}`;
}

/** The Rollout must name a background analysis' arguments even where another template has a value for them. */
function missingArgument(
  { args = [] }: AnalysisTemplateSpec,
  given: readonly Argument[] | undefined,
): string | undefined {
  for (const { name, value, valueFrom } of args) {
    if (value !== undefined || valueFrom !== undefined) continue;
    if (given === undefined || given.length === 0) return "missing analysis arguments in rollout spec";
    if (!given.some((arg) => arg.name === name)) return name;
  }
  return undefined;
}
