import { isNotFound, type Kind, type ResourceClient, StatusError } from "@tracegate/kube";
import type { ApplicationState } from "./application-state.ts";
import { type ApplyOptions, applyTarget, fieldManager, getOrUndefined, refOf, resultName } from "./apply.ts";
import { hookFinalizer } from "./health/health.ts";
import { discoverKinds } from "./kinds.ts";
import { groupOf, keyOf, keyText, type Manifest, versionOf } from "./manifest.ts";
import { kindRefusal } from "./project.ts";
import { deletePolicies, isHook } from "./sync/hooks.ts";
import { optionOf, parseSyncOptions, resourceOptions, type SyncOptions } from "./sync/options.ts";
import { concludeRun, type PassPlan, planPass, recordOutcome, type TaskOutcome } from "./sync/pass.ts";
import { isPrune, kindRank, nameHook, planTasks, resultOf, type SyncTask } from "./sync/tasks.ts";
import type { Application, OperationPhase, OperationState, ResourceResult } from "./types/application.ts";

/** What one pass over a sync came to. */
export interface PassOutcome {
  readonly phase: OperationPhase;
  readonly message: string;
  readonly results: readonly ResourceResult[];
  /** The next pass waits: a wave was applied and others follow. */
  readonly waveApplied: boolean;
}

export interface SyncRequest {
  readonly application: Application;
  readonly operation: OperationState;
  readonly revision: string;
  readonly state: ApplicationState;
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

interface TaskRunner {
  readonly client: ResourceClient;
  readonly state: ApplicationState;
  readonly options: SyncOptions;
  readonly prune: boolean;
  readonly application: Application;
}

async function tasksOf(
  client: ResourceClient,
  { application, operation, revision, state }: SyncRequest,
  options: SyncOptions,
): Promise<SyncTask[]> {
  const sync = operation.operation.sync ?? {};
  const partial = (sync.resources?.length ?? 0) > 0;
  const chosen = (object: Manifest) =>
    !partial ||
    sync.resources?.some(
      ({ group = "", kind, name, namespace }) =>
        group === groupOf(object) &&
        kind === object.kind &&
        name === object.metadata.name &&
        (namespace === undefined || namespace === "" || namespace === object.metadata.namespace),
    ) === true;
  const liveBy = new Map(state.live.objects.map((object) => [keyText(keyOf(object)), object]));
  const startedAt = Math.floor(Date.parse(operation.startedAt) / 1000);
  const resources: { target?: Manifest; live?: Manifest }[] = [];
  for (const { target, live } of state.comparison.resources) {
    const object = target ?? live;
    if (object === undefined || !chosen(object) || (target === undefined && isHook(object.metadata)))
      continue;
    resources.push({ ...(target === undefined ? {} : { target }), ...(live === undefined ? {} : { live }) });
  }
  for (const hook of (state.targets ?? []).filter(({ metadata }) => isHook(metadata))) {
    const target = nameHook(hook, revision, "Sync", startedAt);
    const live = liveBy.get(keyText(keyOf(target)));
    resources.push({ target, ...(live === undefined ? {} : { live }) });
  }
  const namespace = await namespaceTask(client, application, state, options);
  return planTasks({
    resources,
    skipHooks: partial || sync.syncStrategy?.apply !== undefined,
    destinationNamespace: application.spec.destination.namespace ?? "",
    ...(namespace === undefined ? {} : { namespace }),
    pruneLast: (live) => optionOf("PruneLast", live.metadata, options) === "true",
  });
}

/** `CreateNamespace=true`: the destination namespace, when it is missing or its metadata are managed. */
async function namespaceTask(
  client: ResourceClient,
  application: Application,
  state: ApplicationState,
  options: SyncOptions,
) {
  const { namespace = "" } = application.spec.destination;
  if (!optionIs(options, "CreateNamespace") || namespace === "") return undefined;
  if (state.targets?.some((target) => target.kind === "Namespace" && target.metadata.name === namespace))
    return undefined;
  const managed = application.spec.syncPolicy?.managedNamespaceMetadata;
  const target: Manifest = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, ...managed } };
  const kind = kindOf(state, target);
  const live = kind === undefined ? undefined : await getOrUndefined(client, kind, target);
  if (live !== undefined && managed === undefined) return undefined;
  return { target, ...(live === undefined ? {} : { live }) };
}

/** Why a task cannot be done at all: its kind is not served, or the project forbids it. */
function refusalOfTask(
  task: SyncTask,
  state: ApplicationState,
  tasks: readonly SyncTask[],
  application: Application,
): string | undefined {
  const object = task.target ?? task.live;
  if (object === undefined) return undefined;
  const found = state.catalogue.find(object);
  const { group, kind, namespace, name } = task.key;
  const where = namespace === "" ? name : `${namespace}/${name}`;
  if (found === undefined) {
    const defined = tasks.some(
      ({ target }) => target?.kind === "CustomResourceDefinition" && definesKind(target, group, kind),
    );
    if (defined) return undefined;
    return `The Kubernetes API could not find ${group}/${kind} for requested resource ${where}. Make sure the "${kind}" CRD is installed on the destination cluster.`;
  }
  if ("otherVersion" in found) {
    return `The Kubernetes API could not find version "${versionOf(object)}" of ${group}/${kind} for requested resource ${where}. Version "${found.otherVersion}" of ${group}/${kind} is installed on the destination cluster.`;
  }
  if (state.project === undefined || isOwnNamespace(task, application)) return undefined;
  return kindRefusal(state.project, { group, kind, namespaced: found.kind.namespaced });
}

function definesKind(definition: Manifest, group: string, kind: string): boolean {
  const spec = definition["spec"] as { group?: string; names?: { kind?: string } } | undefined; // a CRD's own shape
  return spec?.group === group && spec?.names?.kind === kind;
}

const isOwnNamespace = ({ key, target }: SyncTask, application: Application): boolean =>
  target !== undefined &&
  key.kind === "Namespace" &&
  key.group === "" &&
  key.name === application.spec.destination.namespace;

function onlyOutOfSync(tasks: readonly SyncTask[], state: ApplicationState): readonly SyncTask[] {
  const synced = new Set(
    state.comparison.resources
      .filter(({ status }) => status.status === "Synced")
      .map(({ key }) => keyText(key)),
  );
  return tasks.filter((task) => task.hook || !synced.has(keyText(task.key)));
}

/** Prunes all at once, then one group of kinds after another; within a group in parallel. */
async function runTasks(
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

const optionIs = (options: SyncOptions, name: string): boolean => options.get(name) === "true";

function withHookFinalizer(target: Manifest): Manifest {
  const finalizers = [...new Set([...(target.metadata.finalizers ?? []), hookFinalizer])];
  return { ...target, metadata: { ...target.metadata, finalizers } };
}

/** Deletes hooks of earlier syncs that stand in the way; the tasks whose objects are still there are returned. */
async function clearBeforeCreation(
  { client, state }: TaskRunner,
  tasks: readonly SyncTask[],
): Promise<SyncTask[]> {
  const left: SyncTask[] = [];
  for (const task of tasks) {
    const { live, target } = task;
    if (!task.hook || live === undefined || target === undefined) continue;
    if (!deletePolicies(target.metadata).includes("BeforeHookCreation")) continue;
    await deleteHook(client, state, task);
    const kind = kindOf(state, live);
    if (kind !== undefined && (await getOrUndefined(client, kind, live)) !== undefined) left.push(task);
  }
  return left;
}

/** Lets go of hooks that have ended, so that whoever cleans them up may. */
async function releaseHooks(
  client: ResourceClient,
  state: ApplicationState,
  tasks: readonly SyncTask[],
  results: readonly ResourceResult[],
) {
  for (const task of tasks) {
    const phase = resultOf(task, results)?.hookPhase;
    if (task.hook && phase !== undefined && phase !== "Running")
      await removeHookFinalizer(client, state, task);
  }
}

async function removeHookFinalizer(
  client: ResourceClient,
  state: ApplicationState,
  { live }: SyncTask,
): Promise<void> {
  if (live?.metadata.finalizers?.includes(hookFinalizer) !== true) return;
  const kind = kindOf(state, live);
  if (kind === undefined) return;
  const finalizers = live.metadata.finalizers.filter((finalizer) => finalizer !== hookFinalizer);
  await ifThere(() =>
    client.patch(kind, refOf(live), { type: "merge", body: { metadata: { finalizers } } }, { fieldManager }),
  );
}

async function deleteHook(client: ResourceClient, state: ApplicationState, task: SyncTask): Promise<void> {
  await removeHookFinalizer(client, state, task);
  const { live } = task;
  const kind = live === undefined ? undefined : kindOf(state, live);
  if (live === undefined || kind === undefined || live.metadata.deletionTimestamp !== undefined) return;
  await ifThere(() => client.delete(kind, refOf(live), { propagationPolicy: "Foreground" }));
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

async function ifThere(action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function kindOf(state: ApplicationState, object: Manifest): Kind<Manifest> | undefined {
  const found = state.catalogue.find(object);
  return found !== undefined && "kind" in found ? found.kind : undefined;
}

/** A kind whose definition this very sync created is not in the catalogue yet. */
async function kindNow(
  client: ResourceClient,
  state: ApplicationState,
  object: Manifest,
): Promise<Kind<Manifest> | undefined> {
  const known = kindOf(state, object);
  if (known !== undefined) return known;
  const found = (await discoverKinds(client)).find(object);
  return found !== undefined && "kind" in found ? found.kind : undefined;
}
