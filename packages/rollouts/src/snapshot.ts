import type { AnalysisRun, AnalysisTemplate } from "@tracegate/analysis";
import type { Pod, ReplicaSet, Service } from "@tracegate/kube";
import type { Rollout, RolloutStatus } from "./types.ts";

/** All that a decision about a Rollout looks at, read at one moment. */
export interface RolloutSnapshot {
  readonly rollout: Rollout;
  /** Controlled by the Rollout. */
  readonly replicaSets: readonly ReplicaSet[];
  /** Names of ReplicaSets in the namespace that belong to others. */
  readonly foreignReplicaSets: readonly string[];
  /** The Services that the spec names; missing ones are absent. */
  readonly services: ReadonlyMap<string, Service>;
  /** Services that the Rollout led once and that its spec names no more. */
  readonly abandonedServices: readonly Service[];
  /** AnalysisTemplates of the namespace, and cluster-wide ones, by name. */
  readonly templates: ReadonlyMap<string, AnalysisTemplate>;
  readonly clusterTemplates: ReadonlyMap<string, AnalysisTemplate>;
  /** Controlled by the Rollout. */
  readonly analysisRuns: readonly AnalysisRun[];
  /** Of the Rollout's ReplicaSets. */
  readonly pods: readonly Pod[];
}

/** A change of the world. Carried out in order; the first that fails ends the pass, and the next pass starts afresh. */
export type RolloutAction =
  | { readonly do: "createReplicaSet"; readonly replicaSet: ReplicaSet }
  | {
      readonly do: "patchReplicaSet";
      readonly name: string;
      readonly body: Readonly<Record<string, unknown>>;
      readonly resourceVersion?: string;
    }
  | { readonly do: "deleteReplicaSet"; readonly name: string }
  | { readonly do: "patchRollout"; readonly body: Readonly<Record<string, unknown>> }
  | { readonly do: "patchService"; readonly name: string; readonly body: Readonly<Record<string, unknown>> }
  | { readonly do: "createAnalysisRun"; readonly run: AnalysisRun }
  | { readonly do: "terminateAnalysisRun"; readonly name: string }
  | { readonly do: "deleteAnalysisRun"; readonly name: string }
  | { readonly do: "evictPod"; readonly name: string }
  | { readonly do: "patchPod"; readonly name: string; readonly body: Readonly<Record<string, unknown>> };

export interface RolloutEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

export interface RolloutPlan {
  /** Written before anything is done. What `status` changes is still told from the status that was read. */
  readonly statusFirst?: RolloutStatus;
  readonly status: RolloutStatus;
  readonly actions: readonly RolloutAction[];
  readonly events: readonly RolloutEvent[];
  /** Why the pass could not be decided to its end: to be tried again, as what fails is. */
  readonly failure?: string;
  /** Milliseconds from now; absent: nothing is waited for but changes. */
  readonly requeueAfterMs?: number;
}
