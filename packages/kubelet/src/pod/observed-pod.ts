import type { Container, Pod } from "@tracegate/kube";
import type { ImageLookup } from "../image-catalogue.ts";
import type { ContainerProcessState } from "../sandbox.ts";
import type { BackOff } from "./back-off.ts";

/** What is true of a pod on this node at one moment: all that `syncPod` decides from, beside the object and the time. */
export interface ObservedPod {
  /** Absent: nothing of the pod runs. */
  readonly sandbox?: {
    readonly ip: string;
    /** The newest start of each container, by name. */
    readonly containers: ReadonlyMap<string, ContainerProcessState>;
  };
  /** Why the volumes are not there yet. */
  readonly volumeProblem?: string;
  /** What the catalogue says to each container's image, by container name. */
  readonly images: ReadonlyMap<string, ImageLookup>;
  /** Containers whose environment refers to something that is not there. */
  readonly configProblems: ReadonlyMap<string, string>;
  readonly probes: ReadonlyMap<string, ProbedContainer>;
  readonly restarts: ReadonlyMap<string, BackOff>;
  readonly pulls: ReadonlyMap<string, FailedPull>;
  readonly hostIP: string;
}

export interface FailedPull {
  readonly failedAt: number;
  readonly backOff: BackOff;
}

/** What the probes of one start of a container have found. */
export interface ProbedContainer {
  readonly attempt: number;
  readonly started: boolean;
  readonly ready: boolean;
  /** The probe that has failed for good: the container is to be restarted. */
  readonly failed?: "liveness" | "startup";
}

export const isSidecar = (container: Container): boolean => container.restartPolicy === "Always";

export const restartPolicyOf = (pod: Pod): "Always" | "OnFailure" | "Never" =>
  pod.spec.restartPolicy ?? "Always";

/** As the kubelet names a pod in its messages: `name_namespace(uid)`. */
export const podLabel = ({ metadata }: Pod): string =>
  `${metadata.name}_${metadata.namespace}(${metadata.uid})`;

export const graceSecondsOf = (pod: Pod): number =>
  pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;

export function containerNamed(pod: Pod, name: string): Container {
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const found = all.find((container) => container.name === name);
  if (found === undefined) throw new Error(`pod ${podLabel(pod)} has no container ${name}`);
  return found;
}
