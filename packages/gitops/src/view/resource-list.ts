import type { Application } from "../types/application.ts";
import { renderTable } from "./table.ts";

/** `argocd app resources`. */
export function renderResourceList({ status }: Application): string {
  const rows = (status?.resources ?? []).map(({ group = "", kind, namespace = "", name }) => [
    group,
    kind,
    namespace,
    name,
    "No",
  ]);
  return `${renderTable([["GROUP", "KIND", "NAMESPACE", "NAME", "ORPHANED"], ...rows]).join("\n")}\n`;
}
