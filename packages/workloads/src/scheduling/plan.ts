import type { Node, Pod } from "@tracegate/kube";

/** Where a pod goes, or why it can go nowhere. */
export type Placement = { readonly node: string } | { readonly reasons: readonly string[] };

interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
}

/** Picks the fitting node with the fewest pods; of several, the first by name. Resources are not weighed. */
export function place(pod: Pod, nodes: readonly Node[], podsOn: (node: string) => number): Placement {
  const reasons: string[] = [];
  const fitting: string[] = [];
  for (const node of nodes) {
    const reason = misfit(pod, node);
    if (reason === undefined) fitting.push(node.metadata.name);
    else reasons.push(reason);
  }
  const [best] = fitting.sort((a, b) => podsOn(a) - podsOn(b) || (a < b ? -1 : 1));
  return best === undefined ? { reasons } : { node: best };
}

/** The scheduler's words for a placement that failed: `0/2 nodes are available: 2 node(s) were unschedulable.` */
export function unschedulableMessage(nodeCount: number, reasons: readonly string[]): string {
  if (nodeCount === 0) return "no nodes available to schedule pods";
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const parts = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  return `0/${nodeCount} nodes are available: ${parts.join(", ")}.`;
}

/** Whether a daemon may run on a node: as scheduling says, but also where scheduling is off or the node is not ready. */
export function canRun(pod: Pod, { status: _, ...node }: Node): boolean {
  return misfit(pod, { ...node, spec: { ...node.spec, unschedulable: false } }) === undefined;
}

function misfit({ spec }: Pod, { metadata, spec: nodeSpec, status }: Node): string | undefined {
  const tolerations = (spec.tolerations ?? []) as readonly Toleration[]; // kept loose in the vocabulary
  if (nodeSpec?.unschedulable === true) return "node(s) were unschedulable";
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  if (ready !== undefined && ready.status !== "True") return "node(s) were not ready";
  for (const taint of nodeSpec?.taints ?? []) {
    if (taint.effect === "PreferNoSchedule" || tolerations.some((own) => tolerates(own, taint))) continue;
    return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`;
  }
  const { affinity } = spec as { affinity?: NodeAffinity };
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const pins = terms?.flatMap(({ matchFields = [] }) => matchFields) ?? [];
  if (pins.some(({ values }) => !values.includes(metadata.name))) return MISMATCH;
  const labels = metadata.labels ?? {};
  const selected = Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value);
  return selected ? undefined : MISMATCH;
}

const MISMATCH = "node(s) didn't match Pod's node affinity/selector";

/** Of affinities only the pin to a node by name, which daemons carry, is looked at. */
interface NodeAffinity {
  nodeAffinity?: {
    requiredDuringSchedulingIgnoredDuringExecution?: {
      nodeSelectorTerms?: { matchFields?: { key: string; operator: string; values: string[] }[] }[];
    };
  };
}

function tolerates(
  { key = "", operator = "Equal", value = "", effect = "" }: Toleration,
  taint: { key: string; value?: string; effect: string },
): boolean {
  if (effect !== "" && effect !== taint.effect) return false;
  if (key === "") return operator === "Exists";
  return key === taint.key && (operator === "Exists" || value === (taint.value ?? ""));
}
