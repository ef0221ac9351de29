import { StatusError } from "../status.ts";
import { quote } from "../values/go-text.ts";
import { type FieldSet, pathsOf, pathText } from "./field-set.ts";
import { type ManagerEntry, managerKey } from "./managed-fields.ts";

/** 409 with every field that others own: one line for one conflict, a list by manager for several. */
export function conflictError(conflicts: readonly { entry: ManagerEntry; set: FieldSet }[]): StatusError {
  const byManager = [...conflicts]
    .sort((a, b) => (managerKey(a.entry) < managerKey(b.entry) ? -1 : 1))
    .map(({ entry, set }) => ({ who: managerText(entry), paths: [...pathsOf(set)].map(pathText) }));
  const causes = byManager.flatMap(({ who, paths }) =>
    paths.map((field) => ({ reason: "FieldManagerConflict", message: `conflict with ${who}`, field })),
  );
  const lines = byManager.flatMap(({ who, paths }) => [
    `conflicts with ${who}:`,
    ...paths.map((path) => `- ${path}`),
  ]);
  const [only] = causes;
  const message =
    causes.length === 1 && only !== undefined
      ? `Apply failed with 1 conflict: ${only.message}: ${only.field}`
      : `Apply failed with ${causes.length} conflicts: ${lines.join("\n")}`;
  return new StatusError({ message, reason: "Conflict", details: { causes }, code: 409 });
}

/** `"kubectl" with subresource "status" using apps/v1`. The time is no part of a manager's identity, so it never shows. */
function managerText({ manager, operation, apiVersion, subresource }: ManagerEntry): string {
  const sub = subresource === "" ? "" : ` with subresource ${quote(subresource)}`;
  return `${quote(manager)}${sub}${operation === "Update" ? ` using ${apiVersion}` : ""}`;
}
