import { type Controller, controllerOf } from "@tracegate/controller-runtime";
import {
  apiVersionOf,
  ControllerRevision,
  DaemonSet,
  isAlreadyExists,
  jsonEqual,
  Node,
  Pod,
  type ResourceClient,
  undefinedIfNotFound,
} from "@tracegate/kube";
import type { WorkloadDependencies } from "../dependencies.ts";
import { claimed, claims } from "../pods/claiming.ts";
import { controllerReference } from "../pods/from-template.ts";
import { createPods, deletePods } from "../pods/pod-control.ts";
import { templateHash } from "../template-hash.ts";
import {
  pinnedTo,
  planDaemonSet,
  planRevisions,
  REVISION_HASH,
  revisionData,
  TEMPLATE_GENERATION,
  TOLERATIONS,
} from "./plan.ts";

/** Keeps one pod of a DaemonSet on every node that fits. */
export function daemonSetController(dependencies: WorkloadDependencies): Controller<DaemonSet> {
  const { client, clock } = dependencies;
  return {
    name: "daemonset",
    kind: DaemonSet,
    watches: [
      { kind: Pod, map: controllerOf(DaemonSet) },
      {
        kind: Node,
        map: async () => (await client.list(DaemonSet)).items.map(({ metadata }) => refOf(metadata)),
      },
    ],
    async reconcile(ref) {
      const daemonSet = await client.get(DaemonSet, ref).catch(undefinedIfNotFound);
      if (daemonSet === undefined || daemonSet.metadata.deletionTimestamp !== undefined) return undefined;
      const inNamespace = ref.namespace === undefined ? {} : { namespace: ref.namespace };
      const all = (await client.list(Pod, inNamespace)).items;
      const claim = claims(daemonSet, daemonSet.spec.selector, all);
      const pods = await claimed(client, Pod, DaemonSet, daemonSet, claim);
      const hash = await writeRevision(client, daemonSet, pods);
      if (hash === undefined) return { requeueAfterMs: 0 };
      const nodes = (await client.list(Node)).items;
      const plan = planDaemonSet({ daemonSet, pods, nodes, hash }, clock.now());
      await deletePods(dependencies, daemonSet, plan.delete);
      const shape = (pod: Pod, index: number) => daemonPod(pod, plan.create[index] ?? "", hash, daemonSet);
      const { template } = daemonSet.spec;
      await createPods(dependencies, DaemonSet, daemonSet, template, plan.create.length, shape);
      if (!jsonEqual(daemonSet.status ?? {}, plan.status)) {
        await client.update(DaemonSet, { ...daemonSet, status: plan.status }, { subresource: "status" });
      }
      return plan.requeueAfterMs === undefined ? undefined : { requeueAfterMs: plan.requeueAfterMs };
    },
  };
}

const refOf = ({ name, namespace }: { name: string; namespace?: string }) => ({
  ...(namespace !== undefined && { namespace }),
  name,
});

/** Pinned by affinity, so that the scheduler binds it where it belongs. */
function daemonPod(pod: Pod, node: string, hash: string, { metadata }: DaemonSet): Pod {
  const generation = metadata.annotations?.["deprecated.daemonset.template.generation"];
  const labels = {
    ...pod.metadata.labels,
    [REVISION_HASH]: hash,
    ...(generation !== undefined && { [TEMPLATE_GENERATION]: generation }),
  };
  const tolerations = [...(pod.spec.tolerations ?? []), ...TOLERATIONS];
  const spec = { ...pod.spec, tolerations, affinity: pinnedTo(node) };
  return { ...pod, metadata: { ...pod.metadata, labels }, spec };
}

/**
 * Makes sure that the present template is stored as the newest revision, and that history is no longer than wanted. Answers
 * its hash; undefined when a name was taken and another has to be made.
 */
async function writeRevision(
  client: ResourceClient,
  daemonSet: DaemonSet,
  pods: readonly Pod[],
): Promise<string | undefined> {
  const { namespace, name } = daemonSet.metadata;
  const all = (await client.list(ControllerRevision, namespace === undefined ? {} : { namespace })).items;
  const own = all.filter(({ metadata }) =>
    metadata.ownerReferences?.some(({ uid, controller }) => controller && uid === daemonSet.metadata.uid),
  );
  const plan = planRevisions(daemonSet, own, pods);
  for (const { metadata } of plan.delete) {
    await client.delete(ControllerRevision, refOf(metadata)).catch(undefinedIfNotFound);
  }
  if (plan.current !== undefined) {
    // A template that came back is the newest again.
    if (plan.current.revision < plan.number) {
      await client.update(ControllerRevision, { ...plan.current, revision: plan.number });
    }
    return plan.current.metadata.labels?.[REVISION_HASH];
  }
  const hash = templateHash(daemonSet.spec.template, daemonSet.status?.collisionCount);
  try {
    await client.create(ControllerRevision, {
      apiVersion: apiVersionOf(ControllerRevision),
      kind: ControllerRevision.kind,
      metadata: {
        name: `${name}-${hash}`,
        ...(namespace !== undefined && { namespace }),
        labels: { ...daemonSet.spec.template.metadata?.labels, [REVISION_HASH]: hash },
        ownerReferences: [controllerReference(DaemonSet, daemonSet)],
      },
      data: revisionData(daemonSet),
      revision: plan.number,
    });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const collisionCount = (daemonSet.status?.collisionCount ?? 0) + 1;
    const status = { ...NO_STATUS, ...daemonSet.status, collisionCount };
    await client.update(DaemonSet, { ...daemonSet, status }, { subresource: "status" });
    return undefined;
  }
  return hash;
}

const NO_STATUS = {
  currentNumberScheduled: 0,
  numberMisscheduled: 0,
  desiredNumberScheduled: 0,
  numberReady: 0,
};
