import type { Clock } from "@tracegate/contracts";
import type { EventRecorder } from "@tracegate/controller-runtime";
import type { ResourceClient } from "@tracegate/kube";

/** What a workload controller works with. */
export interface WorkloadDependencies {
  readonly client: ResourceClient;
  readonly clock: Clock;
  /** Speaks as the controller's own component. */
  readonly events: EventRecorder;
}
