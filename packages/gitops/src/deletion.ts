import { isNotFound, type Kind, type ResourceClient } from "@tracegate/kube";
import type { StateReader } from "./application-state.ts";
import { refOf } from "./apply.ts";
import { type DeletionStep, isOwnFinalizer, planDeletion } from "./deletion-plan.ts";
import { fieldManager } from "./field-manager.ts";
import { SourceError } from "./git/repositories.ts";
import { discoverKinds, type KindCatalogue } from "./kinds.ts";
import { readLive } from "./live-objects.ts";
import type { Manifest } from "./manifest.ts";
import { invalidDestination } from "./spec.ts";
import { Application } from "./types/application.ts";

/**
 * Brings a deletion on as far as it goes without waiting, and returns the identities still waited for. Without a
 * finalizer of ours nothing is touched. Rejects with the reason when it cannot go on.
 */
export async function deleteApplication(
  client: ResourceClient,
  states: StateReader,
  application: Application,
): Promise<ReadonlySet<string>> {
  let current = application;
  for (;;) {
    const own = (current.metadata.finalizers ?? []).filter(isOwnFinalizer);
    if (own.length === 0) return new Set();
    // Nothing can be reached there, so nothing there is waited for.
    if (invalidDestination(current.spec.destination) !== undefined) {
      await releaseFinalizers(client, current, own);
      return new Set();
    }
    const catalogue = await discoverKinds(client);
    const hooks = await deletionHooksOf(states, current);
    const { objects, uids } = await readLive(client, catalogue, {
      application: current.metadata.name,
      destinationNamespace: current.spec.destination.namespace ?? "",
      targets: hooks,
      known: current.status?.resources ?? [],
      everyKind: true,
    });
    const step = planDeletion({ application: current, objects, hooks });
    if (step.do === "nothing" || step.do === "wait") return uids;
    current = await carryOut(client, catalogue, current, step);
  }
}

/** Hooks are asked for only while a finalizer says that there are some: the repository may be gone by now. */
async function deletionHooksOf(states: StateReader, application: Application): Promise<readonly Manifest[]> {
  const pending = (application.metadata.finalizers ?? []).some((finalizer) =>
    /^(pre|post)-delete-finalizer\.argocd\.argoproj\.io$/.test(finalizer),
  );
  if (!pending) return [];
  const state = await states.read(application, { fresh: false, render: false, everyKind: false });
  if (state.deletionHooks !== undefined) return state.deletionHooks;
  throw new SourceError(state.refused?.message ?? state.conditions[0]?.message ?? "no target state");
}

/** Returns the Application as it is afterwards. */
async function carryOut(
  client: ResourceClient,
  catalogue: KindCatalogue,
  application: Application,
  step: DeletionStep,
): Promise<Application> {
  const kindOf = (object: Manifest): Kind<Manifest> | undefined => {
    const found = catalogue.find(object);
    return found !== undefined && "kind" in found ? found.kind : undefined;
  };
  if (step.do === "release") return await releaseFinalizers(client, application, [step.finalizer]);
  if (step.do === "create") {
    for (const hook of step.hooks) {
      const kind = kindOf(hook);
      if (kind === undefined) throw new SourceError(`no matches for kind "${hook.kind}"`);
      await client.create(kind, hook, { fieldManager });
    }
  }
  if (step.do === "delete") {
    const { propagationPolicy } = step;
    for (const object of step.objects) {
      const kind = kindOf(object);
      if (kind !== undefined) await unlessGone(client.delete(kind, refOf(object), { propagationPolicy }));
    }
  }
  return application;
}

async function releaseFinalizers(
  client: ResourceClient,
  application: Application,
  done: readonly string[],
): Promise<Application> {
  const finalizers = (application.metadata.finalizers ?? []).filter((finalizer) => !done.includes(finalizer));
  const body = { metadata: { finalizers } };
  const released = await unlessGone(
    client.patch(Application, refOf(application), { type: "merge", body }, { fieldManager }),
  );
  return released ?? { ...application, metadata: { ...application.metadata, finalizers } };
}

async function unlessGone<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
