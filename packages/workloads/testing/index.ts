export type { PodBehaviour, SimulatedPodsOptions } from "./simulated-pods.ts";
export { simulatedPods } from "./simulated-pods.ts";
