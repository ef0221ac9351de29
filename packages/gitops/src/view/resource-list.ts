import { resourceHealth } from "../health/health.ts";
import { keyOf, keyText, type Manifest } from "../manifest.ts";
import type { Application } from "../types/application.ts";
import { age } from "./age.ts";
import { renderTable } from "./table.ts";

export interface ResourceListOptions {
  /** What belongs to no Application. */
  readonly orphans?: readonly Manifest[];
  readonly onlyOrphans?: boolean;
  /** Ages and healths of the live objects, by key, are shown too. */
  readonly detailed?: { readonly live: ReadonlyMap<string, Manifest | undefined>; readonly now: number };
}

/** `argocd app resources`. */
export function renderResourceList({ status }: Application, options: ResourceListOptions = {}): string {
  const { orphans = [], onlyOrphans = false, detailed } = options;
  const details = (live: Manifest | undefined) =>
    detailed === undefined
      ? []
      : [
          live === undefined ? "" : age(live, detailed.now),
          live === undefined ? "" : (resourceHealth(live)?.status ?? ""),
          "",
        ];
  const own = (status?.resources ?? []).map(({ group = "", kind, namespace = "", name }) => [
    group,
    kind,
    namespace,
    name,
    "No",
    ...details(detailed?.live.get(keyText({ group, kind, namespace, name }))),
  ]);
  const unowned = orphans
    .filter(({ metadata }) => (metadata.ownerReferences?.length ?? 0) === 0)
    .map((object) => {
      const { group, kind, namespace, name } = keyOf(object);
      return [group, kind, namespace, name, "Yes", ...details(object)];
    });
  const header = [
    "GROUP",
    "KIND",
    "NAMESPACE",
    "NAME",
    "ORPHANED",
    ...(detailed === undefined ? [] : ["AGE", "HEALTH", "REASON"]),
  ];
  return `${renderTable([header, ...(onlyOrphans ? [] : own), ...unowned]).join("\n")}\n`;
}
