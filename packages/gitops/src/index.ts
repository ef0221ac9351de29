export {
  type ApplicationControllerOptions,
  applicationController,
  watchedByDefault,
} from "./application-controller.ts";
export { type ApplicationState, findProject, type StateReader, stateReader } from "./application-state.ts";
export {
  type ApplicationSetControllerOptions,
  applicationSetController,
} from "./applicationset-controller.ts";
export { predictedAndCurrent } from "./compare/compare.ts";
export { maskedSecrets } from "./compare/masked-secrets.ts";
export { trackedBy, trackingAnnotation } from "./compare/tracking.ts";
export { crds } from "./crds.ts";
export { type CachedGitOptions, cachedGit } from "./git/cached-git.ts";
export { type CommandGit, type CommandGitOptions, commandGit } from "./git/command-git.ts";
export { type GitRepositories, type RepositoryTree, SourceError } from "./git/repositories.ts";
export { resourceHealth, worstHealth } from "./health/health.ts";
export { builtInKinds, discoverKinds } from "./kinds.ts";
export { type KindOfResource, readHealth, readLive, resourceKinds } from "./live-health.ts";
export { listAt, type Manifest, valueAt } from "./manifest.ts";
export { orphansOf } from "./orphans.ts";
export { inClusterServer } from "./project.ts";
export { type ApartReader, type ReadApartOptions, readApart } from "./reading/apart.ts";
export { readHere, type SourceReader } from "./reading/source-reader.ts";
export { type Rendered, renderSource } from "./render/render.ts";
export {
  requestRefresh,
  requestRollback,
  requestSync,
  requestTermination,
  type SyncRequestOptions,
} from "./requests.ts";
export { invalidDestination } from "./spec.ts";
export * from "./types/app-project.ts";
export * from "./types/application.ts";
export * from "./types/application-set.ts";
export {
  type ApplicationViewOptions,
  renderApplication,
  renderHistory,
  renderOperation,
  renderResources,
  renderSummary,
} from "./view/application.ts";
export { renderApplicationList } from "./view/application-list.ts";
export { renderApplicationSet, renderApplicationSetList } from "./view/application-set.ts";
export { renderProject, renderProjectList } from "./view/project.ts";
export { renderResourceList } from "./view/resource-list.ts";
export { type ProgressTable, progressTable } from "./view/resource-states.ts";
export { renderTree } from "./view/tree.ts";
export { type AssignedWindows, assignedWindows, isActive } from "./windows.ts";
