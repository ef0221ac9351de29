import { AnalysisTemplate, type Argument, type Metric } from "@tracegate/analysis";
import { type ResourceClient, undefinedIfNotFound } from "@tracegate/kube";
import { type SyntheticSeries, tryGate } from "@tracegate/rehearsal";
import type { Rollout } from "@tracegate/rollouts";

/** A metric of a Rollout's analysis, with the arguments that a canary of hash `canaryHash` would bring. */
export interface Gate {
  readonly metric: Metric;
  readonly args: readonly Argument[];
}

export const canaryHash = "rehearsed";

/** The gates on the way of a Rollout's canary, those of steps and those in the background. */
export async function gatesOf(client: Pick<ResourceClient, "get">, rollout: Rollout): Promise<Gate[]> {
  const { steps = [], analysis } = rollout.spec.strategy?.canary ?? {};
  const analyses = [...steps.map((step) => step.analysis), analysis].filter((each) => each !== undefined);
  const gates = new Map<string, Gate>();
  const { namespace } = rollout.metadata;
  for (const { templates = [], args = [] } of analyses) {
    const given = args.map(({ name, value, valueFrom }): Argument => {
      if (valueFrom === undefined) return { name, ...(value !== undefined && { value }) };
      const ofNamespace = valueFrom.fieldRef?.fieldPath === "metadata.namespace";
      return { name, value: ofNamespace ? (namespace ?? "") : canaryHash };
    });
    for (const { templateName } of templates) {
      if (templateName === undefined) continue;
      const ref = { ...(namespace !== undefined && { namespace }), name: templateName };
      const template = await client.get(AnalysisTemplate, ref).catch(undefinedIfNotFound);
      const declared = (template?.spec.args ?? []).filter(({ value }) => value !== undefined);
      const all = [...declared.filter(({ name }) => given.every((arg) => arg.name !== name)), ...given];
      for (const metric of template?.spec.metrics ?? []) {
        gates.set(`${templateName}/${metric.name}`, { metric, args: all });
      }
    }
  }
  return [...gates.values()];
}

/** A canary that never was, and whether a gate has to let it through. */
export interface Trial {
  readonly series: readonly SyntheticSeries[];
  readonly passes: boolean;
}

/** The gates that tell these canaries apart: each passes exactly those that must pass. */
export async function gatesThatTell(gates: readonly Gate[], trials: readonly Trial[]): Promise<string[]> {
  const telling: string[] = [];
  for (const { metric, args } of gates) {
    const right = await Promise.all(
      trials.map(async ({ series, passes }) => {
        const { phase } = await tryGate(metric, args, series);
        return (phase === "Successful") === passes;
      }),
    );
    if (right.every((each) => each)) telling.push(metric.name);
  }
  return telling;
}
