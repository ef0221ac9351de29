export { deploymentController } from "./deployment/controller.ts";
export { jobController } from "./job/controller.ts";
export type { WorkloadDependencies } from "./replica-set/controller.ts";
export { replicaSetController } from "./replica-set/controller.ts";
export { POD_TEMPLATE_HASH, templateHash } from "./template-hash.ts";
export type { WorkloadControllersOptions } from "./workload-controllers.ts";
export { workloadControllers } from "./workload-controllers.ts";
