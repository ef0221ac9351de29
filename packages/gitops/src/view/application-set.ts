import { sourceOf } from "../spec.ts";
import type { ApplicationSet } from "../types/application-set.ts";
import { goTime, label } from "./application.ts";
import { renderTable } from "./table.ts";

/** `argocd appset list`; without `wide`, the columns that say where the source is are left out. */
export function renderApplicationSetList(
  sets: readonly ApplicationSet[],
  options: { wide: boolean } = { wide: true },
): string {
  const header = ["NAME", "PROJECT", "SYNCPOLICY", "CONDITIONS"];
  const rows = sets.map((set) => {
    const source = sourceOf(set.spec.template.spec);
    return [
      qualified(set),
      set.spec.template.spec.project || "default",
      policyText(set),
      conditionsText(set),
      ...(options.wide ? [source?.repoURL ?? "", source?.path ?? "", source?.targetRevision ?? ""] : []),
    ];
  });
  const table = [[...header, ...(options.wide ? ["REPO", "PATH", "TARGET"] : [])], ...rows];
  return `${renderTable(table).join("\n")}\n`;
}

/** `argocd appset get`. Templates are shown as they are. */
export function renderApplicationSet(set: ApplicationSet): string {
  const { spec } = set.spec.template;
  const source = sourceOf(spec);
  const automated = spec.syncPolicy?.automated;
  const policy =
    automated === undefined ? "<none>" : `Automated${automated.prune === true ? " (Prune)" : ""}`;
  const conditions = (set.status?.conditions ?? []).map(({ type, status, message, lastTransitionTime }) => [
    type,
    status,
    message ?? "",
    goTime(lastTransitionTime),
  ]);
  const lines = [
    label("Name:", qualified(set)),
    label("Project:", spec.project || "default"),
    label("Server:", spec.destination.server ?? spec.destination.name ?? ""),
    label("Namespace:", spec.destination.namespace ?? ""),
    "Source:",
    label("- Repo:", source?.repoURL ?? ""),
    label("  Target:", source?.targetRevision ?? ""),
    label("  Path:", source?.path ?? ""),
    label("SyncPolicy:", policy),
    "",
    ...renderTable([["CONDITION", "STATUS", "MESSAGE", "LAST TRANSITION"], ...conditions]),
  ];
  return `${lines.join("\n")}\n`;
}

const qualified = ({ metadata: { namespace, name } }: ApplicationSet): string =>
  namespace === undefined || namespace === "" ? name : `${namespace}/${name}`;

/** ⚠ The two raw columns are Go's way to print structures, as the original does. */
function policyText({ spec: { syncPolicy } }: ApplicationSet): string {
  if (syncPolicy === undefined) return "nil";
  const { preserveResourcesOnDeletion = false, applicationsSync } = syncPolicy;
  const sync = applicationsSync === undefined ? "nil" : `*${applicationsSync}`;
  return `&ApplicationSetSyncPolicy{PreserveResourcesOnDeletion:${preserveResourcesOnDeletion},ApplicationsSync:${sync},}`;
}

function conditionsText({ status }: ApplicationSet): string {
  const texts = (status?.conditions ?? [])
    .filter((condition) => condition.status === "True")
    .map(
      ({ type, message, lastTransitionTime, reason }) =>
        `{${type} ${message} ${goTime(lastTransitionTime)} True ${reason}}`,
    );
  return `[${texts.join(" ")}]`;
}
