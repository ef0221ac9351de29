import { type AnalysisRun, mergeTemplates } from "@tracegate/analysis";
import { goJson } from "@tracegate/kube";
import { rolloutArgs } from "./analysis-args.ts";
import { findTemplates } from "./analysis-templates.ts";
import { type CurrentRuns, hashOf, type Pass, revisionOf } from "./pass.ts";
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
  const { rollout, snapshot } = pass;
  const found = findTemplates(snapshot, analysis.templates ?? []);
  if ("missing" in found) return undefined; // refused before any pass gets here
  const hash = hashOf(pass.newRS);
  const args = rolloutArgs(rollout, analysis.args ?? [], { latest: hash, stable: hashOf(pass.stableRS) });
  if ("error" in args) return undefined;
  const merged = mergeTemplates(found.templates, { ...analysis, args: args.args });
  if ("error" in merged) return undefined;
  const revision = revisionOf(pass.newRS ?? rollout);
  const base = [rollout.metadata.name, hash, String(revision), ...(infix === undefined ? [] : [infix])].join(
    "-",
  );
  const { metrics, dryRun, measurementRetention } = merged.spec;
  const spec = {
    metrics,
    ...(merged.spec.args.length > 0 ? { args: merged.spec.args } : {}),
    ...(dryRun.length > 0 ? { dryRun } : {}),
    ...(measurementRetention.length > 0 ? { measurementRetention } : {}),
  };
  const taken = new Map(snapshot.analysisRuns.map((run) => [run.metadata.name, run]));
  let name = base;
  for (let n = 1; taken.has(name); n++) {
    const existing = taken.get(name);
    // A run that was made and then forgotten (we died before the status was written) is taken up again.
    if (existing !== undefined && !isDone(existing) && goJson(existing.spec) === goJson(spec))
      return existing;
    name = `${base}.${n}`;
  }
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
      annotations: { ...analysis.analysisRunMetadata?.annotations, [revisionAnnotation]: String(revision) },
      ownerReferences: [
        {
          apiVersion: "argoproj.io/v1alpha1",
          kind: "Rollout",
          name: rollout.metadata.name,
          uid: rollout.metadata.uid ?? "",
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec,
    status: { phase: "" },
  };
  pass.actions.push({ do: "createAnalysisRun", run });
  return run;
}
