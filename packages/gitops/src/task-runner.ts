import { isNotFound, type ResourceClient, StatusError } from "@tracegate/kube";
import type { ApplicationState } from "./application-state.ts";
import { type ApplyOptions, applyTarget, refOf, resultName } from "./apply.ts";
import { withHookFinalizer } from "./hook-objects.ts";
import { isOwnNamespace, kindNow, kindOf, optionIs } from "./operation-tasks.ts";
import { optionOf, resourceOptions, type SyncOptions } from "./sync/options.ts";
import type { TaskOutcome } from "./sync/pass.ts";
import { isPrune, kindRank, type SyncTask } from "./sync/tasks.ts";
import type { Application } from "./types/application.ts";

/** What tasks are run with. */
export interface TaskRunner {
  readonly client: ResourceClient;
  readonly state: ApplicationState;
  readonly options: SyncOptions;
  readonly prune: boolean;
  readonly application: Application;
}

/** Prunes all at once, then one group of kinds after another; within a group in parallel. */
export async function runTasks(
  run: TaskRunner,
  tasks: readonly SyncTask[],
  dryRun: boolean,
): Promise<TaskOutcome[]> {
  const outcomes = await Promise.all(tasks.filter(isPrune).map((task) => pruneTask(run, task, dryRun)));
  if (outcomes.some(({ hookPhase }) => hookPhase === "Failed")) return outcomes;
  const groups = Map.groupBy(
    tasks.filter((task) => !isPrune(task)),
    (task) => kindRank(task.key),
  );
  for (const [, group] of [...groups].sort(([a], [b]) => a - b)) {
    const done = await Promise.all(group.map((task) => applyTask(run, task, dryRun)));
    outcomes.push(...done);
    if (done.some(({ hookPhase }) => hookPhase === "Failed")) break;
  }
  return outcomes;
}

async function applyTask(
  { client, state, options, application }: TaskRunner,
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
      message: `no matches for kind "${task.key.kind}"`,
    };
  }
  const managesNamespace =
    isOwnNamespace(task, application) && application.spec.syncPolicy?.managedNamespaceMetadata !== undefined;
  const on = (name: string) => optionOf(name, target.metadata, options) === "true";
  const how: ApplyOptions = {
    dryRun,
    serverSide: on("ServerSideApply") || managesNamespace,
    replace: on("Replace"),
    force: on("Force"),
    ignored: optionIs(options, "RespectIgnoreDifferences") ? (application.spec.ignoreDifferences ?? []) : [],
  };
  try {
    const verb = await applyTarget(client, kind, task.hook ? withHookFinalizer(target) : target, how);
    const message = `${resultName(kind, task.key.name)} ${verb}${dryRun ? " (dry run)" : ""}`;
    return { task, status: "Synced", hookPhase: dryRun ? "Succeeded" : "Running", message };
  } catch (error) {
    return { task, status: "SyncFailed", hookPhase: "Failed", message: refusalText(error) };
  }
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
  if (optionOf("Prune", live.metadata, options) === "confirm")
    return skipped("ignored (pruning confirmation is not supported)");
  if (dryRun) return { task, status: "Pruned", hookPhase: "Succeeded", message: "pruned (dry run)" };
  const kind = kindOf(state, live);
  const policy = options.get("PrunePropagationPolicy");
  const propagationPolicy =
    policy === "background" ? "Background" : policy === "orphan" ? "Orphan" : "Foreground";
  try {
    if (kind !== undefined) await client.delete(kind, refOf(live), { propagationPolicy });
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
