import type { Ref } from "@tracegate/kube";
import type { ContainerProcessState, PodSandboxState } from "../sandbox.ts";
import type { BackOff } from "./back-off.ts";
import type { FailedPull } from "./observed-pod.ts";
import type { Prober } from "./prober.ts";

/** What the node remembers of a pod between two looks; all of it can be lost and is then found or worked out again. */
export interface PodMemory {
  readonly ref: Ref;
  readonly uid: string;
  sandbox?: { ip: string; containers: Map<string, ContainerProcessState> };
  readonly restarts: Map<string, BackOff>;
  readonly pulls: Map<string, FailedPull>;
  readonly probers: Map<string, Prober>;
  /** What each volume was last written with. */
  readonly volumeTexts: Map<string, string>;
  /** `container/attempt` whose end is under way (a preStop hook runs before the sandbox is told). */
  readonly stopping: Set<string>;
  /** Warnings told already. */
  readonly told: Set<string>;
}

export const rememberPod = (ref: Ref, uid: string): PodMemory => ({
  ref,
  uid,
  restarts: new Map(),
  pulls: new Map(),
  probers: new Map(),
  volumeTexts: new Map(),
  stopping: new Set(),
  told: new Set(),
});

export function takeSandboxState(memory: PodMemory, state: PodSandboxState | undefined): void {
  if (state === undefined) delete memory.sandbox;
  else
    memory.sandbox = {
      ip: state.ip,
      containers: new Map(state.containers.map((container) => [container.name, container])),
    };
}
