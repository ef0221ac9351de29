import { formatTime, type OwnerReference, type PodTemplateSpec, type ReplicaSet } from "@tracegate/kube";
import { injectedHash, templateAffinity, withoutInjectedAffinity } from "./anti-affinity.ts";
import { changeReplicaSet, hashOf, normal, type Pass, revisionOf } from "./pass.ts";
import { podTemplateHash, sameTemplate } from "./pod-template-hash.ts";
import {
  desiredReplicasAnnotation,
  ephemeralMetadataAnnotation,
  hashLabel,
  type PodMetadata,
  type Rollout,
  revisionAnnotation,
  revisionHistoryAnnotation,
  scaleDownDeadlineAnnotation,
} from "./types.ts";

const createdAt = ({ metadata }: ReplicaSet): string => metadata.creationTimestamp ?? "";

/** The ReplicaSet of the current template: by its hash, else the oldest with an equal template. */
export function findNewReplicaSet(
  { spec, status }: Rollout,
  sets: readonly ReplicaSet[],
): ReplicaSet | undefined {
  const { template } = spec;
  if (template === undefined) return undefined;
  const hash = podTemplateHash(template, status?.collisionCount);
  const byHash = sets.find((rs) => hashOf(rs) === hash);
  if (byHash !== undefined) return byHash;
  return sets
    .toSorted((a, b) => createdAt(a).localeCompare(createdAt(b)))
    .find((rs) => sameTemplate(plainTemplate(rs), template, hashLabel));
}

/** A ReplicaSet's template without the metadata that was only put on for its present role. */
function plainTemplate(rs: ReplicaSet): ReplicaSet["spec"]["template"] {
  const ephemeral = ephemeralOf(rs);
  const without = (all: Record<string, string> | undefined, gone: Record<string, string> | undefined) =>
    Object.fromEntries(Object.entries(all ?? {}).filter(([key]) => gone?.[key] === undefined));
  const { metadata } = rs.spec.template;
  const annotations = without(metadata?.annotations, ephemeral.annotations);
  return {
    ...withoutInjectedAffinity(rs.spec.template),
    metadata: {
      labels: without(metadata?.labels, ephemeral.labels),
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    },
  };
}

export function ephemeralOf(rs: ReplicaSet): PodMetadata {
  try {
    return JSON.parse(rs.metadata.annotations?.[ephemeralMetadataAnnotation] ?? "{}") as PodMetadata; // we wrote it
  } catch {
    return {};
  }
}

/** As an annotation has it, keys sorted; undefined where there is nothing to say. */
export function ephemeralText({ labels = {}, annotations = {} }: PodMetadata = {}): string | undefined {
  const sorted = (all: Record<string, string>) =>
    Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
  const parts = {
    ...(Object.keys(labels).length > 0 ? { labels: sorted(labels) } : {}),
    ...(Object.keys(annotations).length > 0 ? { annotations: sorted(annotations) } : {}),
  };
  return Object.keys(parts).length > 0 ? JSON.stringify(parts) : undefined;
}

const notCopied = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  "notified.notifications.argoproj.io",
]);

const copied = ({ metadata }: Rollout): Record<string, string> =>
  Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([key]) => !notCopied.has(key)));

/** Creates the ReplicaSet of the current template, empty. Undefined when its name is taken by another. */
export function createReplicaSet(pass: Pass, metadata: PodMetadata | undefined): ReplicaSet | undefined {
  const { rollout, snapshot } = pass;
  const { template, selector } = rollout.spec;
  if (template === undefined || selector === undefined) return undefined;
  const hash = podTemplateHash(template, pass.before.collisionCount);
  const name = `${rollout.metadata.name}-${hash}`;
  const taken = [...snapshot.foreignReplicaSets, ...snapshot.replicaSets.map((rs) => rs.metadata.name)];
  if (taken.includes(name)) return undefined;
  const revision = Math.max(0, ...snapshot.replicaSets.map(revisionOf)) + 1;
  const ephemeral = ephemeralText(metadata);
  const replicaSet: ReplicaSet = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name,
      ...(rollout.metadata.namespace === undefined ? {} : { namespace: rollout.metadata.namespace }),
      labels: { ...template.metadata?.labels, [hashLabel]: hash },
      annotations: {
        ...copied(rollout),
        [revisionAnnotation]: String(revision),
        [desiredReplicasAnnotation]: String(pass.replicas),
        ...(ephemeral === undefined ? {} : { [ephemeralMetadataAnnotation]: ephemeral }),
      },
      ownerReferences: [ownedBy(rollout)],
    },
    spec: {
      replicas: 0,
      ...(rollout.spec.minReadySeconds === undefined
        ? {}
        : { minReadySeconds: rollout.spec.minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: podTemplate(withAffinity(template, templateAffinity(rollout)), metadata, hash),
    },
  };
  pass.actions.push({ do: "createReplicaSet", replicaSet });
  setRolloutRevision(pass, revision);
  normal(pass, "RolloutUpdated", `Rollout updated to revision ${revision}`);
  normal(pass, "NewReplicaSetCreated", `Created ReplicaSet ${name} (revision ${revision})`);
  return replicaSet;
}

function withAffinity(template: PodTemplateSpec, affinity: object | undefined): PodTemplateSpec {
  return affinity === undefined ? template : { ...template, spec: { ...template.spec, ...{ affinity } } };
}

/** The Rollout's template with the hash, and with the metadata of its first role. */
function podTemplate(
  template: PodTemplateSpec,
  metadata: PodMetadata | undefined,
  hash: string,
): PodTemplateSpec {
  const annotations = { ...template.metadata?.annotations, ...metadata?.annotations };
  return {
    ...template,
    metadata: {
      ...template.metadata,
      labels: { ...template.metadata?.labels, ...metadata?.labels, [hashLabel]: hash },
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    },
  };
}

/** Makes the Rollout the controller of what it creates. */
export const ownedBy = ({ metadata }: Rollout): OwnerReference => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Rollout",
  name: metadata.name,
  uid: metadata.uid ?? "",
  controller: true,
  blockOwnerDeletion: true,
});

/** Gives a re-used ReplicaSet the newest revision, and keeps its annotations in step with the Rollout's. */
export function syncRevision(pass: Pass): boolean {
  const rs = pass.newRS;
  if (rs === undefined) return false;
  const others = pass.snapshot.replicaSets.filter(({ metadata }) => metadata.name !== rs.metadata.name);
  const wanted = Math.max(0, ...others.map(revisionOf)) + 1;
  const has = revisionOf(rs);
  const annotations: Record<string, string | null> = { ...copied(pass.rollout) };
  if (has < wanted) {
    annotations[revisionAnnotation] = String(wanted);
    const history = rs.metadata.annotations?.[revisionHistoryAnnotation];
    if (has > 0)
      annotations[revisionHistoryAnnotation] = history === undefined ? String(has) : `${history},${has}`;
  }
  const synced = changeReplicaSet(pass, rs, {
    annotations,
    minReadySeconds: pass.rollout.spec.minReadySeconds ?? 0,
  });
  keepAway(pass, rs);
  const isWritten = setRolloutRevision(pass, revisionOf(synced));
  if (isWritten) normal(pass, "RolloutUpdated", `Rollout updated to revision ${revisionOf(synced)}`);
  return isWritten;
}

/** Pods of the new version are kept away from the version that is stable now, not from one that was before. */
function keepAway(pass: Pass, rs: ReplicaSet): void {
  const from = injectedHash(rs.spec.template);
  const { stableRS } = pass.before;
  if (from === undefined || from === stableRS || stableRS === hashOf(rs)) return;
  const affinity = templateAffinity(pass.rollout) ?? null;
  pass.actions.push({
    do: "patchReplicaSet",
    name: rs.metadata.name,
    body: { spec: { template: { spec: { affinity } } } },
  });
}

function setRolloutRevision(pass: Pass, revision: number): boolean {
  if (revisionOf(pass.rollout) === revision) return false;
  pass.actions.push({
    do: "patchRollout",
    body: { metadata: { annotations: { [revisionAnnotation]: String(revision) } } },
  });
  pass.rollout.metadata.annotations = {
    ...pass.rollout.metadata.annotations,
    [revisionAnnotation]: String(revision),
  };
  return true;
}

/** Deletes empty ReplicaSets of old versions beyond the limit, oldest first, with their AnalysisRuns. */
export function cleanHistory(pass: Pass): void {
  const limit = pass.rollout.spec.revisionHistoryLimit ?? 10;
  const candidates = pass.otherRSs
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .toSorted(
      (a, b) => createdAt(a).localeCompare(createdAt(b)) || (a.metadata.name < b.metadata.name ? -1 : 1),
    );
  for (const rs of candidates.slice(0, Math.max(0, candidates.length - limit))) {
    const { replicas = 1 } = rs.spec;
    const current = (rs.status?.observedGeneration ?? 0) >= (rs.metadata.generation ?? 0);
    if (replicas !== 0 || (rs.status?.replicas ?? 0) !== 0 || !current) continue;
    pass.actions.push({ do: "deleteReplicaSet", name: rs.metadata.name });
    for (const run of pass.snapshot.analysisRuns)
      if (run.metadata.labels?.[hashLabel] === hashOf(rs))
        pass.actions.push({ do: "deleteAnalysisRun", name: run.metadata.name });
    pass.otherRSs = pass.otherRSs.filter((other) => other !== rs);
  }
}

export const hasDeadline = (rs: ReplicaSet): boolean =>
  rs.metadata.annotations?.[scaleDownDeadlineAnnotation] !== undefined;

/** Keeps a ReplicaSet for `seconds` more. */
export function setDeadline(pass: Pass, rs: ReplicaSet, seconds: number): void {
  changeReplicaSet(pass, rs, {
    annotations: { [scaleDownDeadlineAnnotation]: formatTime(pass.now + seconds * 1000) },
  });
}
