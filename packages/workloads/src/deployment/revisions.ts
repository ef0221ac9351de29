import { apiVersionOf, Deployment, jsonEqual, type PodTemplateSpec, ReplicaSet } from "@tracegate/kube";
import { controllerReference } from "../pods/from-template.ts";
import { POD_TEMPLATE_HASH, templateHash } from "../template-hash.ts";
import { newReplicaSetAnnotations, replicaAnnotations, revisionOf } from "./annotations.ts";
import { byCreation, desiredReplicas, limits, newReplicaSetSize, sizeOf } from "./sizes.ts";

export interface Revisions {
  /** The ReplicaSet of the Deployment's present template. */
  readonly newest: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
  /** The number that belongs to `newest`, or to the one still to be made. */
  readonly revision: number;
}

/** Sorts a Deployment's ReplicaSets; of several with its template, the oldest is the one (upstream's rule). */
export function revisionsOf(deployment: Deployment, replicaSets: readonly ReplicaSet[]): Revisions {
  const newest = [...replicaSets]
    .sort(byCreation)
    .find(({ spec }) => isSameTemplate(spec.template, deployment.spec.template));
  const old = replicaSets.filter((replicaSet) => replicaSet !== newest);
  return { newest, old, revision: Math.max(0, ...old.map(revisionOf)) + 1 };
}

/** Whether two templates make the same pods, but for the hash that tells ReplicaSets apart. */
export function isSameTemplate(a: PodTemplateSpec, b: PodTemplateSpec): boolean {
  return jsonEqual(withoutHash(a), withoutHash(b));
}

function withoutHash({ metadata = {}, spec }: PodTemplateSpec): PodTemplateSpec {
  const { [POD_TEMPLATE_HASH]: _, ...labels } = metadata.labels ?? {};
  return { metadata: { ...metadata, labels }, spec };
}

/** The ReplicaSet for the Deployment's present template, as it is created. */
export function newReplicaSet(
  deployment: Deployment,
  old: readonly ReplicaSet[],
  revision: number,
): ReplicaSet {
  const { metadata, spec, status } = deployment;
  const hash = templateHash(spec.template, status?.collisionCount);
  const labels = { ...spec.template.metadata?.labels, [POD_TEMPLATE_HASH]: hash };
  const desired = desiredReplicas(deployment);
  const replicaSet: ReplicaSet = {
    apiVersion: apiVersionOf(ReplicaSet),
    kind: ReplicaSet.kind,
    metadata: {
      name: `${metadata.name}-${hash}`,
      ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
      labels,
      annotations: {
        ...newReplicaSetAnnotations(deployment, undefined, revision),
        ...replicaAnnotations(desired, desired + limits(deployment).surge),
      },
      ownerReferences: [controllerReference(Deployment, deployment)],
    },
    spec: {
      replicas: 0,
      ...(spec.minReadySeconds !== undefined && { minReadySeconds: spec.minReadySeconds }),
      selector: {
        ...spec.selector,
        matchLabels: { ...spec.selector.matchLabels, [POD_TEMPLATE_HASH]: hash },
      },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
  };
  replicaSet.spec.replicas = newReplicaSetSize(deployment, replicaSet, [...old, replicaSet]);
  return structuredClone(replicaSet);
}

/** What of the newest ReplicaSet is behind its Deployment: annotations, minReadySeconds. Undefined when nothing is. */
export function caughtUp(
  deployment: Deployment,
  newest: ReplicaSet,
  revision: number,
): ReplicaSet | undefined {
  const annotations = newReplicaSetAnnotations(deployment, newest.metadata.annotations, revision);
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  if (
    jsonEqual(annotations, newest.metadata.annotations ?? {}) &&
    minReadySeconds === (newest.spec.minReadySeconds ?? 0)
  ) {
    return undefined;
  }
  return {
    ...newest,
    metadata: { ...newest.metadata, annotations },
    spec: { ...newest.spec, minReadySeconds },
  };
}

/** Old ReplicaSets without pods beyond the history limit, lowest revision first. */
export function surplusHistory(deployment: Deployment, old: readonly ReplicaSet[]): readonly ReplicaSet[] {
  const alive = old.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const surplus = alive.length - (deployment.spec.revisionHistoryLimit ?? 10);
  if (surplus <= 0) return [];
  return [...alive]
    .sort((a, b) => revisionOf(a) - revisionOf(b) || byCreation(a, b))
    .slice(0, surplus)
    .filter(
      (replicaSet) =>
        sizeOf(replicaSet) === 0 &&
        (replicaSet.status?.replicas ?? 0) === 0 &&
        (replicaSet.metadata.generation ?? 0) <= (replicaSet.status?.observedGeneration ?? 0),
    );
}
