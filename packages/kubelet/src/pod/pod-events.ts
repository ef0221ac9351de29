import type { EventRecorder } from "@tracegate/controller-runtime";
import type { Container, Pod } from "@tracegate/kube";
import type { PodMemory } from "./pod-memory.ts";

/** Tells of pods in the kubelet's words. */
export class PodEvents {
  readonly #events: EventRecorder;

  constructor(events: EventRecorder) {
    this.#events = events;
  }

  tell(pod: Pod, type: "Normal" | "Warning", reason: string, message: string, container?: string): void {
    const { name, namespace, uid, resourceVersion } = pod.metadata;
    const isInit = pod.spec.initContainers?.some((candidate) => candidate.name === container);
    const involvedObject = {
      kind: "Pod",
      apiVersion: "v1",
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(container === undefined
        ? {}
        : { fieldPath: `spec.${isInit ? "initContainers" : "containers"}{${container}}` }),
    };
    this.#events.event({ involvedObject }, type, reason, message);
  }

  /** A warning that stays true is told once. */
  warnOnce(pod: Pod, memory: PodMemory, reason: string, message: string): void {
    if (memory.told.has(message)) return;
    memory.told.add(message);
    this.tell(pod, "Warning", reason, message);
  }

  pulled(pod: Pod, { image, imagePullPolicy, name }: Container): void {
    if (imagePullPolicy === "Always") {
      const words = "in 0s (0s including waiting). Image size: 0 bytes.";
      this.tell(pod, "Normal", "Pulling", `Pulling image "${image}"`, name);
      this.tell(pod, "Normal", "Pulled", `Successfully pulled image "${image}" ${words}`, name);
    } else this.tell(pod, "Normal", "Pulled", `Container image "${image}" already present on machine`, name);
  }

  pullFailed(pod: Pod, { image, name }: Container, message: string): void {
    this.tell(pod, "Normal", "Pulling", `Pulling image "${image}"`, name);
    this.tell(pod, "Warning", "Failed", `Failed to pull image "${image}": ${message}`, name);
    this.tell(pod, "Warning", "Failed", "Error: ErrImagePull", name);
  }
}
