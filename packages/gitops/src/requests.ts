import { ProblemError } from "@tracegate/contracts";
import type { Ref, ResourceClient } from "@tracegate/kube";
import { findProject } from "./application-state.ts";
import { type GitRepositories, SourceError } from "./git/repositories.ts";
import { hydrateAnnotation, refreshAnnotation } from "./refresh.ts";
import { isAutomated, retryOf, sourceOf } from "./spec.ts";
import { permitsSync } from "./sync-permission.ts";
import { Application, type Operation, type SyncOperation } from "./types/application.ts";

// What `argocd app …` asks of the server, as writes to the Application.

export interface SyncRequestOptions {
  /** Defaults to the source's target revision. */
  readonly revision?: string;
  readonly prune?: boolean;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly strategy?: "hook" | "apply";
  readonly resources?: SyncOperation["resources"];
  readonly syncOptions?: string[];
  readonly retry?: Operation["retry"];
  /** Kept with the operation. */
  readonly info?: Operation["info"];
  readonly initiatedBy?: string;
  /** The moment that the project's windows are asked about. */
  readonly now: number;
}

/** Asks for a sync. Refused while one runs. */
export async function requestSync(
  client: ResourceClient,
  git: GitRepositories,
  ref: Ref,
  options: SyncRequestOptions,
): Promise<Application> {
  const application = await client.get(Application, ref);
  await refuseClosedWindow(client, application, options.now);
  const source = sourceOf(application.spec) ?? { repoURL: "" };
  const target = source.targetRevision || "HEAD";
  const elsewhere = (options.revision || target) !== target;
  if (elsewhere && options.dryRun !== true && isAutomated(application)) {
    throw new ProblemError({
      code: "gitops/automated",
      message: `Cannot sync to ${options.revision}: auto-sync currently set to ${target}`,
    });
  }
  const revision = await resolved(git, source.repoURL, options.revision ?? source.targetRevision ?? "");
  const strategy = options.force === true ? { force: true } : {};
  const syncOptions = options.syncOptions ?? application.spec.syncPolicy?.syncOptions;
  return await start(client, application, {
    ...(options.info === undefined ? {} : { info: options.info }),
    initiatedBy: options.initiatedBy === undefined ? {} : { username: options.initiatedBy },
    retry: retryOf(options.retry ?? application.spec.syncPolicy?.retry ?? {}),
    sync: {
      revision,
      ...(options.dryRun === true ? { dryRun: true } : {}),
      ...(options.prune === true ? { prune: true } : {}),
      ...(options.resources === undefined ? {} : { resources: options.resources }),
      ...(syncOptions === undefined ? {} : { syncOptions }),
      syncStrategy: options.strategy === "apply" ? { apply: strategy } : { hook: strategy },
    },
  });
}

/** The commit to be synchronised to, refused in the words of the original's server. */
async function resolved(git: GitRepositories, repoURL: string, revision: string): Promise<string> {
  try {
    return await git.resolve(repoURL, revision, { fresh: true });
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    const reason = `rpc error: code = ${error.code} desc = ${error.message}`;
    throw new SourceError(`error resolving repo revision: ${reason}`, "FailedPrecondition");
  }
}

async function refuseClosedWindow(
  client: ResourceClient,
  application: Application,
  now: number,
): Promise<void> {
  const project = await findProject(client, application);
  if (permitsSync(application, project === undefined ? {} : { project }, true, now)) return;
  throw new ProblemError({ code: "gitops/sync-window", message: "cannot sync: blocked by sync window" });
}

/** Goes back to what a history entry deployed; without an id, to the last but one. */
export async function requestRollback(
  client: ResourceClient,
  ref: Ref,
  id?: number,
  options: { prune?: boolean; initiatedBy?: string } = {},
): Promise<Application> {
  const application = await client.get(Application, ref);
  const history = application.status?.history ?? [];
  const entry = id === undefined ? history.at(-2) : history.find((deployment) => deployment.id === id);
  if (entry === undefined) {
    throw new ProblemError({
      code: "gitops/unknown-history",
      message:
        id === undefined
          ? `application '${ref.name}' should have at least two successful deployments`
          : `application '${ref.name}' does not have deployment id '${id}' in history`,
    });
  }
  if (isAutomated(application)) {
    throw new ProblemError({
      code: "gitops/automated",
      message: "rollback cannot be initiated when auto-sync is enabled",
    });
  }
  return await start(client, application, {
    initiatedBy: options.initiatedBy === undefined ? {} : { username: options.initiatedBy },
    retry: {},
    sync: {
      revision: entry.revision,
      source: entry.source,
      ...(options.prune === true ? { prune: true } : {}),
      syncStrategy: { apply: {} },
    },
  });
}

/** Asks for a comparison with what Git says now; done when the annotation has gone. */
export async function requestRefresh(
  client: ResourceClient,
  ref: Ref,
  how: "normal" | "hard" = "normal",
): Promise<Application> {
  const body = { metadata: { annotations: { [refreshAnnotation]: how, [hydrateAnnotation]: "normal" } } };
  return await client.patch(Application, ref, { type: "merge", body });
}

/** Asks the running operation to end. */
export async function requestTermination(client: ResourceClient, ref: Ref): Promise<Application> {
  const application = await client.get(Application, ref);
  if (application.operation === undefined || application.status?.operationState === undefined) {
    throw new ProblemError({
      code: "gitops/no-operation",
      message: "Unable to terminate operation. No operation is in progress",
    });
  }
  const body = { status: { operationState: { phase: "Terminating" } } };
  return await client.patch(Application, ref, { type: "merge", body });
}

/** Writes the operation and takes the last one's state away, in one update. */
async function start(
  client: ResourceClient,
  application: Application,
  operation: Operation,
): Promise<Application> {
  if (application.operation !== undefined) {
    throw new ProblemError({
      code: "gitops/operation-in-progress",
      message: "another operation is already in progress",
      advice: "wait for it, or terminate it",
    });
  }
  const { namespace, name, resourceVersion } = application.metadata;
  const body = { metadata: { resourceVersion }, operation, status: { operationState: null } };
  return await client.patch(Application, namespace === undefined ? { name } : { namespace, name }, {
    type: "merge",
    body,
  });
}
