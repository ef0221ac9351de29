import type { Condition, Kind, KubeObject } from "@tracegate/kube";

/** Objects of one kind that a namespace still holds. */
export interface Remainder {
  readonly kind: Kind;
  readonly objects: readonly KubeObject[];
}

/** What a namespace that is being deleted says of its progress, in upstream's words. */
export function terminationConditions(
  before: readonly Condition[],
  left: readonly Remainder[],
  time: string,
): readonly Condition[] {
  const finalizers = countedFinalizers(left);
  const holds = (type: string, reason: string, message: string) => condition(type, "True", reason, message);
  const wanted = [
    condition(
      "NamespaceDeletionDiscoveryFailure",
      "False",
      "ResourcesDiscovered",
      "All resources successfully discovered",
    ),
    condition(
      "NamespaceDeletionGroupVersionParsingFailure",
      "False",
      "ParsedGroupVersions",
      "All legacy kube types successfully parsed",
    ),
    condition(
      "NamespaceDeletionContentFailure",
      "False",
      "ContentDeleted",
      "All content successfully deleted, may be waiting on finalization",
    ),
    left.length > 0
      ? holds(
          "NamespaceContentRemaining",
          "SomeResourcesRemain",
          `Some resources are remaining: ${left
            .map(({ kind, objects }) => `${resourceName(kind)} has ${objects.length} resource instances`)
            .sort()
            .join(", ")}`,
        )
      : condition("NamespaceContentRemaining", "False", "ContentRemoved", "All content successfully removed"),
    finalizers.length > 0
      ? holds(
          "NamespaceFinalizersRemaining",
          "SomeFinalizersRemain",
          `Some content in the namespace has finalizers remaining: ${finalizers.join(", ")}`,
        )
      : condition(
          "NamespaceFinalizersRemaining",
          "False",
          "ContentHasNoFinalizers",
          "All content-preserving finalizers finished",
        ),
  ];
  return wanted.map((next) => {
    const current = before.find(({ type }) => type === next.type);
    const same = current?.status === next.status && current.message === next.message;
    return same ? current : { ...next, lastTransitionTime: time };
  });
}

const condition = (type: string, status: "True" | "False", reason: string, message: string): Condition => ({
  type,
  status,
  reason,
  message,
});

/** `deployments.apps`; the core group ends in a bare dot. */
const resourceName = ({ plural, group }: Kind) => `${plural}.${group}`;

function countedFinalizers(left: readonly Remainder[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const finalizer of left.flatMap(({ objects }) =>
    objects.flatMap(({ metadata }) => metadata.finalizers ?? []),
  )) {
    counts.set(finalizer, (counts.get(finalizer) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => `${name} in ${count} resource instances`).sort();
}
