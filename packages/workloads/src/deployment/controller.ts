import { type Controller, controllerOf, type EventRecorder } from "@tracegate/controller-runtime";
import {
  Deployment,
  isAlreadyExists,
  isNotFound,
  jsonEqual,
  Pod,
  type Ref,
  ReplicaSet,
  type ResourceClient,
  undefinedIfNotFound,
} from "@tracegate/kube";
import type { WorkloadDependencies } from "../dependencies.ts";
import { claimed, claims } from "../pods/claiming.ts";
import { messageOf } from "../pods/pod-control.ts";
import { POD_TEMPLATE_HASH } from "../template-hash.ts";
import { REVISION } from "./annotations.ts";
import { type Action, type DeploymentPlan, type DeploymentSnapshot, planDeployment } from "./plan.ts";
import { isSameTemplate } from "./revisions.ts";
import { isRollingUpdate } from "./sizes.ts";
import { type DeploymentStatus, progressDeadlineMs, withCondition } from "./status.ts";

/** Rolls Deployments out by way of ReplicaSets. */
export function deploymentController({
  client,
  clock,
  events,
}: WorkloadDependencies): Controller<Deployment> {
  return {
    name: "deployment",
    kind: Deployment,
    watches: [
      { kind: ReplicaSet, map: controllerOf(Deployment) },
      { kind: Pod, map: deploymentOfPod },
    ],
    async reconcile(ref) {
      const deployment = await client.get(Deployment, ref).catch(undefinedIfNotFound);
      if (deployment === undefined) return undefined;
      const snapshot = await look(client, deployment);
      const plan = planDeployment(snapshot, clock.now());
      for (const action of plan.actions) {
        const problem = await carryOut(client, events, deployment, action, clock.now());
        if (problem === undefined) continue;
        await writeStatus(client, deployment, { actions: [], status: problem.status });
        throw problem.error;
      }
      await writeStatus(client, deployment, plan);
      return plan.requeueAfterMs === undefined ? undefined : { requeueAfterMs: plan.requeueAfterMs };
    },
  };
}

/** `Recreate` waits for pods; the name of a pod's ReplicaSet is that of its Deployment and the hash. */
function deploymentOfPod({ metadata }: Pod): readonly Ref[] {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  const suffix = `-${metadata.labels?.[POD_TEMPLATE_HASH]}`;
  if (owner?.kind !== ReplicaSet.kind || !owner.name.endsWith(suffix)) return [];
  const name = owner.name.slice(0, -suffix.length);
  return [{ ...(metadata.namespace !== undefined && { namespace: metadata.namespace }), name }];
}

async function look(client: ResourceClient, deployment: Deployment): Promise<DeploymentSnapshot> {
  const { namespace } = deployment.metadata;
  const inNamespace = namespace === undefined ? {} : { namespace };
  const all = (await client.list(ReplicaSet, inNamespace)).items;
  const claim = claims(deployment, deployment.spec.selector, all);
  const replicaSets = await claimed(client, ReplicaSet, Deployment, deployment, claim);
  if (isRollingUpdate(deployment)) return { deployment, replicaSets, pods: [] };
  const uids = new Set(replicaSets.map(({ metadata }) => metadata.uid));
  const pods = (await client.list(Pod, inNamespace)).items.filter(({ metadata }) =>
    metadata.ownerReferences?.some(({ uid, controller }) => controller === true && uids.has(uid)),
  );
  return { deployment, replicaSets, pods };
}

/** A failure that the status tells of. */
interface Problem {
  readonly status: DeploymentStatus;
  readonly error: unknown;
}

async function carryOut(
  client: ResourceClient,
  events: EventRecorder,
  deployment: Deployment,
  action: Action,
  now: number,
): Promise<Problem | undefined> {
  const { replicaSet } = action;
  const scaled = (from: number) => {
    const to = replicaSet.spec.replicas ?? 1;
    if (from === to) return;
    const message = `Scaled ${to > from ? "up" : "down"} replica set ${replicaSet.metadata.name} from ${from} to ${to}`;
    events.event(deployment, "Normal", "ScalingReplicaSet", message);
  };
  switch (action.type) {
    case "create":
      try {
        await client.create(ReplicaSet, replicaSet);
      } catch (error) {
        return createFailed(client, events, deployment, replicaSet, error, now);
      }
      scaled(0);
      return undefined;
    case "update":
      await client.update(ReplicaSet, replicaSet);
      return undefined;
    case "scale":
      await client.update(ReplicaSet, replicaSet);
      scaled(action.from);
      return undefined;
    case "delete":
      await client.delete(ReplicaSet, replicaSet.metadata).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
      return undefined;
  }
}

/** A taken name is ours from an earlier try, or a collision of hashes: then another name is made next time. */
async function createFailed(
  client: ResourceClient,
  events: EventRecorder,
  deployment: Deployment,
  replicaSet: ReplicaSet,
  error: unknown,
  now: number,
): Promise<Problem | undefined> {
  const status = deployment.status ?? {};
  if (isAlreadyExists(error)) {
    const { namespace, name } = replicaSet.metadata;
    const existing = await client.get(ReplicaSet, { ...(namespace !== undefined && { namespace }), name });
    const ours = existing.metadata.ownerReferences?.some(
      ({ uid, controller }) => controller === true && uid === deployment.metadata.uid,
    );
    if (ours && isSameTemplate(existing.spec.template, deployment.spec.template)) return undefined;
    return { status: { ...status, collisionCount: (status.collisionCount ?? 0) + 1 }, error };
  }
  const message = `Failed to create new replica set "${replicaSet.metadata.name}": ${messageOf(error)}`;
  events.event(deployment, "Warning", "ReplicaSetCreateError", message);
  if (progressDeadlineMs(deployment) === undefined) return { status, error };
  const failed = { type: "Progressing", status: "False", reason: "ReplicaSetCreateError", message } as const;
  return {
    status: { ...status, conditions: [...withCondition(status.conditions ?? [], failed, now)] },
    error,
  };
}

/** Status and revision in one write: the status subresource takes annotations along. */
async function writeStatus(
  client: ResourceClient,
  deployment: Deployment,
  { status, revision }: DeploymentPlan,
): Promise<void> {
  const { metadata } = deployment;
  const annotations = { ...metadata.annotations, ...(revision !== undefined && { [REVISION]: revision }) };
  const annotated = revision !== undefined && metadata.annotations?.[REVISION] !== revision;
  if (!annotated && jsonEqual(deployment.status ?? {}, status)) return;
  await client.update(
    Deployment,
    { ...deployment, metadata: annotated ? { ...metadata, annotations } : metadata, status },
    { subresource: "status" },
  );
}
