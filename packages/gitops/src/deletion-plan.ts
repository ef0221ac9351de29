import { resourceHealth, worstHealth } from "./health/health.ts";
import { keyOf, keyText, type Manifest } from "./manifest.ts";
import { type DeletionPhase, deletePolicies, isDeletionHook, waveOf } from "./sync/hooks.ts";
import { isDeletionApproved, optionOf, parseSyncOptions } from "./sync/options.ts";
import type { Application } from "./types/application.ts";

export const resourcesFinalizer = "resources-finalizer.argocd.argoproj.io";
const hookFinalizers: Readonly<Record<DeletionPhase, string>> = {
  PreDelete: "pre-delete-finalizer.argocd.argoproj.io",
  PostDelete: "post-delete-finalizer.argocd.argoproj.io",
};
const cleanup = (phase: DeletionPhase): string => `${hookFinalizers[phase]}/cleanup`;

const cascades = (finalizer: string): boolean =>
  finalizer === resourcesFinalizer || finalizer.startsWith(`${resourcesFinalizer}/`);

/** Finalizers that this package works off when an Application goes. */
export const isOwnFinalizer = (finalizer: string): boolean =>
  cascades(finalizer) ||
  Object.values(hookFinalizers).some((own) => finalizer === own || finalizer === `${own}/cleanup`);

/** What an Application that is being deleted needs next. */
export type DeletionStep =
  /** Nothing of it is ours to do any more. */
  | { readonly do: "nothing" }
  /** Something has to go, to end or to be approved first. */
  | { readonly do: "wait" }
  | { readonly do: "create"; readonly hooks: readonly Manifest[] }
  | {
      readonly do: "delete";
      readonly objects: readonly Manifest[];
      readonly propagationPolicy: "Foreground" | "Background";
    }
  /** A finalizer has done its work. */
  | { readonly do: "release"; readonly finalizer: string };

export interface DeletionInput {
  readonly application: Application;
  /** Live objects with the Application's mark. */
  readonly objects: readonly Manifest[];
  /** `PreDelete` and `PostDelete` hooks of the target state. */
  readonly hooks: readonly Manifest[];
}

/** Decides the next step of a deletion: hooks before, resources wave by wave, hooks after, each with its finalizer. */
export function planDeletion(input: DeletionInput): DeletionStep {
  const finalizers = input.application.metadata.finalizers ?? [];
  const cascade = finalizers.find(cascades);
  const steps: readonly (readonly [finalizer: string | undefined, step: () => DeletionStep])[] = [
    [hookFinalizers.PreDelete, () => runHooks("PreDelete", input)],
    [cleanup("PreDelete"), () => cleanHooks("PreDelete", input)],
    [cascade, () => deleteResources(cascade ?? "", input)],
    [hookFinalizers.PostDelete, () => runHooks("PostDelete", input)],
    [cleanup("PostDelete"), () => cleanHooks("PostDelete", input)],
  ];
  const next = steps.find(([finalizer]) => finalizer !== undefined && finalizers.includes(finalizer));
  return next?.[1]() ?? { do: "nothing" };
}

/** The Application's finalizers, with those that its target state's deletion hooks need; undefined when they are right. */
export function finalizersFor(
  application: Application,
  hooks: readonly Manifest[],
): readonly string[] | undefined {
  const before = application.metadata.finalizers ?? [];
  const after = [...before];
  for (const phase of ["PreDelete", "PostDelete"] as const) {
    const needed = hooks.some(({ metadata }) => isDeletionHook(metadata, phase));
    for (const finalizer of [hookFinalizers[phase], cleanup(phase)]) {
      const at = after.indexOf(finalizer);
      if (needed && at < 0) after.push(finalizer);
      if (!needed && at >= 0) after.splice(at, 1);
    }
  }
  return after.join() === before.join() ? undefined : after;
}

/** A failed hook holds a deletion up only before anything is gone. */
function runHooks(phase: DeletionPhase, { objects, hooks }: DeletionInput): DeletionStep {
  const live = new Map(objects.map((object) => [keyText(keyOf(object)), object]));
  const wanted = hooks.filter(({ metadata }) => isDeletionHook(metadata, phase));
  const missing = wanted.filter((hook) => !live.has(keyText(keyOf(hook))));
  if (missing.length > 0) return { do: "create", hooks: missing };
  const states = wanted.flatMap((hook) => {
    const object = live.get(keyText(keyOf(hook)));
    return object === undefined ? [] : (resourceHealth(object)?.status ?? "Healthy");
  });
  const unfinished = states.some((status) =>
    phase === "PreDelete" ? status !== "Healthy" : status === "Progressing",
  );
  return unfinished ? { do: "wait" } : { do: "release", finalizer: hookFinalizers[phase] };
}

function cleanHooks(phase: DeletionPhase, { objects }: DeletionInput): DeletionStep {
  const hooks = objects.filter(({ metadata }) => isDeletionHook(metadata, phase));
  const health = worstHealth(hooks.flatMap((hook) => resourceHealth(hook)?.status ?? []));
  const policy = { Healthy: "HookSucceeded", Degraded: "HookFailed" }[health as string]; // the other states end no hook
  const doomed = hooks.filter(({ metadata }) => deletePolicies(metadata).some((own) => own === policy));
  if (doomed.length === 0) return { do: "release", finalizer: cleanup(phase) };
  const standing = doomed.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  return standing.length === 0
    ? { do: "wait" }
    : { do: "delete", objects: standing, propagationPolicy: "Background" };
}

function deleteResources(finalizer: string, { application, objects }: DeletionInput): DeletionStep {
  const doomed = objects.filter((object) => mayBeDeleted(object, application));
  if (doomed.length === 0) return { do: "release", finalizer };
  if (objects.some(({ metadata }) => metadata.deletionTimestamp !== undefined)) return { do: "wait" };
  const asks = doomed.some((object) => deleteOption(object, application) === "confirm");
  const since = application.metadata.deletionTimestamp ?? "";
  if (asks && !isDeletionApproved(application, since)) return { do: "wait" };
  const wave = Math.max(...doomed.map(({ metadata }) => waveOf(metadata)));
  return {
    do: "delete",
    objects: doomed.filter(({ metadata }) => waveOf(metadata) === wave),
    propagationPolicy: finalizer.endsWith("/background") ? "Background" : "Foreground",
  };
}

const deleteOption = ({ metadata }: Manifest, { spec }: Application): string | undefined =>
  optionOf("Delete", metadata, parseSyncOptions(spec.syncPolicy?.syncOptions));

function mayBeDeleted(object: Manifest, application: Application): boolean {
  if (object.kind === "CustomResourceDefinition") return false;
  const { name, namespace } = application.metadata;
  const itself =
    object.kind === "Application" && object.metadata.name === name && object.metadata.namespace === namespace;
  if (itself) return false;
  if (object.metadata.annotations?.["helm.sh/resource-policy"] === "keep") return false;
  return deleteOption(object, application) !== "false";
}
