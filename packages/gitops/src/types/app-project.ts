import { defineKind, type KubeObject } from "@tracegate/kube";

/** What Applications of a project may read from and write to. */
export interface AppProject extends KubeObject {
  spec: AppProjectSpec;
}
export const AppProject = defineKind<AppProject>("argoproj.io/v1alpha1", "AppProject", "appprojects");

export interface AppProjectSpec {
  description?: string;
  sourceRepos?: string[];
  destinations?: { server?: string; name?: string; namespace?: string }[];
  clusterResourceWhitelist?: GroupKind[];
  clusterResourceBlacklist?: GroupKind[];
  namespaceResourceWhitelist?: GroupKind[];
  namespaceResourceBlacklist?: GroupKind[];
  /** Not worked with: a project that has some refuses its Applications rather than sync them at the wrong time. */
  syncWindows?: unknown[];
}

export interface GroupKind {
  group: string;
  kind: string;
}

/** The project of Applications that name none; created when absent. */
export const defaultProject: AppProject = {
  apiVersion: "argoproj.io/v1alpha1",
  kind: "AppProject",
  metadata: { name: "default" },
  spec: {
    sourceRepos: ["*"],
    destinations: [{ server: "*", namespace: "*" }],
    clusterResourceWhitelist: [{ group: "*", kind: "*" }],
  },
};
