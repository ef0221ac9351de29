import type { Deployment, ReplicaSet } from "@tracegate/kube";

export const REVISION = "deployment.kubernetes.io/revision";
export const REVISION_HISTORY = "deployment.kubernetes.io/revision-history";
export const DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas";
export const MAX_REPLICAS = "deployment.kubernetes.io/max-replicas";

/** They speak of the Deployment itself, so its ReplicaSets do not get them. */
const NOT_COPIED = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  "deprecated.deployment.rollback.to",
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
]);

/** Longer histories lose their oldest numbers. */
const HISTORY_LIMIT = 2000;

type Annotations = Readonly<Record<string, string>>;

export const revisionOf = ({ metadata }: ReplicaSet): number =>
  Number.parseInt(metadata.annotations?.[REVISION] ?? "0", 10) || 0;

export function replicaAnnotations(desired: number, max: number): Annotations {
  return { [DESIRED_REPLICAS]: String(desired), [MAX_REPLICAS]: String(max) };
}

/**
 * The annotations of the ReplicaSet that is the Deployment's newest: the Deployment's own, and the new revision. One that
 * comes back into use keeps its former numbers as history.
 */
export function newReplicaSetAnnotations(
  deployment: Deployment,
  annotations: Annotations | undefined,
  revision: number,
): Annotations {
  const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(
    ([key]) => !NOT_COPIED.has(key),
  );
  const result: Record<string, string> = { ...annotations, ...Object.fromEntries(copied) };
  const former = annotations?.[REVISION];
  if ((Number.parseInt(former ?? "0", 10) || 0) >= revision) return result;
  result[REVISION] = String(revision);
  if (former !== undefined) result[REVISION_HISTORY] = withHistory(annotations?.[REVISION_HISTORY], former);
  return result;
}

function withHistory(history: string | undefined, revision: string): string {
  const revisions = [...(history ?? "").split(",").filter((part) => part !== ""), revision];
  while (revisions.length > 1 && revisions.join(",").length > HISTORY_LIMIT) revisions.shift();
  return revisions.join(",");
}
