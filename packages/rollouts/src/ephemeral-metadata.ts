import type { ReplicaSet } from "@tracegate/kube";
import { hashOf, type Pass, remember } from "./pass.ts";
import { ephemeralOf, ephemeralText } from "./replica-sets.ts";
import { ephemeralMetadataAnnotation, hashLabel, type PodMetadata } from "./types.ts";

/** Puts the labels and annotations of its role (canary, stable, …) on each ReplicaSet and its live pods. */
export function reconcileEphemeralMetadata(pass: Pass): void {
  const { canary, blueGreen } = pass.rollout.spec.strategy ?? {};
  const forNew = canary?.canaryMetadata ?? blueGreen?.previewMetadata;
  const forStable = canary?.stableMetadata ?? blueGreen?.activeMetadata;
  if (pass.newRS !== undefined) {
    const promoted =
      pass.before.stableRS === undefined ||
      pass.before.stableRS === "" ||
      pass.before.stableRS === hashOf(pass.newRS);
    assign(pass, pass.newRS, promoted ? forStable : forNew);
  }
  if (pass.stableRS !== undefined && pass.stableRS.metadata.name !== pass.newRS?.metadata.name)
    assign(pass, pass.stableRS, forStable);
  for (const rs of pass.otherRSs)
    if (rs.metadata.deletionTimestamp === undefined) assign(pass, rs, undefined);
}

type Texts = Record<string, string>;

/** A merge patch of one map: what the old role put there goes, what the new one wants comes. */
function difference(old: Texts | undefined, wanted: Texts | undefined): Record<string, string | null> {
  const gone = Object.keys(old ?? {}).filter((key) => wanted?.[key] === undefined);
  return { ...Object.fromEntries(gone.map((key) => [key, null])), ...wanted };
}

function assign(pass: Pass, rs: ReplicaSet, wanted: PodMetadata | undefined): void {
  const old = ephemeralOf(rs);
  if (ephemeralText(old) === ephemeralText(wanted)) return;
  const labels = difference(old.labels, wanted?.labels);
  const annotations = difference(old.annotations, wanted?.annotations);
  const metadata = {
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
  };
  for (const pod of pass.snapshot.pods)
    if (pod.metadata.labels?.[hashLabel] === hashOf(rs) && pod.metadata.deletionTimestamp === undefined)
      pass.actions.push({ do: "patchPod", name: pod.metadata.name, body: { metadata } });
  const text = ephemeralText(wanted) ?? null;
  pass.actions.push({
    do: "patchReplicaSet",
    name: rs.metadata.name,
    body: {
      metadata: { annotations: { [ephemeralMetadataAnnotation]: text } },
      spec: { template: { metadata } },
    },
  });
  const { [ephemeralMetadataAnnotation]: _, ...rest } = rs.metadata.annotations ?? {};
  remember(pass, {
    ...rs,
    metadata: {
      ...rs.metadata,
      annotations: text === null ? rest : { ...rest, [ephemeralMetadataAnnotation]: text },
    },
  });
}
