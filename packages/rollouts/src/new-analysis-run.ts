import { type AnalysisRun, type AnalysisRunSpec, mergeTemplates } from "@tracegate/analysis";
import { goJson } from "@tracegate/kube";
import { rolloutArgs } from "./analysis-args.ts";
import { findTemplates } from "./analysis-templates.ts";
import { type CurrentRuns, hashOf, type Pass, revisionOf } from "./pass.ts";
import { ownedBy } from "./replica-sets.ts";
import { hashLabel, type RolloutAnalysis, revisionAnnotation } from "./types.ts";

/** Which of a Rollout's analyses a run belongs to. */
export type RunRole = keyof CurrentRuns;
/** As names, labels and messages call them. */
export const roles: Record<RunRole, { readonly title: string; readonly failure: string }> = {
  step: { title: "Step", failure: "Step-based analysis phase error/failed" },
  background: { title: "Background", failure: "Background analysis phase error/failed" },
  prePromotion: { title: "PrePromotion", failure: "Blue/green pre-promotion analysis phase error/failed" },
  postPromotion: { title: "PostPromotion", failure: "Blue/green post-promotion analysis phase error/failed" },
};

/** A run that ended, well or not. */
export const isDone = (run: AnalysisRun | undefined): boolean =>
  ["Successful", "Failed", "Error", "Inconclusive"].includes(run?.status?.phase ?? "");

/** Creates the run of an analysis, or takes up the one that was made and then forgotten. */
export function createRun(
  pass: Pass,
  role: RunRole,
  analysis: RolloutAnalysis,
  infix: string | undefined,
  labels: Record<string, string>,
): AnalysisRun | undefined {
  const { rollout } = pass;
  const spec = runSpec(pass, analysis);
  if ("error" in spec) {
    pass.failure = spec.error;
    return undefined;
  }
  const hash = hashOf(pass.newRS);
  const revision = revisionOf(pass.newRS ?? rollout);
  const base = [rollout.metadata.name, hash, revision, infix].filter((part) => part !== undefined).join("-");
  const name = freeName(pass, base, spec);
  if (typeof name !== "string") return name;
  const run: AnalysisRun = {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "AnalysisRun",
    metadata: {
      name,
      ...(rollout.metadata.namespace === undefined ? {} : { namespace: rollout.metadata.namespace }),
      labels: {
        [hashLabel]: hash,
        "rollout-type": roles[role].title,
        ...labels,
        ...analysis.analysisRunMetadata?.labels,
        ...rollout.spec.selector?.matchLabels,
      },
      annotations: { [revisionAnnotation]: String(revision), ...analysis.analysisRunMetadata?.annotations },
      ownerReferences: [ownedBy(rollout)],
    },
    spec,
    status: { phase: "" },
  };
  pass.actions.push({ do: "createAnalysisRun", run });
  return run;
}

/** What the templates and the Rollout's arguments make together, or why they do not fit. */
function runSpec(pass: Pass, analysis: RolloutAnalysis): AnalysisRunSpec | { readonly error: string } {
  const found = findTemplates(pass.snapshot, analysis.templates ?? []);
  if ("missing" in found) return { error: `${found.missing.kind} '${found.missing.name}' not found` };
  const hashes = { latest: hashOf(pass.newRS), stable: hashOf(pass.stableRS) };
  const args = rolloutArgs(pass.rollout, analysis.args ?? [], hashes);
  if ("error" in args) return args;
  const merged = mergeTemplates(found.templates, { ...analysis, args: args.args });
  if ("error" in merged) return { error: merged.error };
  const { metrics, dryRun, measurementRetention } = merged.spec;
  return {
    metrics,
    ...(merged.spec.args.length > 0 ? { args: merged.spec.args } : {}),
    ...(dryRun.length > 0 ? { dryRun } : {}),
    ...(measurementRetention.length > 0 ? { measurementRetention } : {}),
  };
}

/** The first free name; or the run that was made and then forgotten, as we died before the status was written. */
function freeName({ snapshot }: Pass, base: string, spec: AnalysisRunSpec): string | AnalysisRun {
  const taken = new Map(snapshot.analysisRuns.map((run) => [run.metadata.name, run]));
  for (let n = 0; ; n++) {
    const name = n === 0 ? base : `${base}.${n}`;
    const existing = taken.get(name);
    if (existing === undefined) return name;
    if (!isDone(existing) && goJson(existing.spec) === goJson(spec)) return existing;
  }
}
