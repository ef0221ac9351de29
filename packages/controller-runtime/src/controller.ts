import type { Kind, KubeObject, Ref } from "@tracegate/kube";
import type { Backoff } from "./work-queue.ts";

/**
 * Changes the world towards what one kind of object asks for. Level-triggered and idempotent: `reconcile` reads a
 * snapshot, asks a pure function what follows, and carries that out. It keeps no decision in memory, so the process may
 * die at any instruction and go on from the API's state.
 */
export interface Controller<T extends KubeObject = KubeObject> {
  /** As logs and metrics name it: `rollouts`. */
  readonly name: string;
  /** The kind whose objects are reconciled. */
  readonly kind: Kind<T>;
  /** Other kinds whose changes call for a reconcile of objects of `kind`. */
  readonly watches?: readonly WatchSource[];
  /** How many objects are worked on at once; absent: as the manager says. More is for those that mostly wait for others. */
  readonly concurrency?: number;
  /** Called once, at the start, with a way to ask for reconciles by what no watch tells of (a process that ended). */
  triggeredBy?(enqueue: (ref: Ref) => void): void;
  /** How soon a rejection is tried again, where that is not as said below. */
  readonly backoff?: Partial<Backoff>;
  /**
   * Brings one object a step on. Also called when the object is gone. A rejection is retried with exponential back-off
   * (5 ms doubling to 1000 s, as client-go's work queue); `requeueAfterMs` asks to be called again at that time.
   */
  reconcile(ref: Ref, signal: AbortSignal): Promise<Requeue | undefined>;
}

export interface Requeue {
  readonly requeueAfterMs: number;
}

/** Objects of `kind`, when they change, call for a reconcile of the objects that `map` names. */
export interface WatchSource<T extends KubeObject = KubeObject> {
  readonly kind: Kind<T>;
  /** May look things up; a rejection is tried again in a second. */
  map(object: T): readonly Ref[] | Promise<readonly Ref[]>;
}

/** Maps an object to its controlling owner, where that is of `kind`. */
export function controllerOf(kind: Pick<Kind, "group" | "kind">): (object: KubeObject) => readonly Ref[] {
  return ({ metadata }) => {
    const owner = metadata.ownerReferences?.find((reference) => reference.controller === true);
    if (owner === undefined || owner.kind !== kind.kind) return [];
    if ((owner.apiVersion.includes("/") ? owner.apiVersion.split("/")[0] : "") !== kind.group) return [];
    return [
      { ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }), name: owner.name },
    ];
  };
}
