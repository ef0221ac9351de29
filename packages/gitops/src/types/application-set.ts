import { type Condition, defineKind, type KubeObject, type LabelSelector } from "@tracegate/kube";
import type { ApplicationSpec, Health, SyncStatusCode } from "./application.ts";

/** A template of Applications and what it is filled with. */
export interface ApplicationSet extends KubeObject {
  spec: ApplicationSetSpec;
  status?: ApplicationSetStatus;
}
export const ApplicationSet = defineKind<ApplicationSet>(
  "argoproj.io/v1alpha1",
  "ApplicationSet",
  "applicationsets",
);

export interface ApplicationSetSpec {
  generators: Generator[];
  template: ApplicationTemplate;
  goTemplate?: boolean;
  goTemplateOptions?: string[];
  syncPolicy?: { applicationsSync?: ApplicationsSync; preserveResourcesOnDeletion?: boolean };
  preservedFields?: { annotations?: string[]; labels?: string[] };
  templatePatch?: string;
  strategy?: unknown;
  ignoreApplicationDifferences?: IgnoreApplicationDifferences[];
}

/** Fields of generated Applications that others may change. */
export interface IgnoreApplicationDifferences {
  /** Only of this Application. */
  name?: string;
  jsonPointers?: string[];
  jqPathExpressions?: string[];
}

export type ApplicationsSync = "sync" | "create-update" | "create-delete" | "create-only";

export interface ApplicationTemplate {
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    finalizers?: string[];
  };
  spec: ApplicationSpec;
}

/** What a generator lays over the template: fields that are not empty win. */
export type PartialTemplate = Partial<{
  [Field in keyof ApplicationTemplate]: Partial<ApplicationTemplate[Field]>;
}>;

export interface Generator {
  git?: GitGenerator;
  list?: ListGenerator;
  clusters?: ClusterGenerator;
  matrix?: MatrixGenerator;
  merge?: MergeGenerator;
  /** Over the flattened parameters. */
  selector?: LabelSelector;
  [other: string]: unknown;
}

export interface MatrixGenerator {
  generators?: Generator[];
  template?: PartialTemplate;
}

export interface MergeGenerator {
  generators?: Generator[];
  mergeKeys?: string[];
  template?: PartialTemplate;
}

export interface ClusterGenerator {
  selector?: LabelSelector;
  values?: Record<string, string>;
  template?: PartialTemplate;
}

export interface GitGenerator {
  repoURL: string;
  revision?: string;
  directories?: { path: string; exclude?: boolean }[];
  files?: { path: string; exclude?: boolean }[];
  requeueAfterSeconds?: number;
  pathParamPrefix?: string;
  values?: Record<string, string>;
  template?: PartialTemplate;
}

export interface ListGenerator {
  template?: PartialTemplate;
  elements?: Record<string, unknown>[];
  elementsYaml?: string;
}

export interface ApplicationSetStatus {
  conditions?: ApplicationSetCondition[];
  resources?: ApplicationSetResource[];
}

export type ApplicationSetCondition = Pick<
  Condition,
  "type" | "status" | "reason" | "message" | "lastTransitionTime"
>;

export interface ApplicationSetResource {
  group: string;
  version: string;
  kind: string;
  name: string;
  namespace: string;
  status?: SyncStatusCode;
  health?: Partial<Health>;
}
