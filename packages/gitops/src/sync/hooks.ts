import type { ObjectMeta } from "@tracegate/kube";
import type { SyncPhase } from "../types/application.ts";

const hookAnnotation = "argocd.argoproj.io/hook";
const helmHookAnnotation = "helm.sh/hook";
const deletePolicyAnnotation = "argocd.argoproj.io/hook-delete-policy";
const waveAnnotation = "argocd.argoproj.io/sync-wave";

const helmHooks: Readonly<Record<string, SyncPhase>> = {
  "pre-install": "PreSync",
  "pre-upgrade": "PreSync",
  "post-install": "PostSync",
  "post-upgrade": "PostSync",
};

const words = (text: string | undefined): string[] =>
  (text ?? "")
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");

const phases = ["PreSync", "Sync", "PostSync", "SyncFail"] as const;

/** The words that mean something; Helm's count where none of Argo's does. */
function hookTypes({ annotations }: ObjectMeta): ReadonlySet<string> {
  const known = words(annotations?.[hookAnnotation]).filter(
    (word) => word === "Skip" || phases.some((phase) => phase === word),
  );
  if (known.length > 0) return new Set(known);
  return new Set(words(annotations?.[helmHookAnnotation]).flatMap((word) => helmHooks[word] ?? []));
}

/** Whether the object is a hook of any kind, so neither compared nor counted. ⚠ One without a word that is known is a hook, too. */
export function isHook(metadata: ObjectMeta): boolean {
  if (metadata.annotations?.[hookAnnotation] !== undefined) return !isSkipped(metadata);
  const helm = metadata.annotations?.[helmHookAnnotation];
  return helm !== undefined && helm !== "crd-install";
}

/** `argocd.argoproj.io/hook: Skip`: shown, and never applied. */
export function isSkipped(metadata: ObjectMeta): boolean {
  const types = hookTypes(metadata);
  return types.size === 1 && types.has("Skip");
}

/** The phases of a sync in which a hook runs. */
export function phasesOf(metadata: ObjectMeta): readonly SyncPhase[] {
  const types = hookTypes(metadata);
  return phases.filter((phase) => types.has(phase));
}

/** When hooks run that belong to an Application's deletion, not to a sync. */
export type DeletionPhase = "PreDelete" | "PostDelete";

const deletionWords: Readonly<Record<DeletionPhase, readonly string[]>> = {
  PreDelete: ["PreDelete", "pre-delete"],
  PostDelete: ["PostDelete", "post-delete"],
};

export const isDeletionHook = ({ annotations }: ObjectMeta, phase: DeletionPhase): boolean =>
  [hookAnnotation, helmHookAnnotation]
    .flatMap((name) => words(annotations?.[name]))
    .some((word) => deletionWords[phase].includes(word));

export type HookDeletePolicy = "HookSucceeded" | "HookFailed" | "BeforeHookCreation";

const helmPolicies: Readonly<Record<string, HookDeletePolicy>> = {
  "before-hook-creation": "BeforeHookCreation",
  "hook-succeeded": "HookSucceeded",
  "hook-failed": "HookFailed",
};

export function deletePolicies({ annotations }: ObjectMeta): readonly HookDeletePolicy[] {
  const own = words(annotations?.[deletePolicyAnnotation]);
  const known = [
    ...(["HookSucceeded", "HookFailed", "BeforeHookCreation"] as const).filter((policy) =>
      own.includes(policy),
    ),
    ...words(annotations?.["helm.sh/hook-delete-policy"]).flatMap((word) => helmPolicies[word] ?? []),
  ];
  return known.length === 0 ? ["BeforeHookCreation"] : known;
}

/** The sync wave, else Helm's weight; text that is no integer says nothing. */
export function waveOf(metadata: ObjectMeta | undefined): number {
  const texts = [metadata?.annotations?.[waveAnnotation], metadata?.annotations?.["helm.sh/hook-weight"]];
  return Number(texts.find((text) => text !== undefined && /^[+-]?\d+$/.test(text)) ?? 0);
}
