import type { Application, Health } from "../types/application.ts";
import { type ResourceRow, resourceRows } from "./application.ts";

/** The lines that `app sync` and `app wait` print while they wait: one for each resource, and again when it changes. */
export interface ProgressTable {
  readonly header: string;
  /** Lines for what is new; and which resource went from which health to Degraded, if any did. */
  update(
    application: Application,
    health: ReadonlyMap<string, Health>,
    now: number,
  ): { readonly lines: readonly string[]; readonly degraded?: { readonly from: string } };
}

/** `%s %5s %10s %10s %20s %8s %7s %10s %s`, through Go's tab writer with two blanks between. */
const widths = [0, 5, 10, 10, 20, 8, 7, 10, 0];

export function progressTable(): ProgressTable {
  const seen = new Map<string, ResourceRow>();
  return {
    header: line([
      "TIMESTAMP                ",
      "GROUP",
      "KIND",
      "NAMESPACE",
      "NAME",
      "STATUS",
      "HEALTH",
      "HOOK",
      "MESSAGE",
    ]),
    update(application, health, now) {
      const lines: string[] = [];
      let degraded: { from: string } | undefined;
      for (const row of resourceRows(application, health)) {
        const key = `${row.group}/${row.kind}/${row.namespace}/${row.name}`;
        const before = seen.get(key);
        const merged = before === undefined ? row : merge(before, row);
        const { health: was = "" } = before ?? {};
        if (before !== undefined && !["Unknown", "Degraded"].includes(was) && row.health === "Degraded")
          degraded ??= { from: was };
        if (before !== undefined && sameRow(before, merged)) continue;
        seen.set(key, merged);
        const { group, kind, namespace, name, status, health: healthText, hook, message } = merged;
        lines.push(line([timestamp(now), group, kind, namespace, name, status, healthText, hook, message]));
      }
      return { lines, ...(degraded === undefined ? {} : { degraded }) };
    },
  };
}

/** What is empty now does not take away what was known. */
function merge(before: ResourceRow, now: ResourceRow): ResourceRow {
  return {
    ...before,
    status: now.status || before.status,
    health: now.health || before.health,
    hook: now.hook || before.hook,
    message: now.message || before.message,
  };
}

const sameRow = (a: ResourceRow, b: ResourceRow): boolean =>
  a.status === b.status && a.health === b.health && a.hook === b.hook && a.message === b.message;

const line = (cells: readonly string[]): string =>
  cells.map((cell, column) => cell.padStart(widths[column] ?? 0)).join("  ");

/** Local time would differ from machine to machine; the zone is said. */
const timestamp = (now: number): string => `${new Date(now).toISOString().slice(0, 19)}+00:00`;
