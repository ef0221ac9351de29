import { isNotFound, type ResourceClient } from "@tracegate/kube";
import type { ApplicationState } from "./application-state.ts";
import { refOf } from "./apply.ts";
import { fieldManager } from "./field-manager.ts";
import { hookFinalizer } from "./health/health.ts";
import type { Manifest } from "./manifest.ts";
import { kindOf } from "./operation-tasks.ts";
import { prunePropagation, type SyncOptions } from "./sync/options.ts";
import { hasDeletePolicy } from "./sync/pass.ts";
import { resultOf, type SyncTask } from "./sync/tasks.ts";
import type { ResourceResult } from "./types/application.ts";

/** What hooks are deleted with. */
export interface HookDeleter {
  readonly client: ResourceClient;
  readonly state: ApplicationState;
  readonly options: SyncOptions;
}

// Hooks live under a finalizer of ours while their phase runs, so that nobody cleans them up before they were seen to end.

export function withHookFinalizer(target: Manifest): Manifest {
  const finalizers = [...new Set([...(target.metadata.finalizers ?? []), hookFinalizer])];
  return { ...target, metadata: { ...target.metadata, finalizers } };
}

/** Deletes hooks of earlier syncs that stand in the way; whether there were any, so that their going is waited for. */
export async function clearBeforeCreation(run: HookDeleter, tasks: readonly SyncTask[]): Promise<boolean> {
  const inTheWay = tasks.filter(
    (task) => task.live !== undefined && hasDeletePolicy(task, "BeforeHookCreation"),
  );
  for (const task of inTheWay) await deleteHook(run, task);
  return inTheWay.length > 0;
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

export async function deleteHook({ client, state, options }: HookDeleter, task: SyncTask): Promise<void> {
  await removeHookFinalizer(client, state, task);
  const { live } = task;
  const kind = live === undefined ? undefined : kindOf(state, live);
  if (live === undefined || kind === undefined || live.metadata.deletionTimestamp !== undefined) return;
  await ifThere(() => client.delete(kind, refOf(live), { propagationPolicy: prunePropagation(options) }));
}

async function ifThere(action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
