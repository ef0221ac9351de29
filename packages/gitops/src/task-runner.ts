import { isNotFound, type ResourceClient, StatusError } from "@tracegate/kube";
import type { ApplicationState } from "./application-state.ts";
import { type ApplyOptions, appliedMessage, applyTarget, refOf } from "./apply.ts";
import { withHookFinalizer } from "./hook-objects.ts";
import { isOwnNamespace, kindNow, kindOf, optionIs } from "./operation-tasks.ts";
import { optionOf, prunePropagation, resourceOptions, type SyncOptions } from "./sync/options.ts";
import type { TaskOutcome } from "./sync/pass.ts";
import { isPrune, type SyncTask } from "./sync/tasks.ts";
import { mapInTurns } from "./turns.ts";
import type { Application } from "./types/application.ts";

/** What tasks are run with. */
export interface TaskRunner {
  readonly client: ResourceClient;
  readonly state: ApplicationState;
  readonly options: SyncOptions;
  readonly prune: boolean;
  /** Deletes and creates again what cannot be changed (`syncStrategy.….force`). */
  readonly force: boolean;
  readonly application: Application;
}

/** Prunes all, some at a time. */
export const pruneTasks = (
  run: TaskRunner,
  tasks: readonly SyncTask[],
  dryRun: boolean,
): Promise<TaskOutcome[]> => mapInTurns(tasks.filter(isPrune), (task) => pruneTask(run, task, dryRun));

/** Applies the tasks in their order; of neighbours of one kind some in parallel. */
export async function applyTasks(
  run: TaskRunner,
  tasks: readonly SyncTask[],
  dryRun: boolean,
): Promise<TaskOutcome[]> {
  const groups: SyncTask[][] = [];
  for (const task of tasks) {
    if (isPrune(task)) continue;
    const group = groups.at(-1);
    if (group?.[0]?.key.kind === task.key.kind) group.push(task);
    else groups.push([task]);
  }
  const outcomes: TaskOutcome[] = [];
  // What one kind is refused does not keep the next from being tried: all refusals are told at once.
  for (const group of groups)
    outcomes.push(...(await mapInTurns(group, (task) => applyTask(run, task, dryRun))));
  return outcomes;
}

async function applyTask(
  { client, state, options, application, force }: TaskRunner,
  task: SyncTask,
  dryRun: boolean,
): Promise<TaskOutcome> {
  const { target } = task;
  const kind = target === undefined ? undefined : await kindNow(client, state, target);
  if (target === undefined || kind === undefined) {
    return {
      task,
      status: "SyncFailed",
      hookPhase: "Failed",
      message: unmapped(task),
    };
  }
  const managesNamespace =
    isOwnNamespace(task, application) && application.spec.syncPolicy?.managedNamespaceMetadata !== undefined;
  const on = (name: string) => optionOf(name, target.metadata, options) === "true";
  const how: ApplyOptions = {
    dryRun,
    // A dry run only checks that the manifest can be applied, so nothing is asked of the server.
    serverSide: !dryRun && (on("ServerSideApply") || managesNamespace),
    replace: on("Replace"),
    force: force || on("Force"),
    ignored: optionIs(options, "RespectIgnoreDifferences") ? (application.spec.ignoreDifferences ?? []) : [],
  };
  try {
    const applied = await applyTarget(client, kind, task.hook ? withHookFinalizer(target) : target, how);
    return {
      task,
      status: "Synced",
      hookPhase: dryRun ? "Succeeded" : "Running",
      message: appliedMessage(kind, task.key.name, applied, dryRun),
    };
  } catch (error) {
    return { task, status: "SyncFailed", hookPhase: "Failed", message: refusalText(error) };
  }
}

/** What kubectl says of a kind that nobody serves. */
function unmapped({ key, target, version, resultNamespace }: SyncTask): string {
  const place = `name: "${key.name}" namespace: "${resultNamespace}"`;
  const kind = `no matches for kind "${key.kind}" in version "${target?.apiVersion ?? version}"`;
  return `resource mapping not found for ${place}: ${kind}\nensure CRDs are installed first`;
}

async function pruneTask(
  { client, state, options, prune }: TaskRunner,
  task: SyncTask,
  dryRun: boolean,
): Promise<TaskOutcome> {
  const { live } = task;
  const skipped = (message: string): TaskOutcome => ({
    task,
    status: "PruneSkipped",
    hookPhase: "Succeeded",
    message,
  });
  if (!prune) return skipped("ignored (requires pruning)");
  if (
    live === undefined ||
    resourceOptions(live.metadata).get("Prune") === "false" ||
    options.get("Prune") === "false"
  ) {
    return skipped("ignored (no prune)");
  }
  if (dryRun) return { task, status: "Pruned", hookPhase: "Succeeded", message: "pruned (dry run)" };
  const kind = kindOf(state, live);
  try {
    if (kind !== undefined && live.metadata.deletionTimestamp === undefined)
      await client.delete(kind, refOf(live), { propagationPolicy: prunePropagation(options) });
    return { task, status: "Pruned", hookPhase: "Succeeded", message: "pruned" };
  } catch (error) {
    if (isNotFound(error)) return { task, status: "Pruned", hookPhase: "Succeeded", message: "pruned" };
    return { task, status: "SyncFailed", hookPhase: "Failed", message: refusalText(error) };
  }
}

/** What the API said, or why it could not be asked. Faults of our own are not dressed up as refusals. */
function refusalText(error: unknown): string {
  if (error instanceof StatusError) return error.status.message ?? error.message;
  throw error;
}
