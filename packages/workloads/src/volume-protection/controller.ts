import type { Controller } from "@tracegate/controller-runtime";
import { defineKind, type Kind, type KubeObject, Pod, undefinedIfNotFound } from "@tracegate/kube";
import type { WorkloadDependencies } from "../dependencies.ts";

interface VolumeObject extends KubeObject {
  status?: { phase?: string };
}

export const PersistentVolume = defineKind<VolumeObject>("v1", "PersistentVolume", "persistentvolumes", {
  namespaced: false,
});
export const PersistentVolumeClaim = defineKind<VolumeObject>(
  "v1",
  "PersistentVolumeClaim",
  "persistentvolumeclaims",
);

/** Lets claims go that are being deleted once no pod uses them: the API put a finalizer on each when it was made. */
export function claimProtectionController(dependencies: Pick<WorkloadDependencies, "client">): Controller {
  const { client } = dependencies;
  const inUse = async ({ metadata: { namespace, name } }: KubeObject) => {
    const pods = await client.list(Pod, namespace === undefined ? {} : { namespace });
    return pods.items.some((pod) => isRunning(pod) && claimsOf(pod).includes(name));
  };
  return {
    ...protection(
      "claim-protection",
      PersistentVolumeClaim,
      "kubernetes.io/pvc-protection",
      dependencies,
      inUse,
    ),
    watches: [
      {
        kind: Pod,
        map: (pod: Pod) => {
          const { namespace } = pod.metadata;
          return claimsOf(pod).map((name) => ({ ...(namespace !== undefined && { namespace }), name }));
        },
      },
    ],
  };
}

/** Lets volumes go that are being deleted and are bound to no claim. */
export const volumeProtectionController = (dependencies: Pick<WorkloadDependencies, "client">): Controller =>
  protection(
    "volume-protection",
    PersistentVolume,
    "kubernetes.io/pv-protection",
    dependencies,
    async ({ status }) => status?.phase === "Bound",
  );

function protection(
  name: string,
  kind: Kind<VolumeObject>,
  finalizer: string,
  { client }: Pick<WorkloadDependencies, "client">,
  inUse: (object: VolumeObject) => Promise<boolean>,
): Controller {
  return {
    name,
    kind,
    async reconcile(ref) {
      const object = await client.get(kind, ref).catch(undefinedIfNotFound);
      if (object?.metadata.deletionTimestamp === undefined) return undefined;
      const { finalizers = [] } = object.metadata;
      if (!finalizers.includes(finalizer) || (await inUse(object))) return undefined;
      const left = finalizers.filter((other) => other !== finalizer);
      await client.update(kind, { ...object, metadata: { ...object.metadata, finalizers: left } });
      return undefined;
    },
  };
}

const isRunning = ({ status }: Pod): boolean => status?.phase !== "Succeeded" && status?.phase !== "Failed";

const claimsOf = ({ spec }: Pod): string[] =>
  (spec.volumes ?? []).flatMap(({ persistentVolumeClaim: claim }) =>
    claim === undefined ? [] : [claim.claimName],
  );
