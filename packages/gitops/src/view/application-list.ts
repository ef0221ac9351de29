import { sourceOf } from "../spec.ts";
import type { Application } from "../types/application.ts";
import { renderTable } from "./table.ts";

/** `argocd app list`; without `wide`, the columns that say where the source is are left out. */
export function renderApplicationList(
  applications: readonly Application[],
  options: { wide: boolean } = { wide: true },
): string {
  const header = ["NAME", "CLUSTER", "NAMESPACE", "PROJECT", "STATUS", "HEALTH", "SYNCPOLICY", "CONDITIONS"];
  const rows = applications.map((application) => {
    const { spec, status } = application;
    const source = sourceOf(spec);
    return [
      qualifiedName(application),
      spec.destination.server ?? spec.destination.name ?? "",
      spec.destination.namespace ?? "",
      spec.project,
      status?.sync?.status ?? "",
      status?.health?.status ?? "",
      syncPolicyText(application, { automated: "Auto", pruning: "Auto-Prune" }),
      conditionTypes(application),
      ...(options.wide ? [source?.repoURL ?? "", source?.path ?? "", source?.targetRevision ?? ""] : []),
    ];
  });
  return `${renderTable([[...header, ...(options.wide ? ["REPO", "PATH", "TARGET"] : [])], ...rows]).join("\n")}\n`;
}

export function qualifiedName({ metadata: { namespace, name } }: Application): string {
  return namespace === undefined || namespace === "" ? name : `${namespace}/${name}`;
}

export function syncPolicyText({ spec }: Application, words: { automated: string; pruning: string }): string {
  const automated = spec.syncPolicy?.automated;
  if (automated === undefined || automated.enabled === false) return "Manual";
  return automated.prune === true ? words.pruning : words.automated;
}

/** `SyncError,SharedResourceWarning(2)`, sorted; `<none>`. */
function conditionTypes({ status }: Application): string {
  const counts = new Map<string, number>();
  for (const { type } of status?.conditions ?? []) counts.set(type, (counts.get(type) ?? 0) + 1);
  if (counts.size === 0) return "<none>";
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([type, count]) => (count > 1 ? `${type}(${count})` : type))
    .join(",");
}
