import type { Socket } from "node:net";
import type { LogWriter } from "./log-writer.ts";
import type { PipedProgram } from "./piped-program.ts";
import type { ContainerProcessSpec, ExecRequest, PodSandboxSpec } from "./protocol.ts";

/** A pod as the runtime sees it. */
export interface RuntimePod {
  readonly spec: PodSandboxSpec;
  readonly ip: string;
  /** The pod's own: roots, in-memory volumes. */
  readonly directory: string;
  /** Where each volume lies, as the agent sees it. */
  readonly volumes: ReadonlyMap<string, string>;
}

/** A further process in a running container. */
export interface InnerProcess {
  readonly program: PipedProgram;
  /** Resolves when the program is about to run; rejects with why it cannot. */
  readonly started: Promise<void>;
  /** The `script` that made its terminal, once there is one. */
  readonly script: () => number | undefined;
  /** Kills it and what it started. */
  end(): void;
}

export interface StartedContainer {
  readonly program: PipedProgram;
  /** Resolves once the program runs, with its PID as the agent sees it, or with why it cannot run. */
  readonly started: Promise<{ pid: number } | { startError: string }>;
}

/** How pods are made and their programs started; what they are in at any time is the business of `Pods`. */
export interface PodRuntime {
  /** The addresses in the order they are handed out. */
  podAddress(index: number): string;
  readonly podAddressCount: number;
  /** `directory` is made by now only as a name; on failure nothing is left of it. */
  makePod(pod: RuntimePod): Promise<void>;
  removePod(pod: RuntimePod): Promise<void>;
  /** A connection to a port of the pod, as `kubectl port-forward` makes it. */
  forward(pod: RuntimePod, port: number): Promise<Socket>;
  /** `place` is a directory of this start of the container. Throws where it cannot even be laid out. */
  startContainer(options: {
    pod: RuntimePod;
    spec: ContainerProcessSpec;
    place: string;
    terminationFile: string;
    /** The file that a process writes 0 to so as to have the container's limits; undefined where it has no cgroup. */
    cgroupProcesses?: string;
    log: () => LogWriter;
  }): StartedContainer;
  /** Kills every process of a container, whether its program has been started yet or not. */
  kill(program: PipedProgram): void;
  /** What the processes of one container have in common and no others have; undefined for a process that is gone. */
  processSetOf(pid: number): string | undefined;
  /** Starts a further process in a running container. Throws, or rejects `started`, with why it cannot be. */
  spawnInside(
    running: {
      pid: number;
      spec: ContainerProcessSpec;
      pod: RuntimePod;
      cgroupProcesses: string | undefined;
    },
    request: ExecRequest,
  ): InnerProcess;
}
