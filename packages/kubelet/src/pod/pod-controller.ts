import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "@tracegate/contracts";
import type { Controller, EventRecorder, Log, Requeue } from "@tracegate/controller-runtime";
import {
  ConfigMap,
  type Container,
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
import type { Sandbox } from "../sandbox.ts";
import { readConfigSources, readServiceVariables } from "./config-reading.ts";
import { ConfigError, type ConfigSources, containerEnvironment, type PodFacts } from "./environment.ts";
import { containerNamed, type ObservedPod } from "./observed-pod.ts";
import { PodEvents } from "./pod-events.ts";
import { type PodMemory, rememberPod, takeSandboxState } from "./pod-memory.ts";
import { runHook, runProbe } from "./probe-action.ts";
import { type ProbeKind, probeOf } from "./probe-state.ts";
import { Prober } from "./prober.ts";
import { containerProcessSpec, notApplied, podDirectory, podSandboxSpec } from "./process-spec.ts";
import { type PodAction, syncPod } from "./sync-pod.ts";
import { referredConfig, type TokenSource, volumeFiles, volumeKind } from "./volume-plan.ts";

export interface PodControllerOptions {
  readonly client: ResourceClient;
  readonly clock: Clock;
  readonly events: EventRecorder;
  readonly sandbox: Sandbox;
  readonly catalogue: ImageCatalogue;
  readonly logs: LogReader;
  readonly stateDir: string;
  readonly node: {
    readonly name: string;
    readonly ip: string;
    readonly allocatable: { readonly cpu: string; readonly memory: string };
  };
  readonly tokens?: TokenSource;
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
  readonly #events: PodEvents;
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
    this.#events = new PodEvents(options.events);
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
    for (let step = 0; step < maxStepsAtOnce && !signal.aborted; step += 1) {
      const { sources, observed } = await this.#observe(pod, memory);
      const plan = syncPod(pod, observed, this.#options.clock.now());
      const written = await this.#writeStatus(pod, plan.status);
      if (written === undefined) return { requeueAfterMs: 0 };
      pod = written;
      const steps = await this.#carryOut(pod, memory, plan.actions, sources, observed);
      this.#mindProbes(pod, memory);
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

  async #observe(pod: Pod, memory: PodMemory): Promise<{ observed: ObservedPod; sources: ConfigSources }> {
    const { catalogue, node } = this.#options;
    const sources = await readConfigSources(this.#options.client, pod);
    const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
    const ending = pod.metadata.deletionTimestamp !== undefined;
    const volumeProblem =
      memory.sandbox === undefined || ending ? undefined : await this.#syncVolumes(pod, memory, sources);
    const configProblems = new Map<string, string>();
    for (const container of containers) {
      try {
        if (memory.sandbox?.containers.get(container.name)?.state !== "running")
          this.#environment(pod, container, memory, sources, {});
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        configProblems.set(container.name, error.message);
      }
    }
    return {
      sources,
      observed: {
        ...(memory.sandbox === undefined ? {} : { sandbox: this.#withLogTails(pod, memory.sandbox) }),
        ...(volumeProblem === undefined ? {} : { volumeProblem }),
        images: new Map(containers.map(({ name, image }) => [name, catalogue.lookUp(image)])),
        configProblems,
        probes: new Map([...memory.probers].map(([name, prober]) => [name, prober.state])),
        restarts: memory.restarts,
        pulls: memory.pulls,
        hostIP: node.ip,
      },
    };
  }

  /** `FallbackToLogsOnError`: the end of the log stands in for a message that was not left. */
  #withLogTails(pod: Pod, sandbox: NonNullable<PodMemory["sandbox"]>): NonNullable<ObservedPod["sandbox"]> {
    const containers = new Map(sandbox.containers);
    for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
      const run = containers.get(container.name);
      if (container.terminationMessagePolicy !== "FallbackToLogsOnError" || run?.state !== "exited") continue;
      if (run.exitCode === 0 || run.terminationMessage !== undefined) continue;
      const tail = this.#options.logs.tailText(pod, container.name, run.attempt, { lines: 80, bytes: 2048 });
      if (tail !== "") containers.set(container.name, { ...run, terminationMessage: tail });
    }
    return { ip: sandbox.ip, containers };
  }

  /** Writes what has changed; the words of the first problem, if there is one. */
  async #syncVolumes(pod: Pod, memory: PodMemory, sources: ConfigSources): Promise<string | undefined> {
    const { sandbox, tokens } = this.#options;
    for (const volume of pod.spec.volumes ?? []) {
      try {
        if (volumeKind(volume) !== "files") continue;
        // A token is good for long after it was written once; a new one every time would be a change every time.
        const hasToken = volume.projected?.sources?.some(
          (source) => source.serviceAccountToken !== undefined,
        );
        if (hasToken && memory.volumeTexts.has(volume.name)) continue;
        const files = await volumeFiles(pod, volume, this.#facts(memory), sources, tokens);
        const text = JSON.stringify(files);
        if (memory.volumeTexts.get(volume.name) === text) continue;
        await sandbox.writeVolume(memory.uid, volume.name, files);
        memory.volumeTexts.set(volume.name, text);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        const message = `MountVolume.SetUp failed for volume "${volume.name}" : ${error.message}`;
        this.#events.warnOnce(pod, memory, "FailedMount", message);
        return message;
      }
    }
    return undefined;
  }

  #facts(memory: PodMemory): PodFacts {
    const { node } = this.#options;
    return {
      podIP: memory.sandbox?.ip ?? "",
      hostIP: node.ip,
      nodeName: node.name,
      allocatable: node.allocatable,
    };
  }

  #environment(
    pod: Pod,
    container: Container,
    memory: PodMemory,
    sources: ConfigSources,
    serviceEnv: Record<string, string>,
  ): Record<string, string> {
    const lookup = this.#options.catalogue.lookUp(container.image);
    const imageEnv = "image" in lookup ? lookup.image.env : {};
    return containerEnvironment({
      pod,
      container,
      facts: this.#facts(memory),
      sources,
      imageEnv,
      serviceEnv,
    });
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

  /** `again`: something has changed that the next step follows from. `done`: the pod is gone. */
  async #carryOut(
    pod: Pod,
    memory: PodMemory,
    actions: readonly PodAction[],
    sources: ConfigSources,
    observed: ObservedPod,
  ): Promise<"again" | "wait" | "done"> {
    const { sandbox, clock } = this.#options;
    let outcome: "again" | "wait" = "wait";
    for (const action of actions) {
      switch (action.type) {
        case "startSandbox":
          await this.#startSandbox(pod, memory);
          outcome = "again";
          break;
        case "startContainer":
          await this.#startContainer(pod, memory, action, sources);
          outcome = "again";
          break;
        case "failPull":
          memory.pulls.set(action.container, { failedAt: clock.now(), backOff: action.backOff });
          this.#events.pullFailed(pod, containerNamed(pod, action.container), action.message);
          break;
        case "stopContainer":
          await this.#stopContainer(pod, memory, action, observed);
          break;
        case "event":
          this.#events.tell(pod, action.eventType, action.reason, action.message, action.container);
          break;
        case "removeSandbox":
          for (const prober of memory.probers.values()) prober.stop();
          await sandbox.removePod(memory.uid);
          delete memory.sandbox;
          break;
        case "deletePod":
          await this.#deletePod(pod);
          return "done";
      }
    }
    return outcome;
  }

  async #startSandbox(pod: Pod, memory: PodMemory): Promise<void> {
    const volumes = (pod.spec.volumes ?? []).filter((volume) => {
      try {
        return volumeKind(volume);
      } catch {
        return false;
      }
    });
    const spec = podSandboxSpec({ ...pod, spec: { ...pod.spec, volumes } }, this.#options.stateDir);
    try {
      const { ip } = await this.#options.sandbox.startPod(spec);
      memory.sandbox = { ip, containers: new Map() };
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      this.#events.warnOnce(pod, memory, "FailedCreatePodSandBox", `Failed to create pod sandbox: ${words}`);
      throw error;
    }
    const ignored = notApplied(pod);
    if (ignored.length > 0) {
      this.#events.warnOnce(pod, memory, "NotApplied", `This node does not apply: ${ignored.join("; ")}`);
    }
  }

  async #startContainer(
    pod: Pod,
    memory: PodMemory,
    { container: name, attempt, backOff }: Extract<PodAction, { type: "startContainer" }>,
    sources: ConfigSources,
  ): Promise<void> {
    const { catalogue, sandbox, stateDir } = this.#options;
    const container = containerNamed(pod, name);
    const lookup = catalogue.lookUp(container.image);
    if (!("image" in lookup)) return;
    if (backOff !== undefined) memory.restarts.set(name, backOff);
    const env = this.#environment(
      pod,
      container,
      memory,
      sources,
      await readServiceVariables(this.#options.client, pod),
    );
    this.#events.pulled(pod, container);
    this.#events.tell(pod, "Normal", "Created", `Created container: ${name}`, name);
    const spec = containerProcessSpec({ pod, container, attempt, image: lookup.image, env, stateDir });
    // Seen by the next step even if the sandbox's own word comes later.
    memory.sandbox?.containers.set(name, {
      name,
      attempt,
      state: "starting",
      startedAt: this.#options.clock.now(),
    });
    const { startError } = await sandbox.startContainer(spec).catch((error) => {
      memory.sandbox?.containers.delete(name);
      throw error;
    });
    if (startError === undefined)
      this.#events.tell(pod, "Normal", "Started", `Started container ${name}`, name);
    else
      this.#events.tell(
        pod,
        "Warning",
        "Failed",
        `Error: failed to start container "${name}": ${startError}`,
        name,
      );
    rmSync(join(podDirectory(stateDir, pod), name, `${attempt - 2}.log`), { force: true });
    rmSync(join(podDirectory(stateDir, pod), name, `${attempt - 2}.log.1`), { force: true });
    await this.#runPostStart(pod, memory, container);
  }

  async #runPostStart(pod: Pod, memory: PodMemory, container: Container): Promise<void> {
    const hook = container.lifecycle?.postStart;
    if (hook === undefined || memory.sandbox === undefined) return;
    try {
      await runHook(this.#target(memory, container), hook, {
        timeoutMs: 600_000,
        sleep: (ms) => this.#options.clock.after(ms),
      });
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      this.#events.tell(
        pod,
        "Warning",
        "FailedPostStartHook",
        `PostStartHook failed: ${words}`,
        container.name,
      );
      await this.#options.sandbox.stopContainer(memory.uid, container.name, 2000);
    }
  }

  #target(memory: PodMemory, container: Container) {
    return { sandbox: this.#options.sandbox, podUid: memory.uid, ip: memory.sandbox?.ip ?? "", container };
  }

  /** The preStop hook runs within the grace; what it leaves of it, but at least 2 s, is the program's. */
  async #stopContainer(
    pod: Pod,
    memory: PodMemory,
    { container: name, graceSeconds, message }: Extract<PodAction, { type: "stopContainer" }>,
    observed: ObservedPod,
  ): Promise<void> {
    const { sandbox, clock } = this.#options;
    const run = observed.sandbox?.containers.get(name);
    const key = `${name}/${run?.attempt}`;
    if (memory.stopping.has(key)) return;
    memory.stopping.add(key);
    this.#events.tell(pod, "Normal", "Killing", message, name);
    const container = containerNamed(pod, name);
    const hook = container.lifecycle?.preStop;
    const graceMs = graceSeconds * 1000;
    if (hook === undefined || run?.state !== "running" || graceMs === 0) {
      return sandbox.stopContainer(memory.uid, name, graceMs);
    }
    const began = clock.now();
    const end = async () => {
      const hooked = runHook(this.#target(memory, container), hook, {
        timeoutMs: graceMs,
        sleep: (ms) => clock.after(ms),
      });
      await Promise.race([hooked, clock.after(graceMs)]).catch((error) => {
        const words = error instanceof Error ? error.message : String(error);
        this.#events.tell(pod, "Warning", "FailedPreStopHook", `PreStopHook failed: ${words}`, name);
      });
      await sandbox.stopContainer(memory.uid, name, Math.max(2000, graceMs - (clock.now() - began)));
    };
    end().catch((error) => {
      memory.stopping.delete(key);
      this.#options.log.warn({ pod: refKey(memory.ref), error: String(error) }, "container not stopped");
      this.#enqueue(memory.ref);
    });
  }

  async #deletePod(pod: Pod): Promise<void> {
    const { uid, namespace, name } = pod.metadata;
    try {
      await this.#options.client.delete(
        Pod,
        { ...(namespace === undefined ? {} : { namespace }), name },
        { gracePeriodSeconds: 0, ...(uid === undefined ? {} : { preconditions: { uid } }) },
      );
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  #mindProbes(pod: Pod, memory: PodMemory): void {
    for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
      const run = memory.sandbox?.containers.get(container.name);
      const prober = memory.probers.get(container.name);
      const isUp = run?.state === "running" && run.stoppingSince === undefined;
      if (!isUp) prober?.stop();
      else if (prober?.attempt !== run.attempt) {
        prober?.stop();
        memory.probers.set(container.name, this.#prober(pod, memory, container, run));
      }
    }
  }

  #prober(
    pod: Pod,
    memory: PodMemory,
    container: Container,
    run: { attempt: number; startedAt: number },
  ): Prober {
    const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
    const reported = statuses.find(({ name }) => name === container.name);
    const isSame = reported?.restartCount === run.attempt && reported.state?.running !== undefined;
    const describe = (kind: ProbeKind) => `${kind[0]?.toUpperCase()}${kind.slice(1)} probe failed: `;
    return new Prober({
      container,
      attempt: run.attempt,
      startedAt: run.startedAt,
      clock: this.#options.clock,
      ...(isSame && reported.ready ? { known: { started: true, ready: true } } : {}),
      run: async (kind) => {
        const probe = probeOf(container, kind);
        if (probe === undefined) throw new Error("missing probe handler");
        return runProbe(this.#target(memory, container), probe);
      },
      onChange: () => this.#enqueue(memory.ref),
      onFailure: (kind, output) =>
        this.#events.tell(pod, "Warning", "Unhealthy", `${describe(kind)}${output}`, container.name),
    });
  }
}
