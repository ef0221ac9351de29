import { sourceOf } from "../spec.ts";
import type { SyncWindow } from "../types/app-project.ts";
import type { Application, Health, ResourceResult, ResourceStatus } from "../types/application.ts";
import type { AssignedWindows } from "../windows.ts";
import { qualifiedName, syncPolicyText } from "./application-list.ts";
import { renderTable } from "./table.ts";

export interface ApplicationViewOptions {
  /** Where a browser shows the Application. */
  readonly url?: string;
  /** Health of live objects, which the stored status leaves out; by `group/kind/namespace/name`. */
  readonly health?: ReadonlyMap<string, Health>;
  readonly showOperation?: boolean;
  /** What a running operation's duration is counted to. */
  readonly now?: number;
  /** Those of its project that concern it. */
  readonly windows?: AssignedWindows;
}

/** `argocd app get`. */
export function renderApplication(application: Application, options: ApplicationViewOptions = {}): string {
  const lines = [...renderSummary(application, options.url, options.windows), ""];
  const conditions = application.status?.conditions ?? [];
  if (conditions.length > 0) {
    const rows = conditions.map(({ type, message, lastTransitionTime }) => [
      type,
      message,
      goTime(lastTransitionTime),
    ]);
    lines.push(...renderTable([["CONDITION", "MESSAGE", "LAST TRANSITION"], ...rows]), "", "");
  }
  const operation = application.status?.operationState;
  if (options.showOperation === true && operation !== undefined)
    lines.push(...renderOperation(application, options.now), "");
  const table = renderResources(application, options.health);
  return `${[...lines, ...table].join("\n").replace(/\n+$/, "")}\n`;
}

/** A label and its value, as the blocks of the command line have them. */
export const label = (name: string, value: string): string => `${name.padEnd(20)}${value}`;

/** The block of labels that most commands begin with. */
export function renderSummary(application: Application, url?: string, windows?: AssignedWindows): string[] {
  const { spec, status } = application;
  const source = sourceOf(spec);
  const lines = [
    label("Name:", qualifiedName(application)),
    label("Project:", spec.project || "default"),
    label("Server:", spec.destination.server ?? spec.destination.name ?? ""),
    label("Namespace:", spec.destination.namespace ?? ""),
  ];
  if (url !== undefined) lines.push(label("URL:", url));
  if (source !== undefined) {
    lines.push("Source:", label("- Repo:", source.repoURL), label("  Target:", source.targetRevision ?? ""));
    if (source.path !== undefined) lines.push(label("  Path:", source.path));
    if (source.kustomize?.namePrefix !== undefined)
      lines.push(label("  Name Prefix:", source.kustomize.namePrefix));
  }
  lines.push(
    label("SyncWindow:", windows?.status ?? "Sync Allowed"),
    ...(windows === undefined || windows.assigned.length === 0
      ? []
      : [label("Assigned Windows:", windows.assigned.map(windowText).join(","))]),
    label(
      "Sync Policy:",
      syncPolicyText(application, { automated: "Automated", pruning: "Automated (Prune)" }),
    ),
    label("Sync Status:", syncStatusText(application)),
    label("Health Status:", [status?.health?.status ?? ""].join("")),
  );
  return lines;
}

const windowText = ({ kind, schedule, duration }: SyncWindow): string => `${kind}:${schedule}:${duration}`;

/** `Synced to HEAD (3f1c9ab)`. */
function syncStatusText({ spec, status }: Application): string {
  const code = status?.sync?.status ?? "";
  const target = sourceOf(spec)?.targetRevision ?? "";
  const joint = code === "Synced" ? "to" : code === "OutOfSync" ? "from" : "";
  const revision = status?.sync?.revision ?? "";
  const text = joint === "" ? code : `${code} ${joint} ${target}`;
  const isSha = /^[0-9a-f]{7,40}$/i.test(target);
  return revision === "" || isSha ? text : `${text} (${revision.slice(0, 7)})`;
}

/** `Operation: … Message: …`, as `sync` and `--show-operation` print it. */
export function renderOperation({ status }: Application, now?: number): string[] {
  const state = status?.operationState;
  if (state === undefined) return [];
  const started = Date.parse(state.startedAt);
  const finished = state.finishedAt === undefined ? undefined : Date.parse(state.finishedAt);
  const lines: string[] = [];
  if (state.syncResult !== undefined)
    lines.push(label("Operation:", "Sync"), label("Sync Revision:", state.syncResult.revision));
  lines.push(
    label("Phase:", state.phase),
    label("Start:", goTime(state.startedAt)),
    label("Finished:", state.finishedAt === undefined ? "<nil>" : goTime(state.finishedAt)),
  );
  const until = finished ?? now;
  if (until !== undefined) lines.push(label("Duration:", `${Math.floor((until - started) / 1000)}s`));
  if (state.message !== undefined && state.message !== "") lines.push(label("Message:", state.message));
  return lines;
}

/** The resources: first those of the last sync in its order, then the others. No resources, no table. */
export function renderResources(application: Application, health?: ReadonlyMap<string, Health>): string[] {
  const rows = resourceRows(application, health);
  // ⚠ Where nothing is wanted or there, what a sync pruned is not shown either.
  if ((application.status?.resources ?? []).length === 0) return [];
  const header = ["GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH", "HOOK", "MESSAGE"];
  return renderTable([
    header,
    ...rows.map((row) => [
      row.group,
      row.kind,
      row.namespace,
      row.name,
      row.status,
      row.health,
      row.hook,
      row.message,
    ]),
  ]);
}

/** A resource as the tables of the command line show it. */
export interface ResourceRow {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly status: string;
  readonly health: string;
  readonly hook: string;
  readonly message: string;
}

/** The resources: first those of the last sync in its order, then the others. */
export function resourceRows({ status }: Application, health?: ReadonlyMap<string, Health>): ResourceRow[] {
  const others = new Map((status?.resources ?? []).map((resource) => [keyText(resource), resource]));
  const rows: ResourceRow[] = [];
  for (const result of status?.operationState?.syncResult?.resources ?? []) {
    const key = keyText(result);
    const resource = others.get(key);
    others.delete(key);
    const hook = result.hookType !== undefined;
    rows.push({
      group: result.group,
      kind: result.kind,
      namespace: result.namespace ?? "",
      name: result.name ?? "",
      // ⚠ What is no resource of the Application (hooks, its namespace) shows its phase here and the result code under
      // HEALTH, as the original does.
      status: resource === undefined || hook ? (result.hookPhase ?? "") : (resource.status ?? ""),
      health: resource === undefined || hook ? (result.status ?? "") : healthText(resource, key, health),
      hook: result.hookType ?? "",
      message: result.message ?? "",
    });
  }
  for (const [key, resource] of others) {
    rows.push({
      group: resource.group ?? "",
      kind: resource.kind,
      namespace: resource.namespace ?? "",
      name: resource.name ?? "",
      status: resource.status ?? "",
      health: healthText(resource, key, health),
      hook: "",
      message: "",
    });
  }
  return rows;
}

function healthText(
  resource: ResourceStatus | undefined,
  key: string,
  health?: ReadonlyMap<string, Health>,
): string {
  return resource?.health?.status ?? health?.get(key)?.status ?? "";
}

const keyText = ({ group = "", kind, namespace = "", name }: ResourceStatus | ResourceResult): string =>
  `${group}/${kind}/${namespace}/${name}`;

/** `argocd app history`. */
export function renderHistory(application: Application): string {
  const history = application.status?.history ?? [];
  const blocks = [...Map.groupBy(history, ({ source }) => source.repoURL)].map(([repoURL, entries]) => {
    const rows = entries.map(({ id, deployedAt, revision, source }) => [
      String(id),
      goTime(deployedAt),
      `${source.targetRevision ?? ""} (${revision.slice(0, 7)})`,
    ]);
    return renderTable([["SOURCE", repoURL, ""], ["ID", "DATE", "REVISION"], ...rows]);
  });
  return `${blocks.map((lines) => lines.map((line) => line.trimEnd()).join("\n")).join("\n\n")}\n`;
}

/** Go's default text of a time: `2031-02-03 10:11:12 +0000 UTC`. */
export function goTime(text: string | undefined): string {
  return text === undefined ? "" : `${text.slice(0, 10)} ${text.slice(11, 19)} +0000 UTC`;
}
