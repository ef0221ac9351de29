import type { ResourceClient } from "@tracegate/kube";
import { clearBeforeCreation, deleteHook, releaseHooks } from "./hook-objects.ts";
import {
  isNeedless,
  isOwnNamespace,
  optionIs,
  refusalOfTask,
  type SyncRequest,
  tasksOf,
} from "./operation-tasks.ts";
import { isDeletionApproved, parseSyncOptions, resourceOptions, type SyncOptions } from "./sync/options.ts";
import {
  clearingMessage,
  concludeRun,
  type PassPlan,
  planPass,
  planTermination,
  recordOutcomes,
  type TaskOutcome,
} from "./sync/pass.ts";
import type { SyncTask } from "./sync/tasks.ts";
import { applyTasks, pruneTasks, type TaskRunner } from "./task-runner.ts";
import type { OperationPhase, ResourceResult } from "./types/application.ts";

/** What one pass over a sync came to. */
export interface PassOutcome {
  readonly phase: OperationPhase;
  readonly message: string;
  readonly results: readonly ResourceResult[];
  /** The next pass waits: a wave was applied and others follow. */
  readonly waveApplied: boolean;
}

/** Carries out one pass of a sync: reads nothing but the given state, writes through the client, decides with `planPass`. */
export async function runSyncPass(client: ResourceClient, request: SyncRequest): Promise<PassOutcome> {
  const { operation, state } = request;
  const recorded = operation.syncResult?.resources ?? [];
  const run = taskRunnerOf(client, request);
  const shared = state.conditions.find(({ type }) => type === "SharedResourceWarning");
  if (shared !== undefined && optionIs(run.options, "FailOnSharedResource"))
    return failed(`Shared resource found: %s${shared.message}`, recorded); // ⚠ word for word as upstream
  const tasks = await tasksOf(client, request, run.options);
  const refused = refusals(request, run.options, tasks);
  if (refused.length > 0)
    return failed("one or more synchronization tasks are not valid", [...recorded, ...refused]);

  const needless = optionIs(run.options, "ApplyOutOfSyncOnly") ? isNeedless(state) : () => false;
  if (operation.operation.sync?.dryRun === true) {
    return await tryOut(
      run,
      tasks.filter((task) => !needless(task)),
    );
  }
  const namespace = recorded.length > 0 ? [] : await createNamespace(run, tasks);
  if (namespace.some(({ hookPhase }) => hookPhase === "Failed")) {
    const reasons = namespace.map(({ message }) => message).join(",");
    return failed(`the namespace failed to apply, reason: ${reasons}`, recordOutcomes(recorded, namespace));
  }
  const nameless = recorded.length > 0 ? [] : tasks.flatMap(refusalOfNameless);
  if (nameless.length > 0)
    return failed("one or more objects failed to apply (dry run)", recordOutcomes(recorded, nameless));
  const plan = planPass({
    tasks,
    results: recordOutcomes(recorded, namespace),
    message: operation.message ?? "",
    needless,
    unapproved: unapproved(request, run.options),
  });
  await releaseHooks(client, state, tasks, plan.results);
  return await carryOut(run, plan);
}

function taskRunnerOf(client: ResourceClient, { application, operation, state }: SyncRequest): TaskRunner {
  const { syncOptions, prune, syncStrategy } = operation.operation.sync ?? {};
  return {
    client,
    state,
    options: parseSyncOptions(syncOptions),
    prune: prune === true,
    force: (syncStrategy?.apply ?? syncStrategy?.hook)?.force === true,
    application,
  };
}

const failed = (message: string, results: readonly ResourceResult[]): PassOutcome => ({
  phase: "Failed",
  message,
  results,
  waveApplied: false,
});

const running = (message: string, results: readonly ResourceResult[], waveApplied = false): PassOutcome => ({
  phase: "Running",
  message,
  results,
  waveApplied,
});

/** The tasks that cannot be done at all. Their results have no phase: they never began. */
function refusals(request: SyncRequest, options: SyncOptions, tasks: readonly SyncTask[]): ResourceResult[] {
  return tasks.flatMap((task) => {
    const message = refusalOfTask(task, request, options);
    if (message === undefined) return [];
    return recordOutcomes([], [{ task, status: "SyncFailed", hookPhase: "Failed", message }]).map(
      ({ hookPhase: _phase, ...rest }) => rest,
    );
  });
}

async function tryOut(run: TaskRunner, tasks: readonly SyncTask[]): Promise<PassOutcome> {
  const outcomes = [...(await pruneTasks(run, tasks, true)), ...(await applyTasks(run, tasks, true))];
  const results = recordOutcomes([], outcomes);
  return outcomes.some(({ hookPhase }) => hookPhase === "Failed")
    ? failed("one or more objects failed to apply (dry run)", results)
    : { ...failed("successfully synced (no more tasks)", results), phase: "Succeeded" };
}

/** ⚠ What has no name is found when it is tried out, before anything is applied. */
function refusalOfNameless(task: SyncTask): TaskOutcome[] {
  if (task.target === undefined || (task.key.name ?? "") !== "") return [];
  return [{ task, status: "SyncFailed", hookPhase: "Failed", message: "resource name may not be empty" }];
}

/** Everything else may be refused for want of the namespace, so it comes first. */
async function createNamespace(run: TaskRunner, tasks: readonly SyncTask[]): Promise<TaskOutcome[]> {
  const missing = tasks.filter(
    (task) => isOwnNamespace(task, run.application) && task.live === undefined && task.phase !== "SyncFail",
  );
  return await applyTasks(run, missing, false);
}

/** Which prunes wait for someone to approve of them since the sync began. */
function unapproved(
  { application, operation }: SyncRequest,
  options: SyncOptions,
): (task: SyncTask) => boolean {
  if (isDeletionApproved(application, operation.startedAt)) return () => false;
  return ({ live }) =>
    options.get("Prune") === "confirm" || resourceOptions(live?.metadata).get("Prune") === "confirm";
}

async function carryOut(run: TaskRunner, plan: PassPlan): Promise<PassOutcome> {
  if (plan.step === "wait") return running(plan.message, plan.results);
  if (plan.step === "finish") {
    for (const task of plan.deleteHooks) await deleteHook(run, task);
    return { phase: plan.phase, message: plan.message, results: plan.results, waveApplied: false };
  }
  const outcomes = await pruneTasks(run, plan.tasks, false);
  if (outcomes.every(({ hookPhase }) => hookPhase === "Succeeded")) {
    // The wave goes on when the hooks of an earlier sync are gone.
    if (await clearBeforeCreation(run, plan.tasks)) {
      const results = recordOutcomes(plan.results, outcomes);
      return running(clearingMessage(plan), results, !plan.finalWave && !plan.failing);
    }
    outcomes.push(...(await applyTasks(run, plan.tasks, false)));
  }
  const conclusion = concludeRun(plan, outcomes);
  const outcome = await carryOut(run, conclusion); // of a failure: its hooks
  if (conclusion.step === "run") return outcome;
  return { ...outcome, waveApplied: outcome.phase === "Running" && !plan.finalWave && !plan.failing };
}

/** Ends a sync that is to stop: its hooks that still run are deleted, what has ended is told. */
export async function terminateSync(client: ResourceClient, request: SyncRequest): Promise<PassOutcome> {
  const { operation, state } = request;
  const run = taskRunnerOf(client, request);
  const tasks = await tasksOf(client, request, run.options);
  const hooks = tasks.filter(({ hook, live }) => hook && live !== undefined);
  const plan = planTermination(hooks, operation.syncResult?.resources ?? []);
  await releaseHooks(client, state, hooks, plan.results);
  for (const task of plan.deleteHooks) await deleteHook(run, task);
  return failed("Operation terminated", plan.results);
}
