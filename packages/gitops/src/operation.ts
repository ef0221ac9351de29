import type { ResourceClient } from "@tracegate/kube";
import { clearBeforeCreation, deleteHook, releaseHooks } from "./hook-objects.ts";
import {
  isOwnNamespace,
  onlyOutOfSync,
  optionIs,
  refusalOfTask,
  type SyncRequest,
  tasksOf,
} from "./operation-tasks.ts";
import { parseSyncOptions } from "./sync/options.ts";
import { concludeRun, type PassPlan, planPass, recordOutcome } from "./sync/pass.ts";
import { resultOf } from "./sync/tasks.ts";
import { runTasks, type TaskRunner } from "./task-runner.ts";
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
  const { application, operation, state } = request;
  const sync = operation.operation.sync ?? {};
  const options = parseSyncOptions(sync.syncOptions);
  const recorded = operation.syncResult?.resources ?? [];
  const started = recorded.length > 0;
  const tasks = await tasksOf(client, request, options);
  const run: TaskRunner = { client, state, options, prune: sync.prune === true, application };

  const invalid = tasks.flatMap((task) => {
    const reason = refusalOfTask(task, state, tasks, application);
    return reason === undefined ? [] : [{ task, reason }];
  });
  if (invalid.length > 0) {
    // A result without a phase: the task never began.
    const results = invalid.flatMap(({ task, reason }) =>
      recordOutcome([], { task, status: "SyncFailed", hookPhase: "Failed", message: reason }).map(
        ({ hookPhase: _phase, ...rest }) => rest,
      ),
    );
    return {
      phase: "Failed",
      message: "one or more synchronization tasks are not valid",
      results,
      waveApplied: false,
    };
  }
  const shared = state.conditions.find(({ type }) => type === "SharedResourceWarning");
  if (optionIs(options, "FailOnSharedResource") && shared !== undefined) {
    const message = `Shared resource found: ${shared.message}`;
    return { phase: "Failed", message, results: recorded, waveApplied: false };
  }
  if (sync.dryRun === true) {
    const outcomes = await runTasks(run, tasks, true);
    const results = outcomes.reduce(recordOutcome, [] as readonly ResourceResult[]);
    const failure = outcomes.some(({ hookPhase }) => hookPhase === "Failed");
    return failure
      ? {
          phase: "Failed",
          message: "one or more objects failed to apply (dry run)",
          results,
          waveApplied: false,
        }
      : { phase: "Succeeded", message: "successfully synced (no more tasks)", results, waveApplied: false };
  }
  let results: readonly ResourceResult[] = recorded;
  if (!started) {
    // Everything else may be refused for want of the namespace, so it comes first.
    const namespace = tasks.find((task) => isOwnNamespace(task, application) && task.phase !== "SyncFail");
    if (
      namespace !== undefined &&
      (namespace.live === undefined || namespace.wave === Number.NEGATIVE_INFINITY)
    ) {
      const [outcome] = await runTasks(run, [namespace], false);
      if (outcome !== undefined) results = recordOutcome(results, outcome);
      if (outcome?.hookPhase === "Failed") {
        return {
          phase: "Failed",
          message: `the namespace failed to apply, reason: ${outcome.message}`,
          results,
          waveApplied: false,
        };
      }
    }
  }
  const chosen = optionIs(options, "ApplyOutOfSyncOnly") ? onlyOutOfSync(tasks, state) : tasks;
  const plan = planPass({ tasks: chosen, results, message: operation.message ?? "" });
  await releaseHooks(client, state, chosen, plan.results);
  return carryOut(run, plan);
}

async function carryOut(run: TaskRunner, plan: PassPlan): Promise<PassOutcome> {
  if (plan.step === "wait")
    return { phase: "Running", message: plan.message, results: plan.results, waveApplied: false };
  if (plan.step === "finish") {
    for (const task of plan.deleteHooks) await deleteHook(run.client, run.state, task);
    return { phase: plan.phase, message: plan.message, results: plan.results, waveApplied: false };
  }
  const before = await clearBeforeCreation(run, plan.tasks);
  if (before.length > 0) {
    // The hooks of an earlier sync are still going; the wave begins when they are gone.
    return { phase: "Running", message: plan.message, results: plan.results, waveApplied: false };
  }
  const outcomes = await runTasks(run, plan.tasks, false);
  const conclusion = concludeRun(plan, outcomes);
  if (conclusion.step === "run") return carryOut(run, conclusion); // failure hooks
  const outcome = await carryOut(run, conclusion);
  return { ...outcome, waveApplied: outcome.phase === "Running" && !plan.finalWave && !plan.failing };
}

/** Ends what still runs of a sync that is to stop. */
export async function terminateSync(client: ResourceClient, request: SyncRequest): Promise<PassOutcome> {
  const { operation, state } = request;
  const tasks = await tasksOf(client, request, parseSyncOptions(operation.operation.sync?.syncOptions));
  let results: readonly ResourceResult[] = operation.syncResult?.resources ?? [];
  for (const task of tasks) {
    if (!task.hook || resultOf(task, results)?.hookPhase !== "Running") continue;
    await deleteHook(client, state, task);
    results = recordOutcome(results, { task, status: "Synced", hookPhase: "Failed", message: "Terminated" });
  }
  return { phase: "Failed", message: "Operation terminated", results, waveApplied: false };
}
