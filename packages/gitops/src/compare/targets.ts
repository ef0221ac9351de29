import { copyJson } from "@tracegate/kube";
import type { KindCatalogue } from "../kinds.ts";
import { groupOf, keyOf, keyText, type Manifest, versionOf } from "../manifest.ts";
import { isDeletionHook, phasesOf } from "../sync/hooks.ts";
import type { ApplicationCondition } from "../types/application.ts";
import { mark } from "./tracking.ts";

export interface Targets {
  readonly manifests: readonly Manifest[];
  /** Run when the Application is deleted, and are no part of its syncs. */
  readonly deletionHooks: readonly Manifest[];
  readonly conditions: readonly ApplicationCondition[];
}

/** Makes rendered manifests into what is to be: namespaces filled in, one of each, marked as the Application's. */
export function prepareTargets(
  rendered: readonly Manifest[],
  application: string,
  destinationNamespace: string,
  catalogue: KindCatalogue,
): Targets {
  const conditions: ApplicationCondition[] = [];
  const deletionHooks: Manifest[] = [];
  const byKey = new Map<string, Manifest>();
  const counts = new Map<string, number>();
  for (const manifest of rendered) {
    const target = copyJson(manifest);
    const namespaced = isNamespaced(target, catalogue);
    if (!namespaced) delete target.metadata.namespace;
    else if (target.metadata.namespace === undefined || target.metadata.namespace === "") {
      if (destinationNamespace === "") {
        const name = `${target.metadata.name} ${groupOf(target)}/${versionOf(target)}, Kind=${target.kind}`;
        conditions.push({ type: "InvalidSpecError", message: `Namespace for ${name} is missing.` });
      } else target.metadata.namespace = destinationNamespace;
    }
    mark(target, application, destinationNamespace);
    const { metadata } = target;
    if (isDeletionHook(metadata, "PreDelete") || isDeletionHook(metadata, "PostDelete")) {
      deletionHooks.push(target);
      if (phasesOf(metadata).length === 0) continue;
    }
    // Hooks that only have a generateName are different objects each.
    const unnamed = target.metadata.name === undefined || target.metadata.name === "";
    const key = unnamed ? `${keyText(keyOf(target))}#${byKey.size}` : keyText(keyOf(target));
    counts.set(key, (counts.get(key) ?? 0) + 1);
    byKey.delete(key); // the last one is used, and stands where it stands
    byKey.set(key, target);
  }
  for (const [key, count] of counts) {
    if (count < 2) continue;
    conditions.push({
      type: "RepeatedResourceWarning",
      message: `Resource ${key} appeared ${count} times among application resources.`,
    });
  }
  return { manifests: [...byKey.values()], deletionHooks, conditions };
}

/** Kinds the API does not serve (yet) are taken to be namespaced, as upstream does. */
export function isNamespaced(manifest: Manifest, catalogue: KindCatalogue): boolean {
  const found = catalogue.find(manifest);
  if (found !== undefined && "kind" in found) return found.kind.namespaced;
  const other = catalogue.all.find((kind) => kind.group === groupOf(manifest) && kind.kind === manifest.kind);
  return other?.namespaced ?? true;
}
