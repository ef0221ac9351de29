import { AnalysisRun } from "@tracegate/analysis";
import { Informer, type Log, type Scheduler, silentLog } from "@tracegate/controller-runtime";
import { type Kind, type KubeObject, Pod, ReplicaSet, type ResourceClient, refKey } from "@tracegate/kube";
import { Rollout, type RolloutObjects } from "@tracegate/rollouts";

/** All Rollouts of the cluster and what belongs to them, followed as they change. */
export interface World {
  /** Resolves when all is there for the first time. */
  readonly synced: Promise<unknown>;
  /** Of one namespace, or of all. */
  rollouts(namespace: string | undefined): readonly RolloutObjects[];
  /** Tells of what happens until what it returns is called. */
  listen(listener: WorldListener): () => void;
  stop(): void;
}

export interface WorldListener {
  /** Something changed in a namespace. */
  changed(namespace: string): void;
  /** The cluster does not answer, or not to us. What is known is of before; it is tried again. */
  failed(why: string): void;
}

export function followWorld(client: ResourceClient, scheduler: Scheduler): World {
  const listeners = new Set<WorldListener>();
  const log: Log = {
    ...silentLog,
    warn(fields, message) {
      const why = "error" in fields ? `${message}: ${fields.error}` : message;
      for (const listener of listeners) listener.failed(why);
    },
  };
  const follow = <T extends KubeObject>(kind: Kind<T>) => {
    const objects = new Map<string, T>();
    const informer = new Informer({
      client,
      scheduler,
      kind,
      log,
      onChange({ before, after }) {
        const { metadata } = after ?? before ?? {};
        if (metadata === undefined) return;
        // The informer was made for this kind.
        if (after === undefined) objects.delete(refKey(metadata));
        else objects.set(refKey(metadata), after as T);
        for (const listener of listeners) listener.changed(metadata.namespace ?? "");
      },
    });
    informer.start();
    return { objects, informer };
  };
  const [rollouts, sets, pods, runs] = [
    follow(Rollout),
    follow(ReplicaSet),
    follow(Pod),
    follow(AnalysisRun),
  ];
  const informers = [rollouts, sets, pods, runs].map(({ informer }) => informer);
  return {
    synced: Promise.all(informers.map((informer) => informer.synced)),
    rollouts(namespace) {
      const within = <T extends KubeObject>(objects: ReadonlyMap<string, T>): T[] =>
        [...objects.values()].filter(
          ({ metadata }) => namespace === undefined || metadata.namespace === namespace,
        );
      const around = {
        replicaSets: within(sets.objects),
        pods: within(pods.objects),
        analysisRuns: within(runs.objects),
      };
      return within(rollouts.objects)
        .sort((a, b) => (refKey(a.metadata) < refKey(b.metadata) ? -1 : 1))
        .map((rollout) => ({ rollout, ...around }));
    },
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    stop() {
      for (const informer of informers) informer.stop();
    },
  };
}
