import type { AnalysisTemplate } from "@tracegate/analysis";
import type { RolloutSnapshot } from "./snapshot.ts";

/** A template that is referred to and not there. */
export interface MissingTemplate {
  readonly kind: "AnalysisTemplate" | "ClusterAnalysisTemplate";
  readonly name: string;
  /** Referred to by another template, not by the Rollout itself. */
  readonly nested: boolean;
}

/** Templates referred to, with those they refer to, each once; namespaced ones first. */
export function findTemplates(
  snapshot: Pick<RolloutSnapshot, "templates" | "clusterTemplates">,
  refs: readonly { templateName: string; clusterScope?: boolean }[],
): { readonly templates: readonly AnalysisTemplate[] } | { readonly missing: MissingTemplate } {
  const [namespaced, cluster] = [new Map<string, AnalysisTemplate>(), new Map<string, AnalysisTemplate>()];
  const visit = (list: typeof refs, nested: boolean): MissingTemplate | undefined => {
    for (const { templateName: name, clusterScope } of list) {
      const into = clusterScope === true ? cluster : namespaced;
      if (into.has(name)) continue;
      const template = (clusterScope === true ? snapshot.clusterTemplates : snapshot.templates).get(name);
      if (template === undefined)
        return { kind: clusterScope === true ? "ClusterAnalysisTemplate" : "AnalysisTemplate", name, nested };
      into.set(name, template);
      const lost = visit(template.spec.templates ?? [], true);
      if (lost !== undefined) return lost;
    }
    return undefined;
  };
  const lost = visit(refs, false);
  return lost === undefined
    ? { templates: [...namespaced.values(), ...cluster.values()] }
    : { missing: lost };
}
