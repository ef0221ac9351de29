import { mkdirSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { constants } from "node:os";
import { join } from "node:path";
import type { Clock } from "@tracegate/contracts";
import type { Enforcement } from "../cgroup/cgroup-plan.ts";
import type { ContainerCgroup, ContainerCgroups } from "../cgroup/container-cgroups.ts";
import { readTerminationMessage } from "./container.ts";
import { ContainerStreams } from "./container-streams.ts";
import { defaultPath } from "./default-path.ts";
import { type LogWriter, openLog } from "./log-writer.ts";
import { MemoryWatch, residentHere } from "./memory-watch.ts";
import type { InnerProcess, PodRuntime, RuntimePod, StartedContainer } from "./pod-runtime.ts";
import type {
  AttachRequest,
  ContainerProcessSpec,
  ContainerProcessState,
  ExecRequest,
  PodSandboxSpec,
  PodSandboxState,
  VolumeFile,
} from "./protocol.ts";
import { replaceVolumeFiles } from "./volume-files.ts";

interface Pod extends RuntimePod {
  readonly containers: Map<string, Container>;
}

interface Container {
  readonly spec: ContainerProcessSpec;
  state: ContainerProcessState;
  readonly root: string;
  started?: StartedContainer;
  streams?: ContainerStreams;
  pid: number;
  killAt?: AbortController;
  killDeadline?: number;
  endMemoryWatch?: () => void;
  cgroup?: ContainerCgroup;
  /** It was over its memory limit, and killed for it. */
  wasOverLimit: boolean;
  readonly exited: Promise<void>;
}

const killedExitCode = 128 + constants.signals.SIGKILL;

const wasOutOfMemory = ({ wasOverLimit, cgroup }: Container): boolean =>
  wasOverLimit || cgroup?.wasKilledForMemory() === true;

/** Every pod of the node, and all that is done to them. */
export class Pods {
  readonly #runtime: PodRuntime;
  readonly #mountPoint: string;
  readonly #clock: Clock;
  readonly #logBytes: number;
  readonly #nowNs: () => bigint;
  readonly #onChange: (podUid: string, state: ContainerProcessState) => void;
  readonly #memoryWatch: MemoryWatch;
  readonly #cgroups: ContainerCgroups;
  readonly #pods = new Map<string, Promise<Pod>>();
  readonly #addresses = new Set<string>();
  #nextAddress = 0;

  constructor(options: {
    runtime: PodRuntime;
    cgroups: ContainerCgroups;
    mountPoint: string;
    clock: Clock;
    logBytes: number;
    nowNs: () => bigint;
    onChange: (podUid: string, state: ContainerProcessState) => void;
  }) {
    this.#runtime = options.runtime;
    this.#cgroups = options.cgroups;
    this.#mountPoint = options.mountPoint;
    this.#clock = options.clock;
    this.#logBytes = options.logBytes;
    this.#nowNs = options.nowNs;
    this.#onChange = options.onChange;
    const { runtime } = options;
    this.#memoryWatch = new MemoryWatch(
      residentHere((pid) => runtime.processSetOf(pid)),
      options.clock,
    );
  }

  /** Idempotent: the same pod keeps its address. */
  async start(spec: PodSandboxSpec): Promise<{ ip: string }> {
    const known = this.#pods.get(spec.uid);
    if (known !== undefined) return { ip: (await known).ip };
    const made = this.#make(spec);
    this.#pods.set(spec.uid, made);
    try {
      return { ip: (await made).ip };
    } catch (error) {
      this.#pods.delete(spec.uid);
      throw error;
    }
  }

  async #make(spec: PodSandboxSpec): Promise<Pod> {
    const ip = this.#takeAddress();
    const directory = join(this.#mountPoint, spec.uid);
    const volumes = new Map<string, string>();
    for (const name of spec.memoryVolumes) volumes.set(name, join(directory, "volumes", name));
    for (const [name, path] of Object.entries(spec.diskVolumes)) volumes.set(name, path);
    const pod = { spec, ip, directory, volumes, containers: new Map() };
    try {
      await this.#runtime.makePod(pod);
      return pod;
    } catch (error) {
      this.#addresses.delete(ip);
      throw error;
    }
  }

  #takeAddress(): string {
    for (let tries = 0; tries < this.#runtime.podAddressCount; tries += 1) {
      const ip = this.#runtime.podAddress(this.#nextAddress++);
      if (this.#addresses.has(ip)) continue;
      this.#addresses.add(ip);
      return ip;
    }
    throw new Error("no pod address is left");
  }

  async startContainer(spec: ContainerProcessSpec): Promise<{ startError?: string }> {
    const pod = await this.#pod(spec.podUid);
    const before = pod.containers.get(spec.name);
    if (before !== undefined) {
      if (before.state.state !== "exited" || before.spec.attempt >= spec.attempt) return {};
      rmSync(before.root, { recursive: true, force: true });
    }
    const place = join(pod.directory, "containers", `${spec.name}.${spec.attempt}`);
    mkdirSync(place, { recursive: true });
    const terminationFile = join(place, "termination-log");
    const { hostname } = pod.spec;
    let exit: () => void = () => {};
    const container: Container = {
      spec: { ...spec, env: { PATH: defaultPath, HOME: "/root", HOSTNAME: hostname, ...spec.env } },
      state: { name: spec.name, attempt: spec.attempt, state: "starting", startedAt: this.#clock.now() },
      root: place,
      pid: 0,
      wasOverLimit: false,
      exited: new Promise((resolve) => {
        exit = resolve;
      }),
    };
    pod.containers.set(spec.name, container);
    const end = (changes: Partial<ContainerProcessState>) => {
      container.killAt?.abort();
      container.endMemoryWatch?.();
      this.#change(pod, container, { state: "exited", finishedAt: this.#clock.now(), ...changes });
      if (container.cgroup === undefined) exit();
      else container.cgroup.remove().then(exit, exit);
    };
    let log: LogWriter | undefined;
    const openOwnLog = () => {
      log = openLog(spec.logFile, { maxBytes: this.#logBytes, now: this.#nowNs });
      return log;
    };
    let started: StartedContainer;
    try {
      const cgroup = this.#cgroups.make(`${spec.podUid}.${spec.name}.${spec.attempt}`, {
        ...(spec.memoryLimitBytes === undefined ? {} : { memoryBytes: spec.memoryLimitBytes }),
        ...(spec.cpuLimitMillis === undefined ? {} : { cpuMillis: spec.cpuLimitMillis }),
        ...(spec.cpuRequestMillis === undefined ? {} : { cpuRequestMillis: spec.cpuRequestMillis }),
      });
      if (cgroup !== undefined) container.cgroup = cgroup;
      started = this.#runtime.startContainer({
        ...{ pod, spec: container.spec, place, terminationFile },
        ...(cgroup === undefined ? {} : { cgroupProcesses: cgroup.processes }),
        log: openOwnLog,
      });
    } catch (error) {
      const startError = error instanceof Error ? error.message : String(error);
      log?.close();
      end({ exitCode: 128, startError });
      return { startError };
    }
    container.started = started;
    container.streams = new ContainerStreams(started.program, {
      stdinOnce: spec.stdinOnce,
      clock: this.#clock,
    });
    // What has left its process group would hold the pipes that `close` waits for.
    started.program.child.once("exit", () => container.cgroup?.kill());
    void started.program.closed.then(async ({ code, signal }) => {
      log?.close();
      const outcome = await started.started;
      const terminationMessage = readTerminationMessage(terminationFile);
      const number = signal === null ? undefined : constants.signals[signal];
      const exitCode = number === undefined ? (code ?? 255) : 128 + number;
      end({
        exitCode,
        // Else it ended by itself just before.
        ...(exitCode === killedExitCode && wasOutOfMemory(container) ? { oomKilled: true } : {}),
        ...(terminationMessage === "" ? {} : { terminationMessage }),
        ...("startError" in outcome ? { startError: outcome.startError } : {}),
      });
    });
    const outcome = await started.started;
    if ("startError" in outcome) {
      if (started.program.child.pid === undefined) {
        log?.close();
        end({ exitCode: 128, startError: outcome.startError });
      }
      return outcome;
    }
    container.pid = outcome.pid;
    if (container.state.state === "starting") this.#change(pod, container, { state: "running" });
    if (container.state.state === "running") this.#watchMemory(container);
    // Asked to end before there was a process to tell.
    if (container.state.stoppingSince !== undefined) this.#signal(container, "SIGTERM");
    return {};
  }

  #watchMemory(container: Container): void {
    if (this.#cgroups.enforcement.memory === "cgroup") return;
    const { memoryLimitBytes: limitBytes } = container.spec;
    const processSet = limitBytes === undefined ? undefined : this.#runtime.processSetOf(container.pid);
    if (limitBytes === undefined || processSet === undefined) return;
    const onExceeded = () => {
      container.wasOverLimit = true;
      this.#kill(container);
    };
    container.endMemoryWatch = this.#memoryWatch.add({ processSet, limitBytes, onExceeded });
  }

  async stopContainer(podUid: string, name: string, graceMs: number): Promise<void> {
    const pod = await this.#pod(podUid);
    const container = pod.containers.get(name);
    if (container === undefined || container.state.state === "exited") return;
    const deadline = this.#clock.now() + graceMs;
    if (container.state.stoppingSince === undefined) {
      this.#change(pod, container, { stoppingSince: this.#clock.now() });
      if (graceMs > 0) this.#signal(container, "SIGTERM");
    } else if (container.killDeadline !== undefined && container.killDeadline <= deadline) return;
    container.killDeadline = deadline;
    container.killAt?.abort();
    const alarm = new AbortController();
    container.killAt = alarm;
    if (graceMs <= 0) return this.#kill(container);
    this.#clock.after(graceMs, alarm.signal).then(
      () => this.#kill(container),
      () => {},
    );
  }

  #signal(container: Container, signal: NodeJS.Signals): void {
    if (container.pid <= 1) return;
    try {
      process.kill(container.pid, signal);
    } catch {
      // It has ended in the meantime.
    }
  }

  #kill(container: Container): void {
    if (container.started !== undefined) this.#runtime.kill(container.started.program);
  }

  async remove(podUid: string): Promise<void> {
    const known = this.#pods.get(podUid);
    if (known === undefined) return;
    const pod = await known;
    for (const container of pod.containers.values()) {
      if (container.state.state !== "exited") this.#kill(container);
    }
    await Promise.all([...pod.containers.values()].map(({ exited }) => exited));
    await this.#runtime.removePod(pod);
    for (const path of Object.values(pod.spec.diskVolumes)) rmSync(path, { recursive: true, force: true });
    this.#addresses.delete(pod.ip);
    this.#pods.delete(podUid);
  }

  async writeVolume(podUid: string, volume: string, files: readonly VolumeFile[]): Promise<void> {
    const pod = await this.#pod(podUid);
    const path = pod.volumes.get(volume);
    if (path === undefined) throw new Error(`pod has no volume "${volume}"`);
    replaceVolumeFiles(path, files);
  }

  async forward(podUid: string, port: number): Promise<Socket> {
    return this.#runtime.forward(await this.#pod(podUid), port);
  }

  /** Starts a further process in a running container. */
  async spawnInside(request: ExecRequest): Promise<InnerProcess> {
    const pod = await this.#pod(request.podUid);
    const container = pod.containers.get(request.container);
    if (container === undefined || container.state.state !== "running" || container.pid <= 1) {
      throw new Error(`container "${request.container}" is not running`);
    }
    const { pid, spec, cgroup } = container;
    return this.#runtime.spawnInside({ pid, spec, pod, cgroupProcesses: cgroup?.processes }, request);
  }

  get enforcement(): Enforcement {
    return this.#cgroups.enforcement;
  }

  /** The streams of a container's program; of one that has just ended, what nobody has seen yet. */
  async attach(request: AttachRequest): Promise<{
    streams: ContainerStreams;
    script: () => number | undefined;
    exited: Promise<number>;
  }> {
    const pod = await this.#pod(request.podUid);
    const container = pod.containers.get(request.container);
    const { streams } = container ?? {};
    if (
      container === undefined ||
      streams === undefined ||
      (container.state.state === "exited" && !streams.holdsOutput)
    ) {
      throw new Error(`container "${request.container}" is not running`);
    }
    return {
      streams,
      script: () => (container.spec.tty ? container.pid : undefined),
      exited: container.exited.then(() => container.state.exitCode ?? killedExitCode),
    };
  }

  async list(): Promise<PodSandboxState[]> {
    const pods = await Promise.allSettled(this.#pods.values());
    return pods.flatMap((result) => {
      if (result.status === "rejected") return [];
      const { spec, ip, containers } = result.value;
      return [
        {
          uid: spec.uid,
          namespace: spec.namespace,
          name: spec.name,
          ip,
          containers: [...containers.values()].map(({ state }) => state),
        },
      ];
    });
  }

  async #pod(uid: string): Promise<Pod> {
    const pod = await this.#pods.get(uid);
    if (pod === undefined) throw new Error(`pod ${uid} has no sandbox`);
    return pod;
  }

  #change(pod: Pod, container: Container, changes: Partial<ContainerProcessState>): void {
    container.state = { ...container.state, ...changes };
    this.#onChange(pod.spec.uid, container.state);
  }
}
