import type { KubeObject } from "@tracegate/kube";
import { resourceHealth } from "../health/health.ts";
import type { Application, Health } from "../types/application.ts";
import { resourceRows } from "./application.ts";
import { renderTable } from "./table.ts";

/**
 * `argocd app get -o tree`: the resources, and below each what belongs to it. `owned` are live objects that may have owners
 * among them.
 */
export function renderTree(
  application: Application,
  health: ReadonlyMap<string, Health>,
  owned: readonly KubeObject[],
): string[] {
  const rows: string[][] = [["KIND/NAME", "STATUS", "HEALTH", "MESSAGE"]];
  const below = (kind: string, name: string, indent: string) => {
    const children = owned
      .filter(({ metadata }) =>
        metadata.ownerReferences?.some((owner) => owner.kind === kind && owner.name === name),
      )
      .toSorted((a, b) => (`${a.kind}/${a.metadata.name}` < `${b.kind}/${b.metadata.name}` ? -1 : 1));
    for (const [index, child] of children.entries()) {
      const last = index === children.length - 1;
      const state = resourceHealth({ ...child })?.status ?? "";
      rows.push([`${indent}${last ? "└─" : "├─"}${child.kind}/${child.metadata.name}`, "", state, ""]);
      below(child.kind, child.metadata.name, `${indent}${last ? "  " : "│ "}`);
    }
  };
  for (const { kind, name, status, health: own, message } of resourceRows(application, health)) {
    rows.push([`${kind}/${name}`, status, own, message]);
    below(kind, name, "");
  }
  return rows.length === 1 ? [] : renderTable(rows);
}
