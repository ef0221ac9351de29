import type { ObjectMeta } from "@tracegate/kube";
import type { SyncPhase } from "../types/application.ts";

const hookAnnotation = "argocd.argoproj.io/hook";
const helmHookAnnotation = "helm.sh/hook";
const deletePolicyAnnotation = "argocd.argoproj.io/hook-delete-policy";
const waveAnnotation = "argocd.argoproj.io/sync-wave";

const helmHooks: Readonly<Record<string, string>> = {
  "pre-install": "PreSync",
  "pre-upgrade": "PreSync",
  "post-install": "PostSync",
  "post-upgrade": "PostSync",
  "pre-delete": "PreDelete",
  "post-delete": "PostDelete",
};

const words = (text: string | undefined): string[] =>
  (text ?? "")
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");

function hookWords(metadata: ObjectMeta): readonly string[] {
  const own = metadata.annotations?.[hookAnnotation];
  if (own !== undefined) return words(own);
  return words(metadata.annotations?.[helmHookAnnotation]).flatMap((word) => helmHooks[word] ?? []);
}

/** Whether the object is a hook of any kind, so neither compared nor counted. */
export function isHook(metadata: ObjectMeta): boolean {
  return hookWords(metadata).some((word) =>
    ["PreSync", "Sync", "PostSync", "SyncFail", "PreDelete", "PostDelete"].includes(word),
  );
}

/** `argocd.argoproj.io/hook: Skip`, or an annotation without any valid word: never applied. */
export function isSkipped(metadata: ObjectMeta): boolean {
  const own = metadata.annotations?.[hookAnnotation];
  return own !== undefined && !isHook(metadata);
}

/** The phases of a sync in which a hook runs. */
export function phasesOf(metadata: ObjectMeta): readonly SyncPhase[] {
  const listed = hookWords(metadata);
  return (["PreSync", "Sync", "PostSync", "SyncFail"] as const).filter((phase) => listed.includes(phase));
}

/** When hooks run that belong to an Application's deletion, not to a sync. */
export type DeletionPhase = "PreDelete" | "PostDelete";

export const isDeletionHook = (metadata: ObjectMeta, phase: DeletionPhase): boolean =>
  hookWords(metadata).includes(phase);

export type HookDeletePolicy = "HookSucceeded" | "HookFailed" | "BeforeHookCreation";

export function deletePolicies(metadata: ObjectMeta): readonly HookDeletePolicy[] {
  const listed = words(metadata.annotations?.[deletePolicyAnnotation]);
  const known = (["HookSucceeded", "HookFailed", "BeforeHookCreation"] as const).filter((policy) =>
    listed.includes(policy),
  );
  return known.length === 0 ? ["BeforeHookCreation"] : known;
}

/** The sync wave; text that is no integer counts as 0. */
export function waveOf(metadata: ObjectMeta | undefined): number {
  const text = metadata?.annotations?.[waveAnnotation] ?? metadata?.annotations?.["helm.sh/hook-weight"];
  return text !== undefined && /^[+-]?\d+$/.test(text.trim()) ? Number(text) : 0;
}
