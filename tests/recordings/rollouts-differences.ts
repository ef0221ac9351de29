/**
 * Scenarios whose replay differs from the recording, each with how the first difference begins, and why. A scenario that
 * comes to agree must leave this list: the test says so.
 */
export const differences: Readonly<Record<string, { readonly first: string; readonly why: string }>> = {
  "nginx-abort": {
    first: "Service/canary: the recorded state at 778 ms never came",
    why: "trafficRouting is refused by name; after the abort the recorded Service also flaps between the versions, which is a defect",
  },
  "nginx-weights": {
    first: "Service/canary: the recorded state at 659 ms never came",
    why: "trafficRouting is refused by name",
  },
  "scale-mid-rollout": {
    first: "Event was not recorded: Rollout Normal ScalingReplicaSet",
    why: "pods became ready within some milliseconds of each other there and are seen one by one here, so the same way is gone in more steps",
  },
  "workload-ref": { first: "ReplicaSet/", why: "workloadRef is refused by name" },
};
