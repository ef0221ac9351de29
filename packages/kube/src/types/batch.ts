import { defineKind } from "../kind.ts";
import type { Condition, KubeObject, LabelSelector } from "../object.ts";
import type { PodTemplateSpec } from "./core.ts";

export interface Job extends KubeObject {
  spec: {
    template: PodTemplateSpec;
    parallelism?: number;
    completions?: number;
    backoffLimit?: number;
    activeDeadlineSeconds?: number;
    ttlSecondsAfterFinished?: number;
    selector?: LabelSelector;
    manualSelector?: boolean;
    suspend?: boolean;
  };
  status?: {
    active?: number;
    succeeded?: number;
    failed?: number;
    ready?: number;
    startTime?: string;
    completionTime?: string;
    conditions?: Condition[];
  };
}
export const Job = defineKind<Job>("batch/v1", "Job", "jobs");
