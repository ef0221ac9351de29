import { forbidden } from "./field-problems.ts";
import type { Rollout } from "./types.ts";

/** What Argo Rollouts can do and we cannot is refused by name, not left undone. */
export function unsupported({ spec }: Rollout): string | undefined {
  const { canary } = spec.strategy ?? {};
  const refuse = (path: string): string => forbidden(path, "is not supported by this controller");
  if (spec.workloadRef !== undefined) return refuse("spec.workloadRef");
  for (const field of ["trafficRouting", "pingPong"] as const)
    if (canary?.[field] !== undefined) return refuse(`spec.strategy.canary.${field}`);
  for (const [i, step] of (canary?.steps ?? []).entries()) {
    if ((step.experiment?.templates?.length ?? 0) > 0)
      return refuse(`spec.strategy.canary.steps[${i}].experiment`);
    if (step.plugin !== undefined) return refuse(`spec.strategy.canary.steps[${i}].plugin`);
  }
  return undefined;
}
