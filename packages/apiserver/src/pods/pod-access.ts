import type { Duplex, Readable, Writable } from "node:stream";

/** Streams of a pod, as whoever runs pods gives them to the API server. Refusals are `StatusError`s. */
export interface PodAccess {
  logs(request: PodLogRequest): Promise<AsyncIterable<Uint8Array>>;
  /** A command run in a container; the streams are those of its process. */
  exec(request: PodExecRequest): Promise<PodProcess>;
  /** The streams of a container's own program, whose exit code is the pod's to tell: here it is 0. */
  attach(request: PodAttachRequest): Promise<PodProcess>;
  /** A connection to a port of the pod. */
  portForward(request: {
    readonly namespace: string;
    readonly name: string;
    readonly port: number;
  }): Promise<Duplex>;
}

export interface PodLogRequest {
  readonly namespace: string;
  readonly name: string;
  readonly container?: string;
  /** Stays open until the container ends. */
  readonly follow?: boolean;
  /** Of the run before the present one. */
  readonly previous?: boolean;
  readonly tailLines?: number;
  /** Milliseconds since the epoch: lines from before are left out. */
  readonly since?: number;
  readonly timestamps?: boolean;
  readonly limitBytes?: number;
  readonly signal?: AbortSignal;
}

export interface PodExecRequest {
  readonly namespace: string;
  readonly name: string;
  readonly container?: string;
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly tty: boolean;
}

export interface PodAttachRequest {
  readonly namespace: string;
  readonly name: string;
  readonly container?: string;
  readonly stdin: boolean;
}

/** In characters. */
export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

export interface PodProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exitCode: Promise<number>;
  /** Of its terminal, where it has one. */
  resize(size: TerminalSize): void;
  /** Ends a command; of a program that was attached to, only lets go. */
  kill(): void;
}
