import { rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import type { Clock } from "@tracegate/contracts";
import type {
  AgentEvent,
  AttachRequest,
  ContainerProcessSpec,
  ExecRequest,
  NetworkConfig,
  PodSandboxSpec,
  SandboxKind,
  VolumeFile,
} from "../agent/protocol.ts";
import { dialThroughAgent, openAgentStream } from "../dial.ts";
import { openProcessStream } from "../process-stream.ts";
import type { Closer, ContainerProcessState, ExecStream, Sandbox } from "../sandbox.ts";
import { ControlConnection } from "./control-connection.ts";
import { plainKind } from "./plain-kind.ts";
import { requireSandbox } from "./probe-sandbox.ts";
import { ensureRuntimeDirectory, runtimeDirectory } from "./runtime-directory.ts";
import { startAgent } from "./start-agent.ts";

export interface NamespacedSandboxOptions {
  readonly stateDir: string;
  readonly clock: Clock;
  /** How long the agent and its pods outlive a control plane that is gone. */
  readonly graceMs?: number;
  /** A container's log file is rotated at this size; one older file is kept. */
  readonly logBytes?: number;
  /** Told when an agent was lost and another one is started. */
  readonly onAgentLost?: (message: string) => void;
}

/** Finds the agent that an earlier control plane left, or starts one. */
export async function openSandbox(
  kind: SandboxKind,
  options: NamespacedSandboxOptions,
): Promise<NamespacedSandbox> {
  const sandbox = new NamespacedSandbox(options, kind);
  await sandbox.connect();
  return sandbox;
}

export const openNamespacedSandbox = (options: NamespacedSandboxOptions): Promise<NamespacedSandbox> =>
  openSandbox("namespaced", options);

/** The same without namespaces: pods are ordinary processes of this user, which share the machine's loopback. */
export async function openPlainSandbox(
  options: NamespacedSandboxOptions,
  kind?: "plain" | "loopback",
): Promise<NamespacedSandbox> {
  return openSandbox(kind ?? (await plainKind()).kind, options);
}

type ChangeListener = Parameters<Sandbox["onChange"]>[0];

/** Pods in Linux namespaces, kept by a node agent; a lost agent is replaced, its pods are gone. */
export class NamespacedSandbox implements Sandbox {
  /** For `dialThroughAgent` on worker threads. */
  readonly socketPath: string;
  readonly kind: SandboxKind;
  readonly #options: NamespacedSandboxOptions;
  readonly #runtimeDir: string;
  readonly #graceMs: number;
  readonly #listeners = new Set<ChangeListener>();
  /** What is set again on a new agent. */
  readonly #unixListeners = new Map<string, { ip: string; port: number; unixPath: string }>();
  #network: NetworkConfig | undefined;
  #connection: Promise<ControlConnection> | undefined;
  #nextSocket = 0;
  #released = false;

  constructor(options: NamespacedSandboxOptions, kind: SandboxKind) {
    this.kind = kind;
    this.#options = options;
    this.#graceMs = options.graceMs ?? 60_000;
    this.#runtimeDir = runtimeDirectory(options.stateDir);
    this.socketPath = join(this.#runtimeDir, "a");
  }

  async connect(): Promise<void> {
    await this.#control();
  }

  #control(): Promise<ControlConnection> {
    if (this.#released) return Promise.reject(new Error("the sandbox is closed"));
    if (this.#connection === undefined) {
      const connection = this.#open();
      this.#connection = connection;
      connection.catch(() => {
        if (this.#connection === connection) this.#connection = undefined;
      });
    }
    return this.#connection;
  }

  async #open(): Promise<ControlConnection> {
    const attach = () =>
      ControlConnection.open(this.socketPath, this.kind, this.#graceMs, (event) => this.#onEvent(event));
    ensureRuntimeDirectory(this.#runtimeDir);
    const connection = await attach().catch(() => {
      if (this.kind === "namespaced") requireSandbox();
      return startAgent({
        sandbox: this.kind,
        runtimeDir: this.#runtimeDir,
        stateDir: this.#options.stateDir,
        logBytes: this.#options.logBytes ?? 10 * 1024 * 1024,
        graceMs: this.#graceMs,
        clock: this.#options.clock,
        connect: attach,
      });
    });
    for (const listener of this.#unixListeners.values()) await connection.call("listen", listener);
    if (this.#network !== undefined) await connection.call("setNetwork", this.#network);
    void connection.closed.then(() => this.#onLost());
    return connection;
  }

  #onLost(): void {
    this.#connection = undefined;
    if (this.#released) return;
    this.#options.onAgentLost?.("the node agent ended; starting a new one, all pods restart");
    this.#control().then(
      () => this.#tell(undefined),
      (error) => this.#options.onAgentLost?.(error instanceof Error ? error.message : String(error)),
    );
  }

  #onEvent(event: AgentEvent): void {
    this.#tell({ podUid: event.podUid, container: event.container });
  }

  #tell(change: { podUid: string; container: ContainerProcessState } | undefined): void {
    for (const listener of this.#listeners) listener(change);
  }

  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async startPod(spec: PodSandboxSpec) {
    return (await this.#control()).call("startPod", spec);
  }

  async startContainer(spec: ContainerProcessSpec) {
    return (await this.#control()).call("startContainer", spec);
  }

  async stopContainer(podUid: string, container: string, graceMs: number) {
    await (await this.#control()).call("stopContainer", { podUid, container, graceMs });
  }

  async removePod(podUid: string) {
    await (await this.#control()).call("removePod", { podUid });
  }

  async writeVolume(podUid: string, volume: string, files: VolumeFile[]) {
    await (await this.#control()).call("writeVolume", { podUid, volume, files });
  }

  async list() {
    return (await this.#control()).call("list", null);
  }

  async enforcement() {
    return (await this.#control()).call("enforcement", null);
  }

  async setNetwork(config: NetworkConfig) {
    this.#network = config;
    await (await this.#control()).call("setNetwork", config);
  }

  async exec(request: ExecRequest & { timeoutMs: number; outputLimit: number }) {
    return (await this.#control()).call("exec", request);
  }

  dial(ip: string, port: number): Promise<Duplex> {
    return dialThroughAgent(this.socketPath, ip, port);
  }

  forward(podUid: string, port: number): Promise<Duplex> {
    return openAgentStream(this.socketPath, { op: "forward", podUid, port });
  }

  async listenToUnix(ip: string, port: number, unixPath: string): Promise<Closer> {
    const key = `${ip}:${port}`;
    this.#unixListeners.set(key, { ip, port, unixPath });
    await (await this.#control()).call("listen", { ip, port, unixPath });
    return {
      close: async () => {
        this.#unixListeners.delete(key);
        if (!this.#released) await (await this.#control()).call("unlisten", { ip, port });
      },
    };
  }

  async listen(ip: string, port: number, accept: (connection: Duplex) => void): Promise<Closer> {
    this.#nextSocket += 1;
    const path = join(this.#runtimeDir, `l${this.#nextSocket}`);
    rmSync(path, { force: true });
    const server = createServer({ allowHalfOpen: true }, accept);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
    const inside = await this.listenToUnix(ip, port, path);
    return {
      close: async () => {
        await inside.close();
        server.close();
      },
    };
  }

  execStream(request: ExecRequest): Promise<ExecStream> {
    return openProcessStream(this.socketPath, { op: "exec", ...request });
  }

  attachStream(request: AttachRequest): Promise<ExecStream> {
    return openProcessStream(this.socketPath, { op: "attach", ...request });
  }

  async shutdown(): Promise<void> {
    const connection = await this.#control();
    this.#released = true;
    connection.call("shutdown", null).catch(() => {});
    await connection.closed;
  }

  detach(): void {
    this.#released = true;
    void this.#connection?.then((connection) => connection.close());
  }
}
