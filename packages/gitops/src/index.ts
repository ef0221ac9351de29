export {
  type ApplicationControllerOptions,
  applicationController,
  watchedByDefault,
} from "./application-controller.ts";
export {
  type ApplicationSetControllerOptions,
  applicationSetController,
} from "./applicationset-controller.ts";
export { predictedAndCurrent } from "./compare/compare.ts";
export { trackedBy, trackingAnnotation } from "./compare/tracking.ts";
export { crds } from "./crds.ts";
export { type CachedGitOptions, cachedGit } from "./git/cached-git.ts";
export { type CommandGitOptions, commandGit } from "./git/command-git.ts";
export { type GitRepositories, type RepositoryTree, SourceError } from "./git/repositories.ts";
export { resourceHealth, worstHealth } from "./health/health.ts";
export { readHealth } from "./live-health.ts";
export { type Rendered, renderSource } from "./render/render.ts";
export {
  requestRefresh,
  requestRollback,
  requestSync,
  requestTermination,
  type SyncRequestOptions,
} from "./requests.ts";
export * from "./types/app-project.ts";
export * from "./types/application.ts";
export * from "./types/application-set.ts";
export {
  type ApplicationViewOptions,
  renderApplication,
  renderHistory,
  renderOperation,
  renderResources,
} from "./view/application.ts";
export { renderApplicationList } from "./view/application-list.ts";
