import { resourceHealth } from "../health/health.ts";
import { imagesOf } from "../manifest.ts";
import type { OperationPhase, ResourceResult, ResultCode } from "../types/application.ts";
import { deletePolicies } from "./hooks.ts";
import { isPrune, resultOf, type SyncTask, sameTask, taskText } from "./tasks.ts";

/** What a pass over a running sync begins with. */
export interface PassInput {
  /** In order, joined with what is live now. */
  readonly tasks: readonly SyncTask[];
  /** What earlier passes recorded. */
  readonly results: readonly ResourceResult[];
  readonly message: string;
}

/** What is to be done next. */
export type PassPlan =
  | { readonly step: "wait"; readonly message: string; readonly results: readonly ResourceResult[] }
  | {
      readonly step: "finish";
      readonly phase: OperationPhase;
      readonly message: string;
      readonly results: readonly ResourceResult[];
      readonly deleteHooks: readonly SyncTask[];
    }
  | {
      readonly step: "run";
      /** The tasks of one wave; of the failure hooks when `failing`. */
      readonly tasks: readonly SyncTask[];
      /** What this wave's success leaves to be waited for or done. */
      readonly remaining: readonly SyncTask[];
      readonly finalWave: boolean;
      readonly failing: boolean;
      readonly message: string;
      readonly results: readonly ResourceResult[];
      /** Hooks to delete when the run succeeds as the last one, and when it fails. */
      readonly deleteOnSuccess: readonly SyncTask[];
      readonly deleteOnFailure: readonly SyncTask[];
      readonly failureHooks: readonly SyncTask[];
    };

/** What became of one task. */
export interface TaskOutcome {
  readonly task: SyncTask;
  readonly status: ResultCode;
  readonly hookPhase: OperationPhase;
  readonly message: string;
}

/** Decides a pass: judges what runs, then waits, finishes, or names the tasks of the next wave. */
export function planPass({ tasks, results: recorded, message }: PassInput): PassPlan {
  const results = judgeRunning(tasks, keepKnown(tasks, recorded));
  const phaseOf = (task: SyncTask) => resultOf(task, results)?.hookPhase;
  const running = (task: SyncTask) => phaseOf(task) === "Running";
  const completed = (task: SyncTask) => phaseOf(task) !== undefined && !running(task);

  const steps = new Set(
    tasks.filter(({ phase }) => phase !== "SyncFail").map(({ phase, wave }) => `${phase}/${wave}`),
  );
  const waiting = tasks.filter((task) => (steps.size > 1 || task.hook) && running(task));
  if (waiting.length > 0) return { step: "wait", message: waitingMessage(waiting), results };

  const disappearing = tasks.filter(
    (task) =>
      resultOf(task, results)?.status === "Pruned" && task.live?.metadata.deletionTimestamp !== undefined,
  );
  if (disappearing.length > 0) return { step: "wait", message: waitingMessage(disappearing, true), results };

  const finishedHooks = (policy: "HookSucceeded" | "HookFailed") =>
    tasks.filter(
      (task) =>
        task.hook &&
        task.live !== undefined &&
        !running(task) &&
        deletePolicies(task.live.metadata).includes(policy),
    );
  const deleteOnSuccess = finishedHooks("HookSucceeded");
  const deleteOnFailure = finishedHooks("HookFailed");
  const failureHooks = tasks.filter(({ phase }) => phase === "SyncFail");
  const regular = tasks.filter(({ phase }) => phase !== "SyncFail");

  if (regular.some((task) => completed(task) && phaseOf(task) !== "Succeeded")) {
    const reasons = regular
      .map((task) => resultOf(task, results))
      .flatMap((result) => (result?.status === "SyncFailed" ? [result.message ?? ""] : []));
    return failed("one or more synchronization tasks completed unsuccessfully", reasons, {
      failureHooks,
      results,
      message,
      deleteOnFailure,
    });
  }

  const pending = regular.filter((task) => phaseOf(task) === undefined);
  const next = pending[0];
  if (next === undefined) {
    // A hook just judged has not been offered for deletion by a wave: the sync ends here.
    return {
      step: "finish",
      phase: "Succeeded",
      message: "successfully synced (no more tasks)",
      results,
      deleteHooks: deleteOnSuccess,
    };
  }
  const inWave = (task: SyncTask) => task.phase === next.phase && task.wave === next.wave;
  const last = pending.at(-1);
  return {
    step: "run",
    tasks: pending.filter(inWave),
    remaining: pending.filter((task) => !inWave(task) || task.hook),
    finalWave: last !== undefined && inWave(last),
    failing: false,
    message: "one or more tasks are running",
    results,
    deleteOnSuccess,
    deleteOnFailure,
    failureHooks,
  };
}

/** What a run's outcomes make of the operation. */
export function concludeRun(
  plan: Extract<PassPlan, { step: "run" }>,
  outcomes: readonly TaskOutcome[],
): PassPlan & { step: "wait" | "finish" | "run" } {
  const results = outcomes.reduce(recordOutcome, plan.results);
  const failures = outcomes.filter(({ hookPhase }) => hookPhase === "Failed" || hookPhase === "Error");
  if (plan.failing) {
    // The phase stays as it was, so that the hooks are judged by one pass more.
    if (failures.length === 0) return { step: "wait", message: plan.message, results };
    const message = withReasons(
      "one or more SyncFail hooks failed",
      failures.map((failure) => failure.message),
    );
    return { step: "finish", phase: "Failed", message, results, deleteHooks: [] };
  }
  if (failures.length > 0) {
    const reasons = failures
      .filter(({ status }) => status === "SyncFailed")
      .map((failure) => failure.message);
    return failed("one or more objects failed to apply", reasons, { ...plan, results });
  }
  if (plan.remaining.length === 0) {
    return {
      step: "finish",
      phase: "Succeeded",
      message: "successfully synced (all tasks run)",
      results,
      deleteHooks: plan.deleteOnSuccess,
    };
  }
  return { step: "wait", message: waitingMessage(plan.remaining), results };
}

/** Fails, but runs the failure hooks first where there are any that have not ended. */
function failed(
  text: string,
  reasons: readonly string[],
  context: {
    failureHooks: readonly SyncTask[];
    deleteOnFailure: readonly SyncTask[];
    results: readonly ResourceResult[];
    message: string;
  },
): PassPlan {
  const { failureHooks, deleteOnFailure, results, message } = context;
  const outstanding = failureHooks.filter((task) => {
    const phase = resultOf(task, results)?.hookPhase;
    return phase === undefined || phase === "Running";
  });
  if (outstanding.length === 0) {
    return {
      step: "finish",
      phase: "Failed",
      message: withReasons(text, reasons),
      results,
      deleteHooks: deleteOnFailure,
    };
  }
  return {
    step: "run",
    tasks: outstanding,
    remaining: outstanding,
    finalWave: true,
    failing: true,
    message,
    results,
    deleteOnSuccess: [],
    deleteOnFailure,
    failureHooks: [],
  };
}

const withReasons = (text: string, reasons: readonly string[]): string =>
  reasons.length === 0 ? text : `${text}, reason: ${reasons.join(",")}`;

/** Results of tasks that no longer exist go, except of pruned objects, whose task went with them. */
function keepKnown(tasks: readonly SyncTask[], results: readonly ResourceResult[]): ResourceResult[] {
  return results.filter(
    (result) => result.status === "Pruned" || tasks.some((task) => sameTask(task, result)),
  );
}

/** Turns `Running` results into what the live objects say by now. */
function judgeRunning(
  tasks: readonly SyncTask[],
  results: readonly ResourceResult[],
): readonly ResourceResult[] {
  let judged = results;
  for (const task of tasks) {
    const result = resultOf(task, judged);
    if (result?.hookPhase !== "Running" || task.live === undefined || isPrune(task)) continue;
    const health = resourceHealth(task.live);
    let next: ResourceResult;
    if (task.hook) {
      // A hook that has been judged carries no result code, as upstream.
      const { status: _status, ...rest } = result;
      const message = health?.message;
      switch (health?.status) {
        case undefined:
          next = { ...rest, hookPhase: "Succeeded", message: `${task.key.name} created` };
          break;
        case "Healthy":
          next = { ...rest, hookPhase: "Succeeded", ...(message === undefined ? {} : { message }) };
          break;
        case "Degraded":
        case "Unknown":
          next = { ...rest, hookPhase: "Failed", ...(message === undefined ? {} : { message }) };
          break;
        default:
          next = rest;
      }
    } else if (health === undefined || health.status === "Healthy")
      next = { ...result, hookPhase: "Succeeded" };
    else if (health.status === "Degraded") next = { ...result, hookPhase: "Failed" };
    else continue;
    judged = judged.map((other) => (other === result ? next : other));
  }
  return judged;
}

export function recordOutcome(
  results: readonly ResourceResult[],
  { task, status, hookPhase, message }: TaskOutcome,
): readonly ResourceResult[] {
  const images = imagesOf(task.target ?? task.live);
  const result: ResourceResult = {
    group: task.key.group,
    version: task.version,
    kind: task.key.kind,
    ...(task.key.namespace === "" ? {} : { namespace: task.key.namespace }),
    name: task.key.name,
    status,
    message,
    ...(task.hook ? { hookType: task.phase } : {}),
    hookPhase,
    syncPhase: task.phase,
    ...(images.length === 0 ? {} : { images }),
  };
  const at = results.findIndex((other) => sameTask(task, other));
  return at < 0 ? [...results, result] : results.with(at, result);
}

/** `waiting for completion of hook batch/Job/pre and 2 more hooks`. Names the first of the tasks not yet done. */
export function waitingMessage(tasks: readonly SyncTask[], deletion = false): string {
  const [first] = tasks;
  if (first === undefined) return "one or more tasks are running";
  const what = deletion ? "deletion of" : first.hook ? "completion of hook" : "healthy state of";
  const more = tasks.length - 1;
  return `waiting for ${what} ${taskText(first)}${more === 0 ? "" : ` and ${more} more ${first.hook ? "hooks" : "resources"}`}`;
}
