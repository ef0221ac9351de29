import type { Container, Pod, ResourceClient } from "@tracegate/kube";
import type { ImageCatalogue } from "../image-catalogue.ts";
import type { LogReader } from "../logs/log-reader.ts";
import type { NodeFacts } from "../node-object.ts";
import type { Sandbox } from "../sandbox.ts";
import { readConfigSources } from "./config-reading.ts";
import { ConfigError, type ConfigSources, containerEnvironment, type PodFacts } from "./environment.ts";
import { refuseHostCommands, refuseLoadedCode } from "./host-commands.ts";
import type { ObservedPod } from "./observed-pod.ts";
import type { PodEvents } from "./pod-events.ts";
import type { PodMemory } from "./pod-memory.ts";
import { type TokenSource, volumeFiles, volumeKind } from "./volume-plan.ts";

export interface PodObserverOptions {
  readonly client: ResourceClient;
  readonly sandbox: Sandbox;
  readonly catalogue: ImageCatalogue;
  readonly logs: LogReader;
  readonly node: NodeFacts;
  readonly tokens?: TokenSource;
  readonly allowHostCommands: boolean;
}

/** Gathers what a pod's plan is made from, and keeps its volumes in step with what they are made from. */
export class PodObserver {
  readonly #options: PodObserverOptions;
  readonly #events: PodEvents;

  constructor(options: PodObserverOptions, events: PodEvents) {
    this.#options = options;
    this.#events = events;
  }

  async observe(pod: Pod, memory: PodMemory): Promise<{ observed: ObservedPod; sources: ConfigSources }> {
    const { catalogue, node } = this.#options;
    const sources = await readConfigSources(this.#options.client, pod);
    const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
    const ending = pod.metadata.deletionTimestamp !== undefined;
    const volumeProblem =
      memory.sandbox === undefined || ending ? undefined : await this.#syncVolumes(pod, memory, sources);
    const configProblems = new Map<string, string>();
    for (const container of containers) {
      try {
        const { allowHostCommands } = this.#options;
        if (!allowHostCommands) refuseHostCommands(container);
        if (memory.sandbox?.containers.get(container.name)?.state === "running") continue;
        const env = this.environment(pod, container, memory, sources, {});
        if (!allowHostCommands) refuseLoadedCode(env, this.#imageEnv(container));
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

  /** What the container is started with. Throws `ConfigError` where something it refers to is missing. */
  environment(
    pod: Pod,
    container: Container,
    memory: PodMemory,
    sources: ConfigSources,
    serviceEnv: Record<string, string>,
  ): Record<string, string> {
    return containerEnvironment({
      pod,
      container,
      facts: this.#facts(memory),
      sources,
      imageEnv: this.#imageEnv(container),
      serviceEnv,
    });
  }

  #imageEnv({ image }: Container): Readonly<Record<string, string>> {
    const lookup = this.#options.catalogue.lookUp(image);
    return "image" in lookup ? lookup.image.env : {};
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
}
