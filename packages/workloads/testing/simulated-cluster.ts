import { type Api, createApi, embeddedClient } from "@tracegate/apiserver";
import { seededRandom } from "@tracegate/apiserver/testing";
import {
  type Controller,
  createEventRecorder,
  type EventRecorder,
  type Manager,
  startControllers,
  VirtualScheduler,
} from "@tracegate/controller-runtime";
import { Node, type ResourceClient } from "@tracegate/kube";
import { memoryStore } from "@tracegate/store";
import { startGarbageCollector, workloadControllers } from "../src/index.ts";
import { type PodBehaviour, simulatedPods } from "./simulated-pods.ts";

/** A cluster in memory, on virtual time: API, workload controllers, simulated pods, and what the caller adds. */
export interface SimulatedCluster {
  readonly scheduler: VirtualScheduler;
  readonly api: Api;
  /** The API itself, without what `wrap` put before the controllers. */
  readonly client: ResourceClient;
  readonly manager: Manager;
  stop(): Promise<void>;
}

export interface SimulatedClusterOptions {
  /** When it begins, in milliseconds since the epoch. Default: the start of 2025. */
  readonly start?: number;
  /** Of names and uids. */
  readonly seed?: number;
  readonly pods?: Partial<PodBehaviour>;
  /** Controllers to run beside those of the workloads. */
  readonly controllers?: (world: SimulatedWorld) => readonly Controller[];
  /** Puts something between the controllers and the API. */
  readonly wrap?: (client: ResourceClient, scheduler: VirtualScheduler) => ResourceClient;
}

export interface SimulatedWorld {
  readonly client: ResourceClient;
  readonly scheduler: VirtualScheduler;
  readonly events: (component: string) => EventRecorder;
}

/** Starts it and lets it come to rest (system namespaces have their service accounts then). */
export async function simulatedCluster(options: SimulatedClusterOptions = {}): Promise<SimulatedCluster> {
  const scheduler = new VirtualScheduler(options.start ?? Date.UTC(2025, 0, 1));
  const api = createApi({ store: memoryStore(), clock: scheduler, random: seededRandom(options.seed ?? 1) });
  const direct = embeddedClient(api);
  const client = options.wrap?.(direct, scheduler) ?? direct;
  const events = (component: string) => createEventRecorder({ client, scheduler, component });
  const manager = startControllers({
    client,
    scheduler,
    controllers: [
      ...workloadControllers({ client, clock: scheduler, events }),
      simulatedPods({ client, clock: scheduler, ...(options.pods && { behaviour: options.pods }) }),
      ...(options.controllers?.({ client, scheduler, events }) ?? []),
    ],
  });
  const collector = startGarbageCollector({ client, scheduler });
  await direct.create(Node, {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "tracegate", labels: { "kubernetes.io/hostname": "tracegate" } },
  });
  await scheduler.runUntilIdle();
  const stop = async () => {
    await Promise.all([collector.stop(), manager.stop()]);
  };
  return { scheduler, api, client: direct, manager, stop };
}
