import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "@tracegate/contracts";
import type { Controller, EventRecorder, Log, Requeue } from "@tracegate/controller-runtime";
import {
  ConfigMap,
  isConflict,
  isNotFound,
  jsonEqual,
  type KubeObject,
  Pod,
  type PodStatus,
  type Ref,
  type ResourceClient,
  refKey,
  Secret,
} from "@tracegate/kube";
import type { ImageCatalogue } from "../image-catalogue.ts";
import type { LogReader } from "../logs/log-reader.ts";
import type { NodeFacts } from "../node-object.ts";
import type { Sandbox } from "../sandbox.ts";
import { PodActions } from "./pod-actions.ts";
import { PodEvents } from "./pod-events.ts";
import { type PodMemory, rememberPod, takeSandboxState } from "./pod-memory.ts";
import { PodObserver } from "./pod-observer.ts";
import { PodProbing } from "./pod-probing.ts";
import { podDirectory } from "./process-spec.ts";
import { syncPod } from "./sync-pod.ts";
import { referredConfig, type TokenSource } from "./volume-plan.ts";

export interface PodControllerOptions {
  readonly client: ResourceClient;
  readonly clock: Clock;
  readonly events: EventRecorder;
  readonly sandbox: Sandbox;
  readonly catalogue: ImageCatalogue;
  readonly logs: LogReader;
  readonly stateDir: string;
  readonly node: NodeFacts;
  readonly tokens?: TokenSource;
  readonly allowHostCommands: boolean;
  readonly log: Log;
}

/** A pod takes a few steps at once (sandbox, init containers, containers); more than this is a loop gone wrong. */
const maxStepsAtOnce = 50;

/** Makes the pods of this node run, and reports how they do. */
export function podController(options: PodControllerOptions): Controller<Pod> & PodDirectory {
  return new PodController(options);
}

/** Where the rest of the node finds its pods. */
export interface PodDirectory {
  /** Stops probing; the pods themselves go on. */
  stop(): void;
}

class PodController implements Controller<Pod>, PodDirectory {
  readonly name = "kubelet";
  readonly kind = Pod;
  readonly watches = [
    { kind: ConfigMap, map: (object: KubeObject) => this.#podsThatUse("configMaps", object) },
    { kind: Secret, map: (object: KubeObject) => this.#podsThatUse("secrets", object) },
  ];
  readonly #options: PodControllerOptions;
  readonly #observer: PodObserver;
  readonly #actions: PodActions;
  readonly #probing: PodProbing;
  readonly #memories = new Map<string, PodMemory>();
  /** Pods by what they refer to, to know whom a changed ConfigMap concerns. */
  readonly #references = new Map<
    string,
    { configMaps: Set<string>; secrets: Set<string>; namespace: string; ref: Ref }
  >();
  #enqueue: (ref: Ref) => void = () => {};
  #attached: Promise<void> | undefined;

  constructor(options: PodControllerOptions) {
    this.#options = options;
    const events = new PodEvents(options.events);
    const enqueue = (ref: Ref) => this.#enqueue(ref);
    this.#observer = new PodObserver(options, events);
    this.#actions = new PodActions(options, { events, observer: this.#observer, enqueue });
    this.#probing = new PodProbing({ sandbox: options.sandbox, clock: options.clock, events, enqueue });
    options.sandbox.onChange((change) => {
      if (change === undefined) {
        this.#attached = undefined;
        for (const { ref } of this.#memories.values()) this.#enqueue(ref);
        return;
      }
      const memory = this.#memories.get(change.podUid);
      memory?.sandbox?.containers.set(change.container.name, change.container);
      if (memory !== undefined) this.#enqueue(memory.ref);
    });
  }

  triggeredBy(enqueue: (ref: Ref) => void): void {
    this.#enqueue = enqueue;
    this.#attach().catch((error) =>
      this.#options.log.warn({ error: String(error) }, "the sandbox does not answer"),
    );
  }

  stop(): void {
    for (const memory of this.#memories.values()) for (const prober of memory.probers.values()) prober.stop();
  }

  #podsThatUse(what: "configMaps" | "secrets", { metadata }: KubeObject): Ref[] {
    return [...this.#references.values()]
      .filter((entry) => entry.namespace === metadata.namespace && entry[what].has(metadata.name))
      .map(({ ref }) => ref);
  }

  /** Learns what runs already, after a start of the control plane or of a new agent. */
  #attach(): Promise<void> {
    this.#attached ??= this.#readSandbox().catch((error) => {
      this.#attached = undefined;
      throw error;
    });
    return this.#attached;
  }

  async #readSandbox(): Promise<void> {
    const states = new Map((await this.#options.sandbox.list()).map((state) => [state.uid, state]));
    for (const memory of this.#memories.values()) {
      takeSandboxState(memory, states.get(memory.uid));
      memory.volumeTexts.clear();
      memory.stopping.clear();
    }
    for (const state of states.values()) {
      if (!this.#memories.has(state.uid)) {
        const memory = rememberPod({ namespace: state.namespace, name: state.name }, state.uid);
        takeSandboxState(memory, state);
        this.#memories.set(state.uid, memory);
      }
    }
    await this.#removeLeftDirectories(states);
    for (const { ref } of this.#memories.values()) this.#enqueue(ref);
  }

  /** Logs and disk volumes of pods that neither run nor exist any more. */
  async #removeLeftDirectories(states: ReadonlyMap<string, unknown>): Promise<void> {
    const { client, stateDir } = this.#options;
    const pods = await client.list(Pod);
    const known = new Set([...states.keys(), ...pods.items.map(({ metadata }) => metadata.uid ?? "")]);
    const root = join(stateDir, "pods");
    let names: string[] = [];
    try {
      names = readdirSync(root);
    } catch {
      return;
    }
    for (const name of names) {
      const uid = name.split("_").at(-1) ?? "";
      if (!known.has(uid)) rmSync(join(root, name), { recursive: true, force: true });
    }
  }

  async reconcile(ref: Ref, signal: AbortSignal): Promise<Requeue | undefined> {
    await this.#attach();
    let pod = await this.#read(ref);
    for (const memory of [...this.#memories.values()]) {
      if (refKey(memory.ref) === refKey(ref) && memory.uid !== pod?.metadata.uid) await this.#forget(memory);
    }
    if (pod === undefined || pod.spec.nodeName !== this.#options.node.name) return undefined;
    const memory = this.#remember(ref, pod);
    // What an earlier control plane has found holds until it is found otherwise: before a status without it is written.
    this.#probing.keepUp(pod, memory);
    for (let step = 0; step < maxStepsAtOnce && !signal.aborted; step += 1) {
      const { sources, observed } = await this.#observer.observe(pod, memory);
      const plan = syncPod(pod, observed, this.#options.clock.now());
      const written = await this.#writeStatus(pod, plan.status);
      if (written === undefined) return { requeueAfterMs: 0 };
      pod = written;
      const steps = await this.#actions.carryOut(pod, memory, plan.actions, sources, observed);
      this.#probing.keepUp(pod, memory);
      if (steps === "done") return undefined;
      if (steps === "wait") {
        return plan.again === undefined
          ? undefined
          : { requeueAfterMs: Math.max(0, plan.again - this.#options.clock.now()) };
      }
    }
    return { requeueAfterMs: 1000 };
  }

  async #read(ref: Ref): Promise<Pod | undefined> {
    try {
      return await this.#options.client.get(Pod, ref);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #remember(ref: Ref, pod: Pod): PodMemory {
    const uid = pod.metadata.uid ?? "";
    let memory = this.#memories.get(uid);
    if (memory === undefined) {
      memory = rememberPod(ref, uid);
      this.#memories.set(uid, memory);
    }
    if (!this.#references.has(uid)) {
      this.#references.set(uid, { ...referredConfig(pod), namespace: pod.metadata.namespace ?? "", ref });
    }
    return memory;
  }

  /** The object is gone: so is everything else of it. */
  async #forget(memory: PodMemory): Promise<void> {
    for (const prober of memory.probers.values()) prober.stop();
    await this.#options.sandbox.removePod(memory.uid);
    rmSync(podDirectory(this.#options.stateDir, { metadata: { ...memory.ref, uid: memory.uid } }), {
      recursive: true,
      force: true,
    });
    this.#memories.delete(memory.uid);
    this.#references.delete(memory.uid);
  }

  /** Undefined when the object has changed in the meantime: look again. */
  async #writeStatus(pod: Pod, status: PodStatus): Promise<Pod | undefined> {
    if (jsonEqual(pod.status ?? {}, status)) return pod;
    try {
      return await this.#options.client.update(Pod, { ...pod, status }, { subresource: "status" });
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) return undefined;
      throw error;
    }
  }
}
