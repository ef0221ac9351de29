import { AnalysisRun } from "@tracegate/analysis";
import { Pod, ReplicaSet, type ResourceClient } from "@tracegate/kube";
import { Rollout, type RolloutView, rolloutView } from "@tracegate/rollouts";

/** What the tree of a Rollout is drawn from. */
export async function viewOf(client: ResourceClient, namespace: string, name: string): Promise<RolloutView> {
  return rolloutView({
    rollout: await client.get(Rollout, { namespace, name }),
    ...(await around(client, namespace)),
  });
}

/** All Rollouts of a namespace, or of all. */
export async function allViews(
  client: ResourceClient,
  namespace: string | undefined,
): Promise<RolloutView[]> {
  const rollouts = (await client.list(Rollout, namespace === undefined ? {} : { namespace })).items;
  const objects = await around(client, namespace);
  return rollouts.map((rollout) => rolloutView({ rollout, ...objects }));
}

async function around(client: ResourceClient, namespace: string | undefined) {
  const within = namespace === undefined ? {} : { namespace };
  return {
    replicaSets: (await client.list(ReplicaSet, within)).items,
    pods: (await client.list(Pod, within)).items,
    analysisRuns: (await client.list(AnalysisRun, within)).items,
  };
}
