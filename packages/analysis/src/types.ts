import type { Phase } from "@tracegate/judge";
import { defineKind, type Job, type KubeObject } from "@tracegate/kube";

// AnalysisTemplate, ClusterAnalysisTemplate and AnalysisRun of argoproj.io/v1alpha1.

export interface AnalysisTemplateSpec {
  metrics?: Metric[];
  args?: Argument[];
  dryRun?: { metricName: string }[];
  measurementRetention?: MeasurementRetention[];
  /** Other templates whose content is merged in. */
  templates?: TemplateRef[];
}
export interface AnalysisTemplate extends KubeObject {
  spec: AnalysisTemplateSpec;
}
export const AnalysisTemplate = defineKind<AnalysisTemplate>(
  "argoproj.io/v1alpha1",
  "AnalysisTemplate",
  "analysistemplates",
);
export const ClusterAnalysisTemplate = defineKind<AnalysisTemplate>(
  "argoproj.io/v1alpha1",
  "ClusterAnalysisTemplate",
  "clusteranalysistemplates",
  { namespaced: false },
);

export interface TemplateRef {
  templateName: string;
  clusterScope?: boolean;
}

export interface MeasurementRetention {
  metricName: string;
  limit: number;
}

export interface Argument {
  name: string;
  value?: string;
  valueFrom?: {
    secretKeyRef?: { name: string; key: string };
    fieldRef?: { fieldPath: string };
    podTemplateHashValue?: "Stable" | "Latest";
  };
}

export interface Metric {
  name: string;
  interval?: string;
  initialDelay?: string;
  count?: number | string;
  successCondition?: string;
  failureCondition?: string;
  failureLimit?: number | string;
  inconclusiveLimit?: number | string;
  consecutiveErrorLimit?: number | string;
  consecutiveSuccessLimit?: number | string;
  provider: Provider;
}

/** Exactly one is set. Which are served, `providers` of the controller says. */
export interface Provider {
  prometheus?: PrometheusMetric;
  web?: WebMetric;
  job?: {
    metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
    spec: Job["spec"];
  };
  [name: string]: unknown;
}

export interface PrometheusMetric {
  address?: string;
  query?: string;
  /** Seconds. */
  timeout?: number;
  insecure?: boolean;
  headers?: { key: string; value: string }[];
  rangeQuery?: Record<string, string>;
  authentication?: {
    basicAuth?: { username?: string; password?: string };
    oauth2?: Record<string, unknown>;
    sigv4?: Record<string, unknown>;
  };
}

export interface WebMetric {
  url: string;
  method?: string;
  headers?: { key: string; value: string }[];
  body?: string;
  jsonBody?: unknown;
  timeoutSeconds?: number;
  jsonPath?: string;
  insecure?: boolean;
  authentication?: { oauth2?: Record<string, unknown> };
}

export interface AnalysisRunSpec {
  metrics: Metric[];
  args?: Argument[];
  dryRun?: { metricName: string }[];
  measurementRetention?: MeasurementRetention[];
  terminate?: boolean;
  ttlStrategy?: {
    secondsAfterCompletion?: number;
    secondsAfterFailure?: number;
    secondsAfterSuccess?: number;
  };
}
export interface AnalysisRun extends KubeObject {
  spec: AnalysisRunSpec;
  status?: AnalysisRunStatus;
}
export const AnalysisRun = defineKind<AnalysisRun>("argoproj.io/v1alpha1", "AnalysisRun", "analysisruns");

export interface AnalysisRunStatus {
  /** "" until the controller has seen the run. */
  phase: Phase | "";
  message?: string;
  metricResults?: MetricResult[];
  startedAt?: string;
  completedAt?: string;
  runSummary?: RunSummary;
  dryRunSummary?: RunSummary;
}

/** `count` is the number of metrics; the others count completed ones. */
export interface RunSummary {
  count?: number;
  successful?: number;
  failed?: number;
  inconclusive?: number;
  error?: number;
}

export interface MetricResult {
  name: string;
  phase: Phase;
  measurements?: Measurement[];
  message?: string;
  count?: number;
  successful?: number;
  failed?: number;
  inconclusive?: number;
  error?: number;
  consecutiveError?: number;
  consecutiveSuccess?: number;
  dryRun?: boolean;
  metadata?: Record<string, string>;
}

/** One look at a metric. Without `finishedAt` it is still under way, and is taken up again from `resumeAt` on. */
export interface Measurement {
  phase: Phase;
  message?: string;
  startedAt?: string;
  finishedAt?: string;
  value?: string;
  metadata?: Record<string, string>;
  resumeAt?: string;
}
