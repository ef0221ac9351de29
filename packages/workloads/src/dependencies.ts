import type { Clock } from "@tracegate/contracts";
import type { EventRecorder } from "@tracegate/controller-runtime";
import { isNotFound, type ResourceClient } from "@tracegate/kube";

/** What a workload controller works with. */
export interface WorkloadDependencies {
  readonly client: ResourceClient;
  readonly clock: Clock;
  /** Speaks as the controller's own component. */
  readonly events: EventRecorder;
}

/** For `catch`: an object that is gone is no error; what it owned is the garbage collector's. */
export function undefinedIfGone(error: unknown): undefined {
  if (isNotFound(error)) return undefined;
  throw error;
}
