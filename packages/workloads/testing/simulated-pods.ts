import type { Clock } from "@tracegate/contracts";
import type { Controller } from "@tracegate/controller-runtime";
import { type ContainerStatus, formatTime, isNotFound, Pod, type ResourceClient } from "@tracegate/kube";
import { nodeOf } from "../src/daemon-set/plan.ts";

/** How pods behave, by their images. All times in milliseconds. */
export interface PodBehaviour {
  /** From creation until a pod is ready, or a Job's pod has ended. */
  readonly readyMs: number;
  /** The same for images named `…-slow`. */
  readonly slowReadyMs: number;
  /** From deletion until the pod is gone. */
  readonly goneMs: number;
}

const DEFAULTS: PodBehaviour = { readyMs: 200, slowReadyMs: 4000, goneMs: 300 };

export interface SimulatedPodsOptions {
  readonly client: ResourceClient;
  readonly clock: Clock;
  readonly nodeName?: string;
  readonly behaviour?: Partial<PodBehaviour>;
}

/**
 * Stands in for a node: pods are bound as they appear, get ready after a time (`-slow` images later, `-never` not at
 * all, `-crash` ones fall into CrashLoopBackOff), pods of Jobs end (images with `fail` badly), and deleted ones vanish after a time.
 * To be run beside the controllers, on the same scheduler.
 */
export function simulatedPods({
  client,
  clock,
  nodeName = "tracegate",
  behaviour = {},
}: SimulatedPodsOptions): Controller<Pod> {
  const times = { ...DEFAULTS, ...behaviour };
  // The API tells whole seconds only; a node knows better when it saw what.
  const started = new Map<string, number>();
  const stopping = new Map<string, number>();
  let addresses = 0;

  const since = (seen: Map<string, number>, uid: string) => {
    const at = seen.get(uid) ?? clock.now();
    seen.set(uid, at);
    return clock.now() - at;
  };

  return {
    name: "simulated-pods",
    kind: Pod,
    async reconcile(ref) {
      try {
        const pod = await client.get(Pod, ref);
        const uid = pod.metadata.uid ?? "";
        if (pod.metadata.deletionTimestamp !== undefined) {
          const left = times.goneMs - since(stopping, uid);
          if (left > 0) return { requeueAfterMs: left };
          await client.delete(Pod, ref, { gracePeriodSeconds: 0 });
          started.delete(uid);
          stopping.delete(uid);
          return undefined;
        }
        if ((pod.spec.nodeName ?? "") === "") {
          // A daemon's pod says itself where it belongs.
          const target = nodeOf(pod) || nodeName;
          await client.patch(Pod, ref, { type: "merge", body: { spec: { nodeName: target } } });
        }
        const images = pod.spec.containers.map(({ image }) => image);
        const wait = images.some((image) => image.includes("-slow")) ? times.slowReadyMs : times.readyMs;
        const left = wait - since(started, uid);
        if (left > 0) return { requeueAfterMs: left };
        if (pod.status?.startTime !== undefined) return undefined;
        const status = statusAfterStart(pod, `10.244.0.${(++addresses % 254) + 1}`, clock.now());
        await client.patch(Pod, ref, { type: "merge", body: { status } }, { subresource: "status" });
        return undefined;
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
  };
}

type Fate = "ready" | "never" | "crash" | "succeeded" | "failed";

function fateOf({ metadata, spec }: Pod): Fate {
  const has = (part: string) => spec.containers.some(({ image }) => image.includes(part));
  if (metadata.ownerReferences?.some(({ kind, controller }) => kind === "Job" && controller)) {
    return has("fail") ? "failed" : "succeeded";
  }
  if (has("-crash")) return "crash";
  return has("-never") ? "never" : "ready";
}

const PHASES = {
  ready: "Running",
  never: "Running",
  crash: "Running",
  succeeded: "Succeeded",
  failed: "Failed",
} as const;

function statusAfterStart(pod: Pod, podIP: string, now: number): NonNullable<Pod["status"]> {
  const fate = fateOf(pod);
  const time = formatTime(now);
  const ready = fate === "ready";
  const names = pod.spec.containers.map(({ name }) => name).join(" ");
  const unready = {
    ready: {},
    never: { reason: "ContainersNotReady", message: `containers with unready status: [${names}]` },
    crash: { reason: "ContainersNotReady", message: `containers with unready status: [${names}]` },
    succeeded: { reason: "PodCompleted" },
    failed: { reason: "PodFailed" },
  }[fate];
  const condition = (type: string, holds: boolean) => ({
    type,
    status: holds ? ("True" as const) : ("False" as const),
    lastTransitionTime: time,
    ...(holds ? {} : unready),
  });
  return {
    phase: PHASES[fate],
    conditions: [
      condition("PodReadyToStartContainers", true),
      condition("Initialized", true),
      condition("Ready", ready),
      condition("ContainersReady", ready),
      condition("PodScheduled", true),
    ],
    hostIP: "10.0.0.1",
    podIP,
    podIPs: [{ ip: podIP }],
    startTime: time,
    containerStatuses: pod.spec.containers.map(({ name, image }) => containerStatus(fate, name, image, time)),
  };
}

function containerStatus(fate: Fate, name: string, image: string, time: string): ContainerStatus {
  const ended = (exitCode: number, reason: string) => ({
    terminated: { exitCode, reason, startedAt: time, finishedAt: time },
  });
  const states = {
    ready: { running: { startedAt: time } },
    never: { running: { startedAt: time } },
    crash: {
      waiting: {
        reason: "CrashLoopBackOff",
        message: `back-off 10s restarting failed container=${name}`,
      },
    },
    succeeded: ended(0, "Completed"),
    failed: ended(1, "Error"),
  };
  return {
    name,
    image,
    imageID: image,
    ready: fate === "ready",
    started: fate === "ready" || fate === "never",
    restartCount: fate === "crash" ? 1 : 0,
    state: states[fate],
    ...(fate === "crash" && { lastState: ended(1, "Error") }),
  };
}
