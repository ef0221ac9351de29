import {
  builtInErrors,
  builtInType,
  DecodeError,
  fieldErrorText,
  ReplicaSet,
  withBuiltInDefaults,
} from "@tracegate/kube";
import type { Rollout } from "./types.ts";

/** What a ReplicaSet with this selector and template would be refused for. */
export function templateProblem({ metadata, spec }: Rollout): string | undefined {
  const type = builtInType("apps/v1", "ReplicaSet");
  if (spec.workloadRef !== undefined || type === undefined) return undefined;
  const { name, namespace = "default" } = metadata;
  const replicaSet = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name, namespace },
    spec: { replicas: 0, selector: { ...spec.selector }, template: { ...spec.template } },
  };
  try {
    const [problem] = builtInErrors(ReplicaSet, withBuiltInDefaults(type, replicaSet));
    return problem === undefined ? undefined : fieldErrorText(problem);
  } catch (error) {
    if (error instanceof DecodeError) return `spec.template: Invalid value: ${error.message}`;
    throw error;
  }
}
