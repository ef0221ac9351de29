import { isNotFound, type ResourceClient } from "@tracegate/kube";
import type { ApplicationState } from "./application-state.ts";
import { fieldManager, getOrUndefined, refOf } from "./apply.ts";
import { hookFinalizer } from "./health/health.ts";
import type { Manifest } from "./manifest.ts";
import { kindOf } from "./operation-tasks.ts";
import { deletePolicies } from "./sync/hooks.ts";
import { resultOf, type SyncTask } from "./sync/tasks.ts";
import type { ResourceResult } from "./types/application.ts";

// Hooks live under a finalizer of ours while their phase runs, so that nobody cleans them up before they were seen to end.

export function withHookFinalizer(target: Manifest): Manifest {
  const finalizers = [...new Set([...(target.metadata.finalizers ?? []), hookFinalizer])];
  return { ...target, metadata: { ...target.metadata, finalizers } };
}

/** Deletes hooks of earlier syncs that stand in the way; the tasks whose objects are still there are returned. */
export async function clearBeforeCreation(
  { client, state }: { client: ResourceClient; state: ApplicationState },
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
export async function releaseHooks(
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

export async function deleteHook(
  client: ResourceClient,
  state: ApplicationState,
  task: SyncTask,
): Promise<void> {
  await removeHookFinalizer(client, state, task);
  const { live } = task;
  const kind = live === undefined ? undefined : kindOf(state, live);
  if (live === undefined || kind === undefined || live.metadata.deletionTimestamp !== undefined) return;
  await ifThere(() => client.delete(kind, refOf(live), { propagationPolicy: "Foreground" }));
}

async function ifThere(action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
