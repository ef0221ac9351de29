import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import type { Clock } from "@tracegate/contracts";
import { podAddress, podAddressCount } from "../network/addresses.ts";
import { runCommand } from "./command.ts";
import {
  defaultPath,
  killContainer,
  readTerminationMessage,
  type StartedContainer,
  spawnContainer,
} from "./container.ts";
import { layOutRoot } from "./container-root.ts";
import { openLog } from "./log-writer.ts";
import { makePodNamespaces, type PodNamespaces, removePodNamespaces } from "./node-network.ts";
import type {
  ContainerProcessSpec,
  ContainerProcessState,
  PodSandboxSpec,
  PodSandboxState,
  VolumeFile,
} from "./protocol.ts";
import { replaceVolumeFiles } from "./volume-files.ts";

interface Pod {
  readonly spec: PodSandboxSpec;
  readonly ip: string;
  readonly link: string;
  /** The pod's tmpfs: roots, in-memory volumes, namespace files. */
  readonly directory: string;
  readonly namespaces: PodNamespaces;
  readonly volumes: Map<string, string>;
  readonly containers: Map<string, Container>;
}

interface Container {
  readonly spec: ContainerProcessSpec;
  state: ContainerProcessState;
  readonly root: string;
  started?: StartedContainer;
  pid: number;
  killAt?: AbortController;
  killDeadline?: number;
  readonly exited: Promise<void>;
}

/** Every pod of the node, and all that is done to them. */
export class Pods {
  readonly #mountPoint: string;
  readonly #clock: Clock;
  readonly #logBytes: number;
  readonly #nowNs: () => bigint;
  readonly #onChange: (podUid: string, state: ContainerProcessState) => void;
  readonly #pods = new Map<string, Promise<Pod>>();
  readonly #addresses = new Set<string>();
  #nextAddress = 0;
  #nextLink = 0;

  constructor(options: {
    mountPoint: string;
    clock: Clock;
    logBytes: number;
    nowNs: () => bigint;
    onChange: (podUid: string, state: ContainerProcessState) => void;
  }) {
    this.#mountPoint = options.mountPoint;
    this.#clock = options.clock;
    this.#logBytes = options.logBytes;
    this.#nowNs = options.nowNs;
    this.#onChange = options.onChange;
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
    this.#nextLink += 1;
    const link = `tg${this.#nextLink}`;
    const directory = join(this.#mountPoint, spec.uid);
    try {
      mkdirSync(directory, { recursive: true });
      await runCommand("mount", [
        ...["-t", "tmpfs", "-o", `mode=755,nosuid,nodev,size=${spec.memoryBytes}`],
        ...["tmpfs", directory],
      ]);
      const volumes = new Map<string, string>();
      for (const name of spec.memoryVolumes) volumes.set(name, join(directory, "volumes", name));
      for (const [name, path] of Object.entries(spec.diskVolumes)) volumes.set(name, path);
      for (const path of volumes.values()) mkdirSync(path, { recursive: true, mode: 0o777 });
      const namespaces = await makePodNamespaces({ directory, link, ip, hostname: spec.hostname });
      return { spec, ip, link, directory, namespaces, volumes, containers: new Map() };
    } catch (error) {
      this.#addresses.delete(ip);
      await runCommand("umount", ["-l", directory]).catch(() => {});
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  #takeAddress(): string {
    for (let tries = 0; tries < podAddressCount; tries += 1) {
      const ip = podAddress(this.#nextAddress++);
      if (this.#addresses.has(ip)) continue;
      this.#addresses.add(ip);
      return ip;
    }
    throw new Error("no pod address is left in 10.244.0.0/16");
  }

  async startContainer(spec: ContainerProcessSpec): Promise<{ startError?: string }> {
    const pod = await this.#pod(spec.podUid);
    const before = pod.containers.get(spec.name);
    if (before !== undefined) {
      if (before.state.state !== "exited" || before.spec.attempt >= spec.attempt) return {};
      rmSync(before.root, { recursive: true, force: true });
    }
    const place = join(pod.directory, "containers", `${spec.name}.${spec.attempt}`);
    const root = join(place, "root");
    mkdirSync(root, { recursive: true });
    const terminationFile = join(place, "termination-log");
    const fstabFile = join(place, "fstab");
    const { hostname, hosts, resolvConf } = pod.spec;
    const etc = { hostname, hosts: hosts.replaceAll("{ip}", pod.ip), resolvConf };
    let exit: () => void = () => {};
    const container: Container = {
      spec: { ...spec, env: { PATH: defaultPath, HOME: "/root", HOSTNAME: hostname, ...spec.env } },
      state: { name: spec.name, attempt: spec.attempt, state: "starting", startedAt: this.#clock.now() },
      root: place,
      pid: 0,
      exited: new Promise((resolve) => {
        exit = resolve;
      }),
    };
    pod.containers.set(spec.name, container);
    const end = (changes: Partial<ContainerProcessState>) => {
      container.killAt?.abort();
      this.#change(pod, container, { state: "exited", finishedAt: this.#clock.now(), ...changes });
      exit();
    };
    try {
      writeFileSync(fstabFile, layOutRoot(root, terminationFile, spec, etc, pod.volumes));
    } catch (error) {
      const startError = error instanceof Error ? error.message : String(error);
      end({ exitCode: 128, startError });
      return { startError };
    }
    const log = openLog(spec.logFile, { maxBytes: this.#logBytes, now: this.#nowNs });
    const started = spawnContainer({
      spec: container.spec,
      namespaces: pod.namespaces,
      root,
      fstab: fstabFile,
      log,
    });
    container.started = started;
    started.process.once("close", async (code, signal) => {
      log.close();
      const outcome = await started.started;
      const terminationMessage = readTerminationMessage(terminationFile);
      const number = signal === null ? undefined : constants.signals[signal];
      end({
        exitCode: number === undefined ? (code ?? 255) : 128 + number,
        ...(terminationMessage === "" ? {} : { terminationMessage }),
        ...("startError" in outcome ? { startError: outcome.startError } : {}),
      });
    });
    const outcome = await started.started;
    if ("startError" in outcome) {
      if (started.process.pid === undefined) {
        log.close();
        end({ exitCode: 128, startError: outcome.startError });
      }
      return outcome;
    }
    container.pid = outcome.pid;
    if (container.state.state === "starting") this.#change(pod, container, { state: "running" });
    // Asked to end before there was a process to tell.
    if (container.state.stoppingSince !== undefined) this.#signal(container, "SIGTERM");
    return {};
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
    if (container.started !== undefined) killContainer(container.started.process);
  }

  async remove(podUid: string): Promise<void> {
    const known = this.#pods.get(podUid);
    if (known === undefined) return;
    const pod = await known;
    for (const container of pod.containers.values()) {
      if (container.state.state !== "exited") this.#kill(container);
    }
    await Promise.all([...pod.containers.values()].map(({ exited }) => exited));
    await removePodNamespaces(pod.namespaces, pod.link);
    await runCommand("umount", ["-l", pod.directory]);
    rmSync(pod.directory, { recursive: true, force: true });
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

  /** The PID that `nsenter` may enter, and what a further process in the container gets. */
  async running(
    podUid: string,
    name: string,
  ): Promise<{ pid: number; spec: ContainerProcessSpec; hostname: string }> {
    const pod = await this.#pod(podUid);
    const container = pod.containers.get(name);
    if (container === undefined || container.state.state !== "running" || container.pid <= 1) {
      throw new Error(`container "${name}" is not running`);
    }
    return { pid: container.pid, spec: container.spec, hostname: pod.spec.hostname };
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
