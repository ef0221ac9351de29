export type { Clock } from "./clock.ts";
export { wallClock } from "./clock.ts";
export type { ClusterNetwork } from "./cluster-network.ts";
export type { Problem } from "./problem.ts";
export { ProblemError, renderProblem } from "./problem.ts";
