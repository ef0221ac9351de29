import { isObject } from "@tracegate/kube";
import { bad, internal, missing } from "./field-problems.ts";
import type { Rollout } from "./types.ts";
import { canaryProblem } from "./validate-canary.ts";
import { templateProblem } from "./validate-template.ts";

/** The first thing wrong within the spec itself, in the order in which upstream looks. */
export function specProblem(rollout: Rollout): string | undefined {
  const { spec } = rollout;
  return (
    negativeProblem(rollout, "replicas") ??
    selectorProblem(rollout) ??
    templateProblem(rollout) ??
    negativeProblem(rollout, "minReadySeconds") ??
    negativeProblem(rollout, "revisionHistoryLimit") ??
    negativeProblem(rollout, "progressDeadlineSeconds") ??
    ((spec.progressDeadlineSeconds ?? 600) <= (spec.minReadySeconds ?? 0)
      ? bad(
          "spec.progressDeadlineSeconds",
          spec.progressDeadlineSeconds ?? 600,
          "must be greater than minReadySeconds",
        )
      : strategyProblem(rollout))
  );
}

const negativeProblem = (
  { spec }: Rollout,
  field: "replicas" | "minReadySeconds" | "revisionHistoryLimit" | "progressDeadlineSeconds",
): string | undefined =>
  (spec[field] ?? 0) < 0
    ? bad(`spec.${field}`, spec[field], "must be greater than or equal to 0")
    : undefined;

function selectorProblem({ spec }: Rollout): string | undefined {
  if (spec.workloadRef === undefined)
    return spec.selector === undefined
      ? missing("spec.selector", "Rollout has missing field '.spec.selector'")
      : undefined;
  // As upstream, a template without labels and annotations counts as none.
  const { labels = {}, annotations = {} } = spec.template?.metadata ?? {};
  return Object.keys(labels).length + Object.keys(annotations).length > 0
    ? internal("spec.template", "template must be empty for workload reference rollout")
    : undefined;
}

function strategyProblem(rollout: Rollout): string | undefined {
  const { canary, blueGreen } = rollout.spec.strategy ?? {};
  const path = "spec.strategy.strategy";
  if (canary === undefined && blueGreen === undefined)
    return missing(path, "Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'");
  if (canary !== undefined && blueGreen !== undefined)
    return bad(path, "blueGreen: true canary: true", "Multiple Strategies can not be listed");
  return canary === undefined
    ? (blueGreenProblem(rollout) ?? antiAffinityProblem(blueGreen?.antiAffinity))
    : (canaryProblem(canary) ?? antiAffinityProblem(canary.antiAffinity));
}

function blueGreenProblem({ spec }: Rollout): string | undefined {
  const {
    activeService = "",
    previewService = "",
    scaleDownDelayRevisionLimit,
  } = spec.strategy?.blueGreen ?? {};
  if (activeService === previewService)
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

function antiAffinityProblem(
  antiAffinity: Readonly<Record<string, unknown>> | undefined,
): string | undefined {
  if (antiAffinity === undefined) return undefined;
  const path = "spec.strategy.antiAffinity";
  const kinds = [
    "preferredDuringSchedulingIgnoredDuringExecution",
    "requiredDuringSchedulingIgnoredDuringExecution",
  ] as const;
  const has = kinds.map((kind) => antiAffinity[kind] !== undefined);
  if (has[0] === has[1]) {
    const shown = kinds.map(
      (kind, i) => `antiAffinity.${kind.charAt(0).toUpperCase()}${kind.slice(1)}: ${has[i]}`,
    );
    return bad(path, shown.join(" "), "AntiAffinity must have exactly one strategy listed");
  }
  const preferred = antiAffinity[kinds[0]];
  const weight = isObject(preferred) ? Number(preferred["weight"] ?? 0) : 1;
  return weight < 1 || weight > 100
    ? bad(`${path}.weight`, weight, "AntiAffinity weight must be between 1-100")
    : undefined;
}
