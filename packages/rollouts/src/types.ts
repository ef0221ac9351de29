import type { Argument, MeasurementRetention, TemplateRef } from "@tracegate/analysis";
import {
  defineKind,
  type IntOrString,
  type KubeObject,
  type LabelSelector,
  type PodTemplateSpec,
} from "@tracegate/kube";

// Rollout of argoproj.io/v1alpha1.

export interface Rollout extends KubeObject {
  spec: RolloutSpec;
  status?: RolloutStatus;
}
export const Rollout = defineKind<Rollout>("argoproj.io/v1alpha1", "Rollout", "rollouts");

export interface RolloutSpec {
  replicas?: number;
  selector?: LabelSelector;
  template?: PodTemplateSpec;
  workloadRef?: { apiVersion?: string; kind?: string; name?: string; scaleDown?: string };
  minReadySeconds?: number;
  revisionHistoryLimit?: number;
  progressDeadlineSeconds?: number;
  progressDeadlineAbort?: boolean;
  paused?: boolean;
  restartAt?: string;
  rollbackWindow?: { revisions?: number };
  analysis?: { successfulRunHistoryLimit?: number; unsuccessfulRunHistoryLimit?: number };
  strategy?: { canary?: CanaryStrategy; blueGreen?: BlueGreenStrategy };
}

export interface CanaryStrategy {
  canaryService?: string;
  stableService?: string;
  steps?: CanaryStep[];
  maxSurge?: IntOrString;
  maxUnavailable?: IntOrString;
  analysis?: RolloutAnalysis & { startingStep?: number };
  canaryMetadata?: PodMetadata;
  stableMetadata?: PodMetadata;
  scaleDownDelaySeconds?: number;
  scaleDownDelayRevisionLimit?: number;
  abortScaleDownDelaySeconds?: number;
  dynamicStableScale?: boolean;
  trafficRouting?: Record<string, unknown>;
  pingPong?: { pingService?: string; pongService?: string };
  antiAffinity?: Record<string, unknown>;
  minPodsPerReplicaSet?: number;
  replicaProgressThreshold?: { type: "Percent" | "Pods"; value: number };
}

export interface PodMetadata {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

export interface CanaryStep {
  setWeight?: number;
  pause?: { duration?: IntOrString };
  analysis?: RolloutAnalysis;
  experiment?: { templates?: unknown[]; analyses?: { args?: Argument[] }[]; [field: string]: unknown };
  setCanaryScale?: { weight?: number; replicas?: number; matchTrafficWeight?: boolean };
  setHeaderRoute?: { name?: string; match?: unknown[] };
  setMirrorRoute?: { name?: string; match?: unknown[] };
  plugin?: { name?: string; config?: unknown };
}

export interface RolloutAnalysis {
  templates?: TemplateRef[];
  args?: Argument[];
  dryRun?: { metricName: string }[];
  measurementRetention?: MeasurementRetention[];
  analysisRunMetadata?: PodMetadata;
}

export interface BlueGreenStrategy {
  activeService: string;
  previewService?: string;
  previewReplicaCount?: number;
  autoPromotionEnabled?: boolean;
  autoPromotionSeconds?: number;
  maxUnavailable?: IntOrString;
  scaleDownDelaySeconds?: number;
  scaleDownDelayRevisionLimit?: number;
  abortScaleDownDelaySeconds?: number;
  prePromotionAnalysis?: RolloutAnalysis;
  postPromotionAnalysis?: RolloutAnalysis;
  antiAffinity?: Record<string, unknown>;
  previewMetadata?: PodMetadata;
  activeMetadata?: PodMetadata;
}

export type PauseReason =
  | "CanaryPauseStep"
  | "BlueGreenPause"
  | "InconclusiveAnalysisRun"
  | "InconclusiveExperiment";
export interface PauseCondition {
  reason: PauseReason;
  startTime: string;
}

export interface RunStatusMirror {
  name: string;
  status: string;
  message?: string;
}

export type RolloutPhase = "Healthy" | "Degraded" | "Progressing" | "Paused";

export interface RolloutCondition {
  type: string;
  status: "True" | "False" | "Unknown";
  lastUpdateTime: string;
  lastTransitionTime: string;
  reason: string;
  message: string;
}

export interface RolloutStatus {
  phase?: RolloutPhase;
  message?: string;
  /** A string, unlike everywhere else. */
  observedGeneration?: string;
  currentPodHash?: string;
  stableRS?: string;
  currentStepIndex?: number;
  currentStepHash?: string;
  replicas?: number;
  updatedReplicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
  HPAReplicas?: number;
  selector?: string;
  pauseConditions?: PauseCondition[];
  controllerPause?: boolean;
  abort?: boolean;
  abortedAt?: string;
  promoteFull?: boolean;
  restartedAt?: string;
  collisionCount?: number;
  canary?: {
    currentStepAnalysisRunStatus?: RunStatusMirror;
    currentBackgroundAnalysisRunStatus?: RunStatusMirror;
  };
  blueGreen?: {
    activeSelector?: string;
    previewSelector?: string;
    scaleUpPreviewCheckPoint?: boolean;
    prePromotionAnalysisRunStatus?: RunStatusMirror;
    postPromotionAnalysisRunStatus?: RunStatusMirror;
  };
  conditions?: RolloutCondition[];
}

/** Label on ReplicaSets, pods and Services' selectors that tells the versions apart. */
export const hashLabel = "rollouts-pod-template-hash";
export const revisionAnnotation = "rollout.argoproj.io/revision";
export const revisionHistoryAnnotation = "rollout.argoproj.io/revision-history";
export const desiredReplicasAnnotation = "rollout.argoproj.io/desired-replicas";
export const ephemeralMetadataAnnotation = "rollout.argoproj.io/ephemeral-metadata";
export const scaleDownDeadlineAnnotation = "scale-down-deadline";
export const managedByAnnotation = "argo-rollouts.argoproj.io/managed-by-rollouts";
