export type { ReplicaCounts, Size } from "./canary-replicas.ts";
export { nextCounts, targetCounts } from "./canary-replicas.ts";
export type { CommandPatches } from "./commands.ts";
export {
  abortRollout,
  pauseRollout,
  promoteRollout,
  restartRollout,
  retryRollout,
  undoRollout,
} from "./commands.ts";
export type { RolloutControllerOptions } from "./controller.ts";
export { readSnapshot, rolloutController } from "./controller.ts";
export { crds } from "./crds.ts";
export { Experiment } from "./experiments.ts";
export { planRollout } from "./plan.ts";
export { podTemplateHash, stepsHash } from "./pod-template-hash.ts";
export type { RolloutAction, RolloutEvent, RolloutPlan, RolloutSnapshot } from "./snapshot.ts";
export * from "./types.ts";
export { rolloutProblem } from "./validate.ts";
export type { Painter, Tone } from "./view/paint.ts";
export { plain, stateIcon } from "./view/paint.ts";
export type { RenderOptions } from "./view/render.ts";
export { renderRollout, renderRolloutList, renderStatus } from "./view/render.ts";
export type {
  PodView,
  ReplicaSetView,
  RevisionView,
  RolloutObjects,
  RolloutView,
  RunView,
} from "./view/rollout-view.ts";
export { rolloutView, shownPhase } from "./view/rollout-view.ts";
