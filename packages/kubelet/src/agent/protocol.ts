/**
 * What the control plane and the node agent say to each other over the agent's Unix socket. Every connection begins
 * with one JSON line (`Hello`), answered by one JSON line (`HelloAnswer`); what follows depends on `op`:
 *
 * - `control`: JSON lines both ways, `Request`s answered by `Response`s, and `AgentEvent`s in between. A newer
 *   control connection takes the place of an older one.
 * - `dial`: raw bytes of a TCP connection inside the node's network.
 * - `forward`: the same to a port of a pod, even of its own loopback.
 * - `exec`: frames (`stream-frames.ts`) of a process inside a container.
 * - `attach`: the same of the container's own program.
 */
import type { Enforcement } from "../cgroup/cgroup-plan.ts";

/** Raised with every incompatible change; an agent of another version ends with its pods and is replaced. */
export const agentProtocolVersion = 7;

/**
 * How the agent runs pods; asked for another kind, it makes way as for another version. `loopback` is the plain sandbox of
 * a machine whose loopback has no other address than 127.0.0.1.
 */
export type SandboxKind = "namespaced" | "plain" | "loopback";

export type Hello =
  | { op: "control"; version: number; sandbox: SandboxKind; graceMs: number }
  | { op: "dial"; ip: string; port: number }
  | { op: "forward"; podUid: string; port: number }
  | ({ op: "exec" } & ExecRequest)
  | ({ op: "attach" } & AttachRequest);

export interface HelloAnswer {
  ok: boolean;
  error?: string;
}

export interface Request {
  id: number;
  method: keyof AgentMethods;
  params: unknown;
}

export type Response = { id: number; result: unknown } | { id: number; error: string };

/** The control connection's calls. */
export interface AgentMethods {
  startPod(params: PodSandboxSpec): { ip: string };
  /** Answers once the program runs, or with why it cannot (`StartError` of a container runtime). */
  startContainer(params: ContainerProcessSpec): { startError?: string };
  /** SIGTERM now, SIGKILL after `graceMs`; a later call only ever shortens the grace. Answers at once. */
  stopContainer(params: { podUid: string; container: string; graceMs: number }): null;
  /** Kills what still runs, takes the network and the files away. Answers when all is gone. */
  removePod(params: { podUid: string }): null;
  /** Replaces the files of a volume; readers see the old or the new set, never a mixture. */
  writeVolume(params: { podUid: string; volume: string; files: VolumeFile[] }): null;
  exec(params: ExecRequest & { timeoutMs: number; outputLimit: number }): ExecResult;
  list(params: null): PodSandboxState[];
  /** Which limits are kept here. */
  enforcement(params: null): Enforcement;
  setNetwork(params: NetworkConfig): null;
  /** Accepts connections on ip:port inside and connects each to the Unix socket outside. */
  listen(params: { ip: string; port: number; unixPath: string }): null;
  unlisten(params: { ip: string; port: number }): null;
  /** Ends the agent and everything in it; the connection closes. */
  shutdown(params: null): null;
}

export type AgentEvent = { event: "container"; podUid: string; container: ContainerProcessState };

/** A pod's shared part: network, host name, IPC, volumes. */
export interface PodSandboxSpec {
  uid: string;
  namespace: string;
  name: string;
  hostname: string;
  /** The text of /etc/hosts with `{ip}` where the pod's address goes. */
  hosts: string;
  resolvConf: string;
  /** In-memory directories made with the pod: configMap, secret, downwardAPI, projected and `medium: Memory`. */
  memoryVolumes: string[];
  /** Directories outside, by volume name (`emptyDir`); made with the pod, removed with it. */
  diskVolumes: Record<string, string>;
  /** The TCP ports that its containers declare, by container. */
  ports: Record<string, number[]>;
  /** The bound on everything the pod's containers write into their roots and in-memory volumes. */
  memoryBytes: number;
}

export interface ContainerProcessSpec {
  podUid: string;
  name: string;
  /** Counts the starts of this container, from 0. */
  attempt: number;
  command: string[];
  env: Record<string, string>;
  workingDir: string;
  volumeMounts: { volume: string; subPath?: string; mountPath: string; readOnly: boolean }[];
  /** Host files and directories the image brings, bound read-only. */
  binds: { source: string; target: string }[];
  readOnlyRoot: boolean;
  /** Past it the container is killed. */
  memoryLimitBytes?: number;
  /** Thousandths of a CPU: what it may use, and what it is to have where CPUs are short. */
  cpuLimitMillis?: number;
  cpuRequestMillis?: number;
  /** It has an input, for those who attach. */
  stdin: boolean;
  /** Its input ends with that of the first who attaches. */
  stdinOnce: boolean;
  /** Its streams are a terminal's. */
  tty: boolean;
  /** Linux capabilities kept, lower case without `cap_`. */
  capabilities: string[];
  logFile: string;
  terminationMessagePath: string;
}

export interface PodSandboxState {
  uid: string;
  namespace: string;
  name: string;
  ip: string;
  containers: ContainerProcessState[];
}

/** The newest start of a container. Times are milliseconds since the epoch. */
export interface ContainerProcessState {
  name: string;
  attempt: number;
  state: "starting" | "running" | "exited";
  startedAt: number;
  /** When it was asked to end. */
  stoppingSince?: number;
  finishedAt?: number;
  /** 128 + n for a death by signal n. */
  exitCode?: number;
  /** It was killed because it held more memory than its limit. */
  oomKilled?: true;
  /** Why the program could not be started at all. */
  startError?: string;
  /** What it left in its termination message file, at most 4096 bytes. */
  terminationMessage?: string;
}

export interface VolumeFile {
  path: string;
  /** base64 */
  content: string;
  mode: number;
}

export interface ExecRequest {
  podUid: string;
  container: string;
  command: string[];
  stdin: boolean;
  tty: boolean;
}

export interface AttachRequest {
  podUid: string;
  container: string;
  stdin: boolean;
}

/** In characters. */
export interface TerminalSize {
  width: number;
  height: number;
}

export interface ExecResult {
  exitCode: number;
  output: string;
  timedOut: boolean;
}

/** What DNS and the service proxy serve; kept while the control plane is away. */
export interface NetworkConfig {
  services: ServiceBackends[];
  /** By lower-case fully qualified name without the last dot. */
  records: Record<string, DnsRecords>;
}

export interface ServiceBackends {
  clusterIP: string;
  port: number;
  endpoints: { ip: string; port: number }[];
}

export interface DnsRecords {
  a?: string[];
  cname?: string;
  srv?: { port: number; target: string }[];
}
