export type { WorkloadDependencies } from "./replica-set/controller.ts";
export { replicaSetController } from "./replica-set/controller.ts";
