import { defineKind } from "../kind.ts";
import type { Condition, IntOrString, KubeObject, LabelSelector } from "../object.ts";
import type { PodTemplateSpec } from "./core.ts";

export interface ReplicaSet extends KubeObject {
  spec: { replicas?: number; minReadySeconds?: number; selector: LabelSelector; template: PodTemplateSpec };
  status?: {
    replicas: number;
    fullyLabeledReplicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    observedGeneration?: number;
    conditions?: Condition[];
  };
}
export const ReplicaSet = defineKind<ReplicaSet>("apps/v1", "ReplicaSet", "replicasets");

export interface Deployment extends KubeObject {
  spec: {
    replicas?: number;
    selector: LabelSelector;
    template: PodTemplateSpec;
    minReadySeconds?: number;
    revisionHistoryLimit?: number;
    progressDeadlineSeconds?: number;
    paused?: boolean;
    strategy?: {
      type?: "RollingUpdate" | "Recreate";
      rollingUpdate?: { maxSurge?: IntOrString; maxUnavailable?: IntOrString };
    };
  };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    unavailableReplicas?: number;
    collisionCount?: number;
    conditions?: Condition[];
  };
}
export const Deployment = defineKind<Deployment>("apps/v1", "Deployment", "deployments");

export interface DaemonSet extends KubeObject {
  spec: {
    selector: LabelSelector;
    template: PodTemplateSpec;
    minReadySeconds?: number;
    revisionHistoryLimit?: number;
    updateStrategy?: {
      type?: "RollingUpdate" | "OnDelete";
      rollingUpdate?: { maxSurge?: IntOrString; maxUnavailable?: IntOrString };
    };
  };
  status?: {
    currentNumberScheduled: number;
    numberMisscheduled: number;
    desiredNumberScheduled: number;
    numberReady: number;
    observedGeneration?: number;
    updatedNumberScheduled?: number;
    numberAvailable?: number;
    numberUnavailable?: number;
    collisionCount?: number;
    conditions?: Condition[];
  };
}
export const DaemonSet = defineKind<DaemonSet>("apps/v1", "DaemonSet", "daemonsets");

/** A DaemonSet's (and StatefulSet's) stored template, one object a revision. */
export interface ControllerRevision extends KubeObject {
  data?: unknown;
  revision: number;
}
export const ControllerRevision = defineKind<ControllerRevision>(
  "apps/v1",
  "ControllerRevision",
  "controllerrevisions",
);
