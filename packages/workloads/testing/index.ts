export type { Faults } from "./faulty-client.ts";
export { faultyClient } from "./faulty-client.ts";
export type { SimulatedCluster, SimulatedClusterOptions, SimulatedWorld } from "./simulated-cluster.ts";
export { simulatedCluster } from "./simulated-cluster.ts";
export type { PodBehaviour, SimulatedPodsOptions } from "./simulated-pods.ts";
export { simulatedPods } from "./simulated-pods.ts";
