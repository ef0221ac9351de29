import { resourceHealth } from "../health/health.ts";
import { type Manifest, resultImages } from "../manifest.ts";
import type { HealthStatusCode, OperationPhase, ResourceResult, ResultCode } from "../types/application.ts";
import { deletePolicies, type HookDeletePolicy } from "./hooks.ts";
import { isPrune, resultKey, resultOf, type SyncTask, taskKey, taskText } from "./tasks.ts";

/** What a pass over a running sync begins with. */
export interface PassInput {
  /** In order, joined with what is live now. */
  readonly tasks: readonly SyncTask[];
  /** What earlier passes recorded. */
  readonly results: readonly ResourceResult[];
  readonly message: string;
  /** Tasks whose object is as wanted and is therefore not applied (`ApplyOutOfSyncOnly=true`). */
  readonly needless?: (task: SyncTask) => boolean;
  /** Prunes that somebody has yet to approve (`Prune=confirm`). */
  readonly unapproved?: (task: SyncTask) => boolean;
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
      /** Why the sync fails, when it does. */
      readonly failure?: string;
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
export function planPass(input: PassInput): PassPlan {
  const { tasks, message, needless = () => false, unapproved = () => false } = input;
  const results = judgeRunning(tasks, input.results);
  const phaseOf = (task: SyncTask) => resultOf(task, results)?.hookPhase;
  const running = (task: SyncTask) => phaseOf(task) === "Running";
  const completed = (task: SyncTask) => phaseOf(task) !== undefined && !running(task);

  const waiting = tasks.filter((task) => (hasSeveralSteps(tasks) || task.hook) && running(task));
  if (waiting.length > 0) return { step: "wait", message: waitingMessage(waiting), results };

  const disappearing = tasks.filter(
    (task) =>
      resultOf(task, results)?.status === "Pruned" && task.live?.metadata.deletionTimestamp !== undefined,
  );
  if (disappearing.length > 0) return { step: "wait", message: waitingMessage(disappearing, true), results };

  const finishedHooks = (policy: "HookSucceeded" | "HookFailed") =>
    tasks.filter(
      (task) => task.hook && task.live !== undefined && !running(task) && hasDeletePolicy(task, policy),
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

  const pending = regular.filter((task) => phaseOf(task) === undefined && !needless(task));
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
  const wave = pending.filter(inWave);
  const asking = wave.filter((task) => isPrune(task) && unapproved(task));
  if (asking.length > 0) return { step: "wait", message: approvalMessage(asking), results };
  const last = pending.at(-1);
  return {
    step: "run",
    tasks: wave,
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
  const results = recordOutcomes(plan.results, outcomes);
  const failures = outcomes.filter(({ hookPhase }) => hookPhase === "Failed" || hookPhase === "Error");
  if (plan.failing) {
    // The phase stays as it was, so that the hooks are judged by one pass more.
    if (failures.length === 0) return { step: "wait", message: plan.message, results };
    const second = withReasons(
      "one or more SyncFail hooks failed",
      failures.map((failure) => failure.message),
    );
    const message = `${plan.failure ?? ""}\n${second}`;
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

/** What the hooks of a sync that is to stop have come to, and those still running, which are to be deleted. */
export function planTermination(
  hooks: readonly SyncTask[],
  recorded: readonly ResourceResult[],
): { results: readonly ResourceResult[]; deleteHooks: readonly SyncTask[] } {
  const deleteHooks: SyncTask[] = [];
  const found: ResourceResult[] = [];
  for (const task of hooks) {
    if (task.live === undefined) continue;
    const begun: ResourceResult = resultOf(task, recorded) ?? newResult(task);
    const judged = judgedHook(begun, task.live);
    const stillRuns = judged.hookPhase === "Running";
    if (stillRuns) deleteHooks.push(task);
    found.push(stillRuns ? { ...judged, hookPhase: "Succeeded", message: "Deleted" } : judged);
  }
  return { results: withResults(recorded, found), deleteHooks };
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
    failure: withReasons(text, reasons),
    message,
    results,
    deleteOnSuccess: [],
    deleteOnFailure,
    failureHooks: [],
  };
}

const withReasons = (text: string, reasons: readonly string[]): string =>
  reasons.length === 0 ? text : `${text}, reason: ${reasons.join(",")}`;

/** Whether there is more than one phase or wave; failure hooks are a step of their own. */
function hasSeveralSteps(tasks: readonly SyncTask[]): boolean {
  const [first] = tasks;
  const last = tasks.at(-1);
  return first?.phase !== last?.phase || first?.wave !== last?.wave;
}

export const hasDeletePolicy = ({ target, hook }: SyncTask, policy: HookDeletePolicy): boolean =>
  hook && target !== undefined && deletePolicies(target.metadata).includes(policy);

/** Turns `Running` results into what the live objects say by now. */
function judgeRunning(
  tasks: readonly SyncTask[],
  results: readonly ResourceResult[],
): readonly ResourceResult[] {
  const byKey = new Map(tasks.toReversed().map((task) => [taskKey(task), task])); // the first of each counts
  return results.map((result) => {
    if (result.hookPhase !== "Running") return result;
    const task = byKey.get(resultKey(result));
    if (task?.live === undefined || isPrune(task)) return result;
    return task.hook ? judgedHook(result, task.live) : judgedResource(result, task.live);
  });
}

const hookPhases: Readonly<Record<HealthStatusCode, OperationPhase>> = {
  Healthy: "Succeeded",
  Missing: "Succeeded",
  Progressing: "Running",
  Suspended: "Running",
  Degraded: "Failed",
  Unknown: "Failed",
};

/** A hook that has been judged carries no result code, as upstream 3.1. */
function judgedHook({ status: _status, ...result }: ResourceResult, live: Manifest): ResourceResult {
  const health = resourceHealth(live) ?? {
    status: "Healthy",
    message: `${live.metadata.name} created`,
  };
  return { ...result, ...newMessage(health.message), hookPhase: hookPhases[health.status] };
}

/** Only health and disease end the wait; kinds without health are well when they are there. */
function judgedResource(result: ResourceResult, live: Manifest): ResourceResult {
  const health = resourceHealth(live) ?? { status: "Healthy" };
  if (health.status !== "Healthy" && health.status !== "Degraded") return result;
  return { ...result, ...newMessage(health.message), hookPhase: hookPhases[health.status] };
}

/** The latest message that says something stays. */
const newMessage = (message: string | undefined): { message?: string } =>
  message === undefined || message === "" ? {} : { message };

/** The results with what became of tasks. */
export const recordOutcomes = (
  results: readonly ResourceResult[],
  outcomes: readonly TaskOutcome[],
): readonly ResourceResult[] =>
  withResults(
    results,
    outcomes.map(({ task, ...outcome }) => ({ ...newResult(task), ...outcome })),
  );

function newResult({ key, resultNamespace, version, phase, hook, target, live }: SyncTask): ResourceResult {
  const images = resultImages(target ?? live);
  return {
    group: key.group,
    version,
    kind: key.kind,
    ...(resultNamespace === "" ? {} : { namespace: resultNamespace }),
    name: key.name,
    ...(hook ? { hookType: phase } : {}),
    syncPhase: phase,
    ...(images.length === 0 ? {} : { images }),
  };
}

/** Results stand in the order in which they were first recorded. */
function withResults(
  results: readonly ResourceResult[],
  added: readonly ResourceResult[],
): readonly ResourceResult[] {
  if (added.length === 0) return results;
  const byKey = new Map(results.map((result) => [resultKey(result), result]));
  for (const result of added) byKey.set(resultKey(result), result);
  return [...byKey.values()];
}

/** `Waiting for pruning confirmation of v1/ConfigMap/a and 2 more resources`. */
function approvalMessage(tasks: readonly SyncTask[]): string {
  const [first] = tasks;
  const more = tasks.length - 1;
  const name = `${first?.live?.apiVersion}/${first?.key.kind}/${first?.key.name}`;
  return `Waiting for pruning confirmation of ${name}${more === 0 ? "" : ` and ${more} more resources`}`;
}

/** What is said while hooks of an earlier sync go; those that go by themselves at the end are named. */
export function clearingMessage({ tasks, message }: Extract<PassPlan, { step: "run" }>): string {
  const named = tasks.filter(
    (task) =>
      task.live !== undefined &&
      (hasDeletePolicy(task, "HookSucceeded") || hasDeletePolicy(task, "HookFailed")),
  );
  return named.length === 0 ? message : waitingMessage(named, true);
}

/** `waiting for completion of hook batch/Job/pre and 2 more hooks`. Names the first of the tasks not yet done. */
export function waitingMessage(tasks: readonly SyncTask[], deletion = false): string {
  const [first] = tasks;
  if (first === undefined) return "one or more tasks are running";
  const what = deletion ? "deletion of" : first.hook ? "completion of hook" : "healthy state of";
  const more = tasks.length - 1;
  return `waiting for ${what} ${taskText(first)}${more === 0 ? "" : ` and ${more} more ${first.hook ? "hooks" : "resources"}`}`;
}
