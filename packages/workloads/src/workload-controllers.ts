import type { Clock } from "@tracegate/contracts";
import type { Controller, EventRecorder } from "@tracegate/controller-runtime";
import type { ResourceClient } from "@tracegate/kube";
import { daemonSetController } from "./daemon-set/controller.ts";
import { deploymentController } from "./deployment/controller.ts";
import { endpointsController } from "./endpoints/controller.ts";
import { jobController } from "./job/controller.ts";
import { namespaceController } from "./namespace/controller.ts";
import { replicaSetController } from "./replica-set/controller.ts";
import { schedulingController } from "./scheduling/controller.ts";
import { claimProtectionController, volumeProtectionController } from "./volume-protection/controller.ts";

export interface WorkloadControllersOptions {
  readonly client: ResourceClient;
  readonly clock: Clock;
  /** A recorder that speaks as the named component (`deployment-controller`). */
  readonly events: (component: string) => EventRecorder;
  /** The API's CA in PEM, for the `kube-root-ca.crt` of every namespace. */
  readonly rootCa?: string;
}

/** Kinds of workloads that the API has and no controller here works on. */
export const idleKinds: readonly string[] = [
  "statefulsets.apps",
  "replicationcontrollers",
  "cronjobs.batch",
  "horizontalpodautoscalers.autoscaling",
];

/** All of this package's controllers, each speaking as the component that a real cluster's events name. */
export function workloadControllers({
  client,
  clock,
  events,
  rootCa,
}: WorkloadControllersOptions): readonly Controller[] {
  const as = (component: string) => ({ client, clock, events: events(component) });
  return [
    replicaSetController(as("replicaset-controller")),
    deploymentController(as("deployment-controller")),
    daemonSetController(as("daemonset-controller")),
    jobController(as("job-controller")),
    schedulingController(as("default-scheduler")),
    endpointsController({ client }),
    claimProtectionController({ client }),
    volumeProtectionController({ client }),
    namespaceController({ client, clock, ...(rootCa !== undefined && { rootCa }) }),
  ];
}
