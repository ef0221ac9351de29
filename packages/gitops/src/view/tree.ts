import type { KubeObject } from "@tracegate/kube";
import { resourceHealth } from "../health/health.ts";
import { keyText } from "../manifest.ts";
import type { Application, Health } from "../types/application.ts";
import { age } from "./age.ts";
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
  detailed?: { readonly live: ReadonlyMap<string, KubeObject | undefined>; readonly now: number },
): string[] {
  const rows: string[][] = [
    [
      "KIND/NAME",
      "STATUS",
      "HEALTH",
      ...(detailed === undefined ? ["MESSAGE"] : ["AGE", "MESSAGE", "REASON"]),
    ],
  ];
  const told = (object: KubeObject | undefined, message: string) =>
    detailed === undefined ? [message] : [object === undefined ? "" : age(object, detailed.now), message, ""];
  const below = (kind: string, name: string, indent: string) => {
    const children = owned
      .filter(({ metadata }) =>
        metadata.ownerReferences?.some((owner) => owner.kind === kind && owner.name === name),
      )
      .toSorted((a, b) => (`${a.kind}/${a.metadata.name}` < `${b.kind}/${b.metadata.name}` ? -1 : 1));
    for (const [index, child] of children.entries()) {
      const last = index === children.length - 1;
      const state = resourceHealth({ ...child })?.status ?? "";
      rows.push([
        `${indent}${last ? "└─" : "├─"}${child.kind}/${child.metadata.name}`,
        "",
        state,
        ...told(child, ""),
      ]);
      below(child.kind, child.metadata.name, `${indent}${last ? "  " : "│ "}`);
    }
  };
  for (const row of resourceRows(application, health)) {
    const { kind, name, status, health: own, message } = row;
    rows.push([`${kind}/${name}`, status, own, ...told(detailed?.live.get(keyText(row)), message)]);
    below(kind, name, "");
  }
  return rows.length === 1 ? [] : renderTable(rows);
}
