import type { Duplex, Readable, Writable } from "node:stream";
import type {
  AttachRequest,
  ContainerProcessSpec,
  ContainerProcessState,
  ExecRequest,
  ExecResult,
  NetworkConfig,
  PodSandboxSpec,
  PodSandboxState,
  TerminalSize,
  VolumeFile,
} from "./agent/protocol.ts";
import type { Enforcement } from "./cgroup/cgroup-plan.ts";

export type {
  AttachRequest,
  ContainerProcessSpec,
  ContainerProcessState,
  DnsRecords,
  ExecRequest,
  ExecResult,
  NetworkConfig,
  PodSandboxSpec,
  PodSandboxState,
  ServiceBackends,
  TerminalSize,
  VolumeFile,
} from "./agent/protocol.ts";
export type { Enforcement } from "./cgroup/cgroup-plan.ts";

/**
 * How pods are started and reached. It outlives the control plane for a while: after a restart `list` tells what runs.
 * Methods reject when the sandbox itself fails; a program that cannot be started is an answer, not a rejection.
 */
export interface Sandbox {
  /** Idempotent: the same pod keeps its address. */
  startPod(spec: PodSandboxSpec): Promise<{ ip: string }>;
  startContainer(spec: ContainerProcessSpec): Promise<{ startError?: string }>;
  /** SIGTERM now, SIGKILL after `graceMs`; resolves at once. */
  stopContainer(podUid: string, container: string, graceMs: number): Promise<void>;
  /** Resolves when every process and file of the pod is gone. */
  removePod(podUid: string): Promise<void>;
  writeVolume(podUid: string, volume: string, files: VolumeFile[]): Promise<void>;
  list(): Promise<PodSandboxState[]>;
  /** Which limits of containers are kept here, and by what. */
  enforcement(): Promise<Enforcement>;
  /** Called for every change of a container, and with `undefined` when all may have changed (a lost agent). */
  onChange(
    listener: (change: { podUid: string; container: ContainerProcessState } | undefined) => void,
  ): () => void;

  /** A TCP connection from the node to a pod; rejects with Go's wording. */
  dial(ip: string, port: number): Promise<Duplex>;
  /** The same to a port of a pod, even of one that it serves on its own loopback only. */
  forward(podUid: string, port: number): Promise<Duplex>;
  /** Accepts connections inside at one of the platform's addresses. */
  listen(ip: string, port: number, accept: (connection: Duplex) => void): Promise<Closer>;
  /** Hands connections inside at ip:port to a Unix socket outside. */
  listenToUnix(ip: string, port: number, unixPath: string): Promise<Closer>;
  setNetwork(config: NetworkConfig): Promise<void>;

  exec(request: ExecRequest & { timeoutMs: number; outputLimit: number }): Promise<ExecResult>;
  execStream(request: ExecRequest): Promise<ExecStream>;
  /** The streams of the container's own program; they end with it, and `kill` only lets go of them. */
  attachStream(request: AttachRequest): Promise<ExecStream>;

  /** Ends every pod and the sandbox itself. */
  shutdown(): Promise<void>;
  /** Lets go of the sandbox: pods live on for its grace time. */
  detach(): void;
}

export interface Closer {
  close(): Promise<void>;
}

/** A process inside a container; destroy `stdin` or call `kill` to end it early. */
export interface ExecStream {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exitCode: Promise<number>;
  /** Of its terminal, where it has one. */
  resize(size: TerminalSize): void;
  kill(): void;
}
