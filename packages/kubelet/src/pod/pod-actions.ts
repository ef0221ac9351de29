import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "@tracegate/contracts";
import type { Log } from "@tracegate/controller-runtime";
import {
  type Container,
  isConflict,
  isNotFound,
  Pod,
  type Ref,
  type ResourceClient,
  refKey,
} from "@tracegate/kube";
import type { ImageCatalogue } from "../image-catalogue.ts";
import type { Sandbox } from "../sandbox.ts";
import { readServiceVariables } from "./config-reading.ts";
import type { ConfigSources } from "./environment.ts";
import { containerNamed, type ObservedPod } from "./observed-pod.ts";
import type { PodEvents } from "./pod-events.ts";
import type { PodMemory } from "./pod-memory.ts";
import type { PodObserver } from "./pod-observer.ts";
import { runHook } from "./probe-action.ts";
import { containerProcessSpec, notApplied, podDirectory, podSandboxSpec } from "./process-spec.ts";
import type { PodAction } from "./sync-pod.ts";
import { volumeKind } from "./volume-plan.ts";

export interface PodActionsOptions {
  readonly client: ResourceClient;
  readonly clock: Clock;
  readonly sandbox: Sandbox;
  readonly catalogue: ImageCatalogue;
  readonly stateDir: string;
  readonly log: Log;
}

/** Carries out what a pod's plan says, in its order. */
export class PodActions {
  readonly #options: PodActionsOptions;
  readonly #events: PodEvents;
  readonly #observer: PodObserver;
  readonly #enqueue: (ref: Ref) => void;

  constructor(
    options: PodActionsOptions,
    parts: { events: PodEvents; observer: PodObserver; enqueue: (ref: Ref) => void },
  ) {
    this.#options = options;
    this.#events = parts.events;
    this.#observer = parts.observer;
    this.#enqueue = parts.enqueue;
  }

  /** `again`: something has changed that the next step follows from. `done`: the pod is gone. */
  async carryOut(
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
    const ignored = notApplied(pod, await this.#options.sandbox.enforcement());
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
    const env = this.#observer.environment(
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
      await runHook(hookTarget(this.#options.sandbox, memory, container), hook, {
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
      const hooked = runHook(hookTarget(this.#options.sandbox, memory, container), hook, {
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
}

/** Where a hook or a probe of a container goes. */
export function hookTarget(sandbox: Sandbox, memory: PodMemory, container: Container) {
  return { sandbox, podUid: memory.uid, ip: memory.sandbox?.ip ?? "", container };
}
