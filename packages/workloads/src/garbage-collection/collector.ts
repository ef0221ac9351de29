import {
  type Change,
  Informer,
  type Log,
  type Scheduler,
  silentLog,
  WorkQueue,
} from "@tracegate/controller-runtime";
import {
  CustomResourceDefinition,
  isConflict,
  isNotFound,
  type Kind,
  type OwnerReference,
  type ResourceClient,
} from "@tracegate/kube";
import { builtInKinds, definedKind } from "../served-kinds.ts";
import {
  decide,
  type Node,
  nodeOf,
  type OwnerState,
  Ownership,
  orphansDependents,
  waitsForDependents,
} from "./ownership.ts";

export interface GarbageCollectorOptions {
  readonly client: ResourceClient;
  readonly scheduler: Scheduler;
  readonly log?: Log;
}

export interface GarbageCollector {
  stop(): Promise<void>;
}

/**
 * Deletes what lost its owners and carries out foreground and orphaning deletions. It watches every stored kind, kinds
 * defined later included; no decision rests on what it remembers: owners that seem gone are looked up before anything is deleted.
 */
export function startGarbageCollector(options: GarbageCollectorOptions): GarbageCollector {
  return new Collector(options);
}

class Collector implements GarbageCollector {
  readonly #client: ResourceClient;
  readonly #options: GarbageCollectorOptions;
  readonly #owned = new Ownership();
  readonly #queue: WorkQueue;
  readonly #informers = new Map<string, Informer>();
  readonly #kinds = new Map<string, Kind>();

  constructor(options: GarbageCollectorOptions) {
    const { client, scheduler, log = silentLog } = options;
    this.#client = client;
    this.#options = options;
    this.#queue = new WorkQueue({
      scheduler,
      concurrency: 5,
      backoff: { baseMs: 5, maxMs: 1_000_000 },
      work: async (uid) => {
        try {
          await scheduler.run(() => this.#process(uid));
          this.#queue.forget(uid);
        } catch (error) {
          log.warn({ uid, error: String(error) }, "garbage collection failed");
          this.#queue.addAfterFailure(uid);
        }
      },
    });
    // Events own nothing and are owned by nothing, and there are more of them than of all else.
    for (const kind of builtInKinds()) if (kind.plural !== "events") this.#follow(kind);
  }

  async stop(): Promise<void> {
    for (const informer of this.#informers.values()) informer.stop();
    await this.#queue.stop();
  }

  #follow(kind: Kind): void {
    const name = `${kind.group}/${kind.plural}`;
    if (this.#informers.has(name)) return;
    const { client, scheduler, log = silentLog } = this.#options;
    const onChange = (change: Change) => this.#changed(kind, change);
    const informer = new Informer({ client, scheduler, kind, log, onChange });
    this.#informers.set(name, informer);
    this.#kinds.set(kindName(kind.group, kind.kind), kind);
    informer.start();
  }

  #unfollow(kind: Kind): void {
    const name = `${kind.group}/${kind.plural}`;
    this.#informers.get(name)?.stop();
    this.#informers.delete(name);
    this.#kinds.delete(kindName(kind.group, kind.kind));
  }

  #changed(kind: Kind, { before, after }: Change): void {
    if (kind.plural === CustomResourceDefinition.plural && kind.group === CustomResourceDefinition.group) {
      // The objects of this kind's map are definitions.
      const now = after === undefined ? undefined : definedKind(after as CustomResourceDefinition);
      const was = before === undefined ? undefined : definedKind(before as CustomResourceDefinition);
      if (now !== undefined) this.#follow(now);
      else if (was !== undefined) this.#unfollow(was);
    }
    // A name taken by another object in one step: the former is gone.
    if (before?.metadata.uid !== undefined && before.metadata.uid !== after?.metadata.uid) {
      this.#gone(nodeOf(kind, before));
    }
    if (after === undefined) return;
    const node = nodeOf(kind, after);
    this.#owned.set(node);
    if (node.owners.length > 0 || waitsForDependents(node) || orphansDependents(node))
      this.#queue.add(node.uid);
    if (node.isDeleting) this.#queueAll(node.owners.map(({ uid }) => uid));
  }

  #gone(node: Node): void {
    this.#queueAll(this.#owned.dependentsOf(node.uid).map(({ uid }) => uid));
    this.#owned.remove(node.uid);
    this.#queueAll(node.owners.map(({ uid }) => uid));
  }

  #queueAll(uids: readonly string[]): void {
    for (const uid of uids) this.#queue.add(uid);
  }

  async #process(uid: string): Promise<void> {
    const node = this.#owned.get(uid);
    if (node === undefined) return;
    if (orphansDependents(node)) return this.#orphan(node);
    if (waitsForDependents(node)) return this.#finishForeground(node);
    const owners = await Promise.all(
      node.owners.map(async (owner) => ({ uid: owner.uid, state: await this.#stateOf(node, owner) })),
    );
    const decision = decide(node, owners, this.#owned.dependentsOf(uid).length > 0);
    if (decision.do === "drop-owners") await this.#dropOwners(node, decision.uids);
    if (decision.do === "delete") {
      const { propagationPolicy } = decision;
      await this.#tolerant(() =>
        this.#client.delete(node.kind, node.ref, { propagationPolicy, preconditions: { uid } }),
      );
    }
  }

  async #stateOf(dependent: Node, owner: OwnerReference): Promise<OwnerState> {
    const slash = owner.apiVersion.indexOf("/");
    const group = slash < 0 ? "" : owner.apiVersion.slice(0, slash);
    const kind = this.#kinds.get(kindName(group, owner.kind));
    if (kind === undefined) return "unknown";
    if (kind.namespaced && dependent.ref.namespace === undefined) return "unknown";
    const namespace = kind.namespaced ? dependent.ref.namespace : undefined;
    try {
      const found = await this.#client.get(kind, {
        ...(namespace !== undefined && { namespace }),
        name: owner.name,
      });
      if (found.metadata.uid !== owner.uid) return "gone";
      return waitsForDependents(nodeOf(kind, found)) ? "waiting" : "alive";
    } catch (error) {
      if (isNotFound(error)) return "gone";
      throw error;
    }
  }

  /** Every dependent loses its reference to the owner before the owner may go. */
  async #orphan(node: Node): Promise<void> {
    for (const dependent of this.#owned.dependentsOf(node.uid)) await this.#dropOwners(dependent, [node.uid]);
    await this.#removeFinalizer(node, "orphan");
  }

  async #finishForeground(node: Node): Promise<void> {
    const dependents = this.#owned.dependentsOf(node.uid);
    this.#queueAll(dependents.filter(({ isDeleting }) => !isDeleting).map(({ uid }) => uid));
    const blocking = dependents.some(({ owners }) =>
      owners.some((owner) => owner.uid === node.uid && owner.blockOwnerDeletion === true),
    );
    if (!blocking) await this.#removeFinalizer(node, "foregroundDeletion");
  }

  async #dropOwners(node: Node, uids: readonly string[]): Promise<void> {
    await this.#tolerant(async () => {
      const { metadata } = await this.#client.get(node.kind, node.ref);
      if (metadata.uid !== node.uid) return;
      const left = (metadata.ownerReferences ?? []).filter((owner) => !uids.includes(owner.uid));
      const { uid, resourceVersion } = metadata;
      const body = { metadata: { uid, resourceVersion, ownerReferences: left.length > 0 ? left : null } };
      await this.#client.patch(node.kind, node.ref, { type: "merge", body });
    });
  }

  async #removeFinalizer(node: Node, finalizer: string): Promise<void> {
    await this.#tolerant(async () => {
      const { metadata } = await this.#client.get(node.kind, node.ref);
      if (metadata.uid !== node.uid || !metadata.finalizers?.includes(finalizer)) return;
      const left = metadata.finalizers.filter((name) => name !== finalizer);
      const { uid, resourceVersion } = metadata;
      const body = { metadata: { uid, resourceVersion, finalizers: left.length > 0 ? left : null } };
      await this.#client.patch(node.kind, node.ref, { type: "merge", body });
    });
  }

  /** An object that is gone, or is another now, needs nothing more; a stale version is tried again. */
  async #tolerant(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (isNotFound(error)) return;
      if (isConflict(error)) throw new Error("the object has changed meanwhile", { cause: error });
      throw error;
    }
  }
}

const kindName = (group: string, kind: string) => `${group}/${kind}`;
