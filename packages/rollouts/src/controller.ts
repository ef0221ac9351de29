import { AnalysisRun, AnalysisTemplate, ClusterAnalysisTemplate, type EventSink } from "@tracegate/analysis";
import type { Clock } from "@tracegate/contracts";
import { type Controller, controllerOf } from "@tracegate/controller-runtime";
import {
  formatLabelSelector,
  isConflict,
  isForbidden,
  isInvalid,
  isNotFound,
  type Kind,
  type KubeObject,
  Pod,
  type Ref,
  ReplicaSet,
  type ResourceClient,
  Service,
  undefinedIfNotFound,
} from "@tracegate/kube";
import { createFailure, planRollout } from "./plan.ts";
import type { RolloutAction, RolloutSnapshot } from "./snapshot.ts";
import { statusDifference } from "./status-difference.ts";
import { managedByAnnotation, Rollout, type RolloutStatus } from "./types.ts";

export interface RolloutControllerOptions {
  readonly client: ResourceClient;
  readonly clock: Clock;
  readonly events: EventSink;
}

/** Carries Rollouts out: reads a snapshot, asks `planRollout`, does what it says, and writes the status last. */
export function rolloutController({ client, clock, events }: RolloutControllerOptions): Controller<Rollout> {
  const ofRollout = controllerOf(Rollout);
  return {
    name: "rollouts",
    kind: Rollout,
    backoff: { baseMs: 1, maxMs: 10_000 },
    watches: [
      { kind: ReplicaSet, map: ofRollout },
      { kind: AnalysisRun, map: ofRollout },
      { kind: Service, map: managedService },
    ],
    async reconcile(ref) {
      const rollout = await client.get(Rollout, ref).catch(undefinedIfNotFound);
      if (rollout === undefined || rollout.metadata.deletionTimestamp !== undefined) return undefined;
      if (rollout.status === undefined && (rollout.metadata.generation ?? 1) === 1) {
        const { namespace = "default", name } = rollout.metadata;
        await events.event(
          rollout,
          "Normal",
          "RolloutAddedToInformer",
          `Rollout resource added to informer: ${namespace}/${name}`,
        );
      }
      const plan = planRollout(await readSnapshot(client, rollout), clock.now());
      try {
        if (plan.statusFirst !== undefined) await writeStatus(client, rollout, plan.statusFirst);
        for (const action of plan.actions)
          await carryOut(client, rollout, action).catch((error: unknown) =>
            action.do === "createReplicaSet"
              ? tellRefusal(rollout, action.replicaSet, error)
              : rethrow(error),
          );
        for (const { type, reason, message } of plan.events)
          await events.event(rollout, type, reason, message);
        await writeStatus(client, rollout, plan.status);
        if (plan.failure !== undefined) throw new Error(plan.failure);
      } catch (error) {
        // Someone else was quicker: what was read is old, so decide anew.
        if (isConflict(error)) return { requeueAfterMs: 0 };
        throw error;
      }
      return plan.requeueAfterMs === undefined ? undefined : { requeueAfterMs: plan.requeueAfterMs };
    },
  };

  /** A ReplicaSet that the API will not have (a quota, a policy) is shown; then the pass ends, to be tried again. */
  async function tellRefusal(rollout: Rollout, replicaSet: ReplicaSet, error: unknown): Promise<never> {
    if (isInvalid(error) || isForbidden(error)) {
      const why = error instanceof Error ? error.message : String(error);
      const { status, event } = createFailure(rollout, replicaSet.metadata.name, why, clock.now());
      await writeStatus(client, rollout, status);
      await events.event(rollout, event.type, event.reason, event.message);
    }
    return rethrow(error);
  }
}

function rethrow(error: unknown): never {
  throw error;
}

function managedService({ metadata }: KubeObject): readonly Ref[] {
  const name = metadata.annotations?.[managedByAnnotation];
  return name === undefined || metadata.namespace === undefined
    ? []
    : [{ namespace: metadata.namespace, name }];
}

/** All that a decision needs, read from the API. */
export async function readSnapshot(client: ResourceClient, rollout: Rollout): Promise<RolloutSnapshot> {
  const namespace = rollout.metadata.namespace ?? "default";
  const owned = (object: KubeObject): boolean =>
    object.metadata.ownerReferences?.some(
      ({ controller, uid }) => controller === true && uid === rollout.metadata.uid,
    ) === true;
  const [sets, runs] = await Promise.all([
    client.list(ReplicaSet, { namespace }),
    client.list(AnalysisRun, { namespace }),
  ]);
  const { canary, blueGreen } = rollout.spec.strategy ?? {};
  const names = [
    canary?.canaryService,
    canary?.stableService,
    blueGreen?.activeService,
    blueGreen?.previewService,
  ];
  const services = new Map<string, Service>();
  const abandonedServices: Service[] = [];
  for (const service of (await client.list(Service, { namespace })).items) {
    const { name, annotations } = service.metadata;
    if (names.includes(name)) services.set(name, service);
    else if (annotations?.[managedByAnnotation] === rollout.metadata.name) abandonedServices.push(service);
  }
  const usesAnalysis =
    canary?.analysis !== undefined ||
    canary?.steps?.some(({ analysis }) => analysis !== undefined) === true ||
    blueGreen?.prePromotionAnalysis !== undefined ||
    blueGreen?.postPromotionAnalysis !== undefined;
  const byName = (list: readonly AnalysisTemplate[]) =>
    new Map(list.map((template) => [template.metadata.name, template]));
  const needsPods =
    (rollout.spec.restartAt !== undefined && rollout.spec.restartAt !== rollout.status?.restartedAt) ||
    canary?.canaryMetadata !== undefined ||
    canary?.stableMetadata !== undefined ||
    blueGreen?.activeMetadata !== undefined ||
    blueGreen?.previewMetadata !== undefined;
  return {
    rollout,
    replicaSets: sets.items.filter(owned),
    foreignReplicaSets: sets.items.filter((rs) => !owned(rs)).map(({ metadata }) => metadata.name),
    services,
    abandonedServices,
    templates: byName(usesAnalysis ? (await client.list(AnalysisTemplate, { namespace })).items : []),
    clusterTemplates: byName(usesAnalysis ? (await client.list(ClusterAnalysisTemplate)).items : []),
    analysisRuns: runs.items.filter(owned),
    pods: needsPods
      ? (await client.list(Pod, { namespace, labelSelector: formatLabelSelector(rollout.spec.selector) }))
          .items
      : [],
  };
}

async function carryOut(client: ResourceClient, rollout: Rollout, action: RolloutAction): Promise<void> {
  const namespace = rollout.metadata.namespace ?? "default";
  const merge = (kind: Kind, name: string, body: unknown) =>
    client.patch(kind, { namespace, name }, { type: "merge", body });
  switch (action.do) {
    case "createReplicaSet":
      await client.create(ReplicaSet, action.replicaSet);
      return;
    case "patchReplicaSet": {
      const { resourceVersion } = action;
      const body: { metadata?: object } = action.body;
      // Sizes were computed from what was read; a ReplicaSet that moved on since is looked at again.
      await merge(
        ReplicaSet,
        action.name,
        resourceVersion === undefined ? body : { ...body, metadata: { ...body.metadata, resourceVersion } },
      );
      return;
    }
    case "deleteReplicaSet":
      await gone(client.delete(ReplicaSet, { namespace, name: action.name }));
      return;
    case "patchRollout":
      await merge(Rollout, rollout.metadata.name, action.body);
      return;
    case "patchService":
      await merge(Service, action.name, action.body);
      return;
    case "createAnalysisRun":
      await client.create(AnalysisRun, action.run);
      return;
    case "terminateAnalysisRun":
      await merge(AnalysisRun, action.name, { spec: { terminate: true } });
      return;
    case "deleteAnalysisRun":
      await gone(
        client.delete(AnalysisRun, { namespace, name: action.name }, { propagationPolicy: "Background" }),
      );
      return;
    case "evictPod":
      await gone(client.delete(Pod, { namespace, name: action.name }));
      return;
    case "patchPod":
      await gone(merge(Pod, action.name, action.body));
      return;
  }
}

/** What is already gone is as good as deleted. */
async function gone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/**
 * Writes the fields of the status that changed. People change single fields too (`abort`, `pauseConditions`, …): what
 * they changed since the snapshot must not be undone, so the patch carries the difference alone.
 */
async function writeStatus(client: ResourceClient, rollout: Rollout, status: RolloutStatus): Promise<void> {
  const patch = statusDifference(rollout.status ?? {}, status);
  if (Object.keys(patch).length === 0) return;
  const { namespace = "default", name } = rollout.metadata;
  await client.patch(
    Rollout,
    { namespace, name },
    { type: "merge", body: { status: patch } },
    { subresource: "status" },
  );
}
