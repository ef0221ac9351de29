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
  /** When its Applications may be synchronised, and when not. */
  syncWindows?: SyncWindow[];
  /** Present: what lies in an Application's namespace without belonging to any is told of. */
  orphanedResources?: {
    /** Whether in a condition (yes by default). */
    warn?: boolean;
    ignore?: { group?: string; kind?: string; name?: string }[];
  };
  sourceNamespaces?: string[];
  roles?: { name: string; description?: string; policies?: string[]; groups?: string[] }[];
}

export interface SyncWindow {
  kind: "allow" | "deny";
  /** Cron: when it opens. */
  schedule: string;
  /** How long it stays open: `1h30m`. */
  duration: string;
  applications?: string[];
  namespaces?: string[];
  clusters?: string[];
  /** Whether it does not concern syncs that people ask for. */
  manualSync?: boolean;
  timeZone?: string;
  /** Whether all of the lists have to match rather than one. */
  andOperator?: boolean;
  description?: string;
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
