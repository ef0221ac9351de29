import type { KubeObject, ObjectMeta } from "@tracegate/kube";

const optionsAnnotation = "argocd.argoproj.io/sync-options";

/** Sync options such as `Prune=false`, of an operation or in a resource's annotation. */
export type SyncOptions = ReadonlyMap<string, string>;

export function parseSyncOptions(list: readonly string[] | undefined): SyncOptions {
  const options = new Map<string, string>();
  for (const option of list ?? []) {
    const equals = option.indexOf("=");
    if (equals > 0) options.set(option.slice(0, equals).trim(), option.slice(equals + 1).trim());
  }
  return options;
}

/** An option of a resource; where it says nothing, of the operation. */
export function optionOf(
  name: string,
  metadata: ObjectMeta | undefined,
  operation: SyncOptions,
): string | undefined {
  return resourceOptions(metadata).get(name) ?? operation.get(name);
}

export function resourceOptions(metadata: ObjectMeta | undefined): SyncOptions {
  return parseSyncOptions(metadata?.annotations?.[optionsAnnotation]?.split(","));
}

/** How objects go that are pruned or are hooks that have ended (`PrunePropagationPolicy`). */
export function prunePropagation(options: SyncOptions): "Foreground" | "Background" | "Orphan" {
  const policy = options.get("PrunePropagationPolicy");
  return policy === "background" ? "Background" : policy === "orphan" ? "Orphan" : "Foreground";
}

/** Whether someone approved of deletions at or after a time (`argocd.argoproj.io/deletion-approved` on the Application). */
export function isDeletionApproved({ metadata }: Pick<KubeObject, "metadata">, since: string): boolean {
  const approved = metadata.annotations?.["argocd.argoproj.io/deletion-approved"];
  return approved !== undefined && Date.parse(approved) >= Date.parse(since);
}
