import { ProblemError } from "@tracegate/contracts";
import { anything } from "./project.ts";
import { nextTime, parseSchedule } from "./schedule.ts";
import { durationMs } from "./sync/retry.ts";
import type { AppProjectSpec, SyncWindow } from "./types/app-project.ts";
import type { Application } from "./types/application.ts";

/** The windows of a project that concern an Application. */
export function windowsOf({ syncWindows = [] }: AppProjectSpec, application: Application): SyncWindow[] {
  return syncWindows.filter((window) => concerns(window, application));
}

/** Of applications, clusters and namespaces, what a window lists must match: one of the lists, or with `andOperator` all. */
function concerns(window: SyncWindow, { metadata, spec }: Application): boolean {
  const { server = "", name = "", namespace = "" } = spec.destination;
  const lists: readonly (readonly [patterns: readonly string[], values: readonly string[]])[] = [
    [window.applications ?? [], [metadata.name]],
    [window.clusters ?? [], [server, name].filter((text) => text !== "")],
    [window.namespaces ?? [], [namespace]],
  ];
  const answers = lists
    .filter(([patterns]) => patterns.length > 0)
    .map(([patterns, values]) =>
      patterns.some((pattern) => values.some((value) => anything(pattern).test(value))),
    );
  return window.andOperator === true ? answers.length > 0 && answers.every(Boolean) : answers.some(Boolean);
}

/** Whether a moment lies in a window: its schedule begins it, its duration ends it. */
export function isActive(window: SyncWindow, now: number): boolean {
  const schedule = parseSchedule(window.schedule);
  const duration = durationMs(window.duration, Number.NaN);
  if (schedule === undefined) throw invalid(`cannot parse schedule '${window.schedule}'`);
  if (Number.isNaN(duration)) throw invalid(`cannot parse duration '${window.duration}'`);
  const local = now + offsetMs(window.timeZone, now);
  const next = nextTime(schedule, local - duration);
  return next !== undefined && next < local;
}

const invalid = (message: string): ProblemError =>
  new ProblemError({ code: "gitops/sync-window", message: `invalid sync windows: ${message}` });

/** What a time zone's clocks show more than UTC's; an unknown zone is UTC, as upstream. */
function offsetMs(timeZone: string | undefined, now: number): number {
  if (timeZone === undefined || timeZone === "") return 0;
  try {
    const name = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" })
      .formatToParts(now)
      .find(({ type }) => type === "timeZoneName")?.value;
    const [, sign, hours, minutes] = /GMT([+-])(\d+):(\d+)/.exec(name ?? "") ?? [];
    return (sign === "-" ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000;
  } catch (error) {
    if (error instanceof RangeError) return 0;
    throw error;
  }
}

/** The windows that concern an Application, and what they mean for it now. */
export interface AssignedWindows {
  readonly assigned: readonly SyncWindow[];
  readonly status: "Sync Allowed" | "Manual Allowed" | "Sync Denied";
}

export function assignedWindows(
  spec: AppProjectSpec,
  application: Application,
  now: number,
): AssignedWindows {
  const assigned = windowsOf(spec, application);
  if (permitSync(assigned, false, now)) return { assigned, status: "Sync Allowed" };
  return { assigned, status: permitSync(assigned, true, now) ? "Manual Allowed" : "Sync Denied" };
}

/** Whether windows let a sync begin: one that denies wins; else one that allows must be open, where there are such. */
export function permitSync(windows: readonly SyncWindow[], manual: boolean, now: number): boolean {
  const byHand = (those: readonly SyncWindow[]) =>
    manual && those.every(({ manualSync }) => manualSync === true);
  const active = windows.filter((window) => isActive(window, now));
  const denying = active.filter(({ kind }) => kind === "deny");
  if (denying.length > 0) return byHand(denying);
  const allowing = windows.filter(({ kind }) => kind === "allow");
  if (allowing.length === 0 || active.some(({ kind }) => kind === "allow")) return true;
  return byHand(allowing);
}
