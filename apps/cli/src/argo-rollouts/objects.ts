import { AnalysisRun } from "@tracegate/analysis";
import { isNotFound, Pod, ReplicaSet, type ResourceClient } from "@tracegate/kube";
import { Rollout, type RolloutObjects, type RolloutView, rolloutView } from "@tracegate/rollouts";
import { PluginError } from "./plugin.ts";

/** What the tree of a Rollout is drawn from. */
export const viewOf = async (client: ResourceClient, namespace: string, name: string): Promise<RolloutView> =>
  rolloutView(await objectsOf(client, namespace, name));

/** A Rollout and what may belong to it. */
export async function objectsOf(
  client: ResourceClient,
  namespace: string,
  name: string,
): Promise<RolloutObjects> {
  const rollout = await client.get(Rollout, { namespace, name }).catch((error: unknown) => {
    // The original looks into its own cache, which names the kind in the singular.
    throw isNotFound(error) ? new PluginError(`rollout.argoproj.io "${name}" not found`) : error;
  });
  return { rollout, ...(await around(client, namespace)) };
}

/** All Rollouts of a namespace, or of all. */
export async function allObjects(
  client: ResourceClient,
  namespace: string | undefined,
): Promise<RolloutObjects[]> {
  const { items } = await client.list(Rollout, namespace === undefined ? {} : { namespace });
  const objects = await around(client, namespace);
  return items.map((rollout) => ({ rollout, ...objects }));
}

async function around(client: ResourceClient, namespace: string | undefined) {
  const within = namespace === undefined ? {} : { namespace };
  return {
    replicaSets: (await client.list(ReplicaSet, within)).items,
    pods: (await client.list(Pod, within)).items,
    analysisRuns: (await client.list(AnalysisRun, within)).items,
  };
}
