import { defineKind, type KubeObject } from "@tracegate/kube";

/** Argo CD's Application. ⚠ It has no status subresource: `operation` and `status` are fields like any other. */
export interface Application extends KubeObject {
  spec: ApplicationSpec;
  /** A sync that is asked for or running; taken away when it has ended. */
  operation?: Operation;
  status?: ApplicationStatus;
}
export const Application = defineKind<Application>("argoproj.io/v1alpha1", "Application", "applications");

export interface ApplicationSpec {
  project: string;
  source?: ApplicationSource;
  sources?: ApplicationSource[];
  destination: ApplicationDestination;
  syncPolicy?: SyncPolicy;
  ignoreDifferences?: IgnoreDifferences[];
  info?: { name: string; value: string }[];
  /** How many `status.history` entries are kept (10). */
  revisionHistoryLimit?: number;
  sourceHydrator?: unknown;
}

export interface ApplicationSource {
  repoURL: string;
  path?: string;
  targetRevision?: string;
  chart?: string;
  ref?: string;
  name?: string;
  directory?: DirectorySource;
  kustomize?: KustomizeSource;
  helm?: unknown;
  plugin?: unknown;
}

export interface DirectorySource {
  recurse?: boolean;
  include?: string;
  exclude?: string;
  jsonnet?: unknown;
}

/** Overrides that the Application lays over the kustomization of its path. */
export interface KustomizeSource {
  namePrefix?: string;
  nameSuffix?: string;
  namespace?: string;
  /** `name=newName:tag`, `newName:tag` or `name:tag`. */
  images?: string[];
  commonLabels?: Record<string, string>;
  commonAnnotations?: Record<string, string>;
  /** Whether keys that the kustomization sets already may be overridden. */
  forceCommonLabels?: boolean;
  forceCommonAnnotations?: boolean;
  /** Labels go on objects, and on their pod templates if told so, but not into selectors. */
  labelWithoutSelector?: boolean;
  labelIncludeTemplates?: boolean;
  replicas?: { name: string; count: number | string }[];
  patches?: {
    path?: string;
    patch?: string;
    target?: Record<string, string>;
    options?: Record<string, boolean>;
  }[];
  components?: string[];
}

export interface ApplicationDestination {
  server?: string;
  name?: string;
  namespace?: string;
}

export interface SyncPolicy {
  automated?: AutomatedSync;
  syncOptions?: string[];
  retry?: RetryStrategy;
  managedNamespaceMetadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
}

export interface AutomatedSync {
  prune?: boolean;
  selfHeal?: boolean;
  allowEmpty?: boolean;
  /** Absent means on: `automated: {}` synchronises. */
  enabled?: boolean;
}

export interface RetryStrategy {
  /** Below zero: for ever. */
  limit?: number;
  backoff?: { duration?: string; factor?: number; maxDuration?: string };
  refresh?: boolean;
}

export interface IgnoreDifferences {
  group?: string;
  kind: string;
  name?: string;
  namespace?: string;
  jsonPointers?: string[];
  jqPathExpressions?: string[];
  managedFieldsManagers?: string[];
}

export interface Operation {
  sync?: SyncOperation;
  initiatedBy?: { username?: string; automated?: boolean };
  retry?: RetryStrategy;
  info?: { name: string; value: string }[];
}

export interface SyncOperation {
  revision?: string;
  prune?: boolean;
  dryRun?: boolean;
  /** Only these; hooks do not run then. */
  resources?: { group?: string; kind: string; name: string; namespace?: string }[];
  /** Another source than the spec's: a rollback. */
  source?: ApplicationSource;
  syncOptions?: string[];
  syncStrategy?: { hook?: { force?: boolean }; apply?: { force?: boolean } };
  /** How many self-heal syncs in a row led to this one. */
  autoHealAttemptsCount?: number;
}

export type SyncStatusCode = "Synced" | "OutOfSync" | "Unknown";
export type HealthStatusCode = "Healthy" | "Suspended" | "Progressing" | "Missing" | "Degraded" | "Unknown";
export type OperationPhase = "Running" | "Terminating" | "Succeeded" | "Failed" | "Error";
export type SyncPhase = "PreSync" | "Sync" | "PostSync" | "SyncFail";
export type ResultCode = "Synced" | "SyncFailed" | "Pruned" | "PruneSkipped";

export interface Health {
  status: HealthStatusCode;
  message?: string;
}

export interface ApplicationStatus {
  sync?: {
    status: SyncStatusCode;
    comparedTo: {
      source?: ApplicationSource;
      destination: ApplicationDestination;
      ignoreDifferences?: IgnoreDifferences[];
    };
    revision?: string;
  };
  health?: { status?: HealthStatusCode; lastTransitionTime?: string };
  resources?: ResourceStatus[];
  resourceHealthSource?: "appTree";
  summary?: { images?: string[]; externalURLs?: string[] };
  sourceType?: SourceType;
  history?: RevisionHistory[];
  reconciledAt?: string;
  controllerNamespace?: string;
  conditions?: ApplicationCondition[];
  operationState?: OperationState;
}

export type SourceType = "Directory" | "Kustomize";

export interface ResourceStatus {
  group?: string;
  version: string;
  kind: string;
  namespace?: string;
  name: string;
  status?: SyncStatusCode;
  hook?: boolean;
  requiresPruning?: boolean;
  requiresDeletionConfirmation?: boolean;
  syncWave?: number;
  /** Kept out of the stored status (`resourceHealthSource: appTree`); filled in by readers that ask for it. */
  health?: Health;
}

export interface RevisionHistory {
  id: number;
  revision: string;
  source: ApplicationSource;
  deployStartedAt: string;
  deployedAt: string;
  initiatedBy: { username?: string; automated?: boolean };
}

export interface ApplicationCondition {
  type: ConditionType;
  message: string;
  lastTransitionTime?: string;
}

export type ConditionType =
  | "ComparisonError"
  | "InvalidSpecError"
  | "SyncError"
  | "DeletionError"
  | "UnknownError"
  | "SharedResourceWarning"
  | "RepeatedResourceWarning"
  | "ExcludedResourceWarning"
  | "OrphanedResourceWarning";

export interface OperationState {
  operation: Operation;
  phase: OperationPhase;
  message?: string;
  syncResult?: SyncOperationResult;
  startedAt: string;
  finishedAt?: string;
  retryCount?: number;
}

export interface SyncOperationResult {
  resources?: ResourceResult[];
  revision: string;
  source?: ApplicationSource;
  managedNamespaceMetadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
}

export interface ResourceResult {
  group: string;
  version: string;
  kind: string;
  namespace?: string;
  name: string;
  status?: ResultCode;
  message?: string;
  hookType?: SyncPhase;
  hookPhase?: OperationPhase;
  syncPhase: SyncPhase;
  images?: string[];
}
