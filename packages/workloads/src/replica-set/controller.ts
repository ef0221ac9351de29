import { type Controller, controllerOf } from "@tracegate/controller-runtime";
import {
  jsonEqual,
  type OwnerReference,
  Pod,
  ReplicaSet,
  type ResourceClient,
  undefinedIfNotFound,
} from "@tracegate/kube";
import type { WorkloadDependencies } from "../dependencies.ts";
import { claimed, claims } from "../pods/claiming.ts";
import { createPods, deletePods, messageOf } from "../pods/pod-control.ts";
import { planReplicaSet, type ReplicaFailure, type ReplicaSetSnapshot, replicaSetStatus } from "./plan.ts";

/** Keeps as many pods as a ReplicaSet asks for. */
export function replicaSetController(dependencies: WorkloadDependencies): Controller<ReplicaSet> {
  const { client, clock } = dependencies;
  return {
    name: "replicaset",
    kind: ReplicaSet,
    watches: [{ kind: Pod, map: controllerOf(ReplicaSet) }],
    async reconcile(ref) {
      const replicaSet = await client.get(ReplicaSet, ref).catch(undefinedIfNotFound);
      if (replicaSet === undefined) return undefined;
      const snapshot = await look(client, replicaSet);
      const plan = planReplicaSet(snapshot, clock.now());
      const failure = await carryOut(dependencies, replicaSet, plan);
      await writeStatus(client, replicaSet, replicaSetStatus(snapshot, clock.now(), failure?.told));
      if (failure !== undefined) throw failure.error;
      return plan.nextAvailabilityMs === undefined ? undefined : { requeueAfterMs: plan.nextAvailabilityMs };
    },
  };
}

async function look(client: ResourceClient, replicaSet: ReplicaSet): Promise<ReplicaSetSnapshot> {
  const { namespace, ownerReferences } = replicaSet.metadata;
  const inNamespace = namespace === undefined ? {} : { namespace };
  const all = (await client.list(Pod, inNamespace)).items;
  const claim = claims(replicaSet, replicaSet.spec.selector, all);
  const pods = await claimed(client, Pod, ReplicaSet, replicaSet, claim);
  const owner = controllerIn(ownerReferences);
  if (owner === undefined) return { replicaSet, pods, relatedPods: pods };
  const siblings = (await client.list(ReplicaSet, inNamespace)).items
    .filter(({ metadata }) => controllerIn(metadata.ownerReferences)?.uid === owner.uid)
    .map(({ metadata }) => metadata.uid);
  const relatedPods = all.filter(({ metadata }) =>
    siblings.includes(controllerIn(metadata.ownerReferences)?.uid),
  );
  return { replicaSet, pods, relatedPods };
}

const controllerIn = (references: readonly OwnerReference[] | undefined) =>
  references?.find((reference) => reference.controller === true);

async function carryOut(
  dependencies: WorkloadDependencies,
  replicaSet: ReplicaSet,
  plan: ReturnType<typeof planReplicaSet>,
): Promise<{ told: ReplicaFailure; error: unknown } | undefined> {
  const reason = plan.create > 0 ? "FailedCreate" : "FailedDelete";
  try {
    await createPods(dependencies, ReplicaSet, replicaSet, replicaSet.spec.template, plan.create);
    await deletePods(dependencies, replicaSet, plan.delete);
    return undefined;
  } catch (error) {
    return { told: { reason, message: messageOf(error) }, error };
  }
}

async function writeStatus(
  client: ResourceClient,
  replicaSet: ReplicaSet,
  status: NonNullable<ReplicaSet["status"]>,
): Promise<void> {
  if (jsonEqual(replicaSet.status, status)) return;
  await client.update(ReplicaSet, { ...replicaSet, status }, { subresource: "status" });
}
