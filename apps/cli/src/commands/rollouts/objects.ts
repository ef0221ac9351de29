import { AnalysisRun } from "@tracegate/analysis";
import { ProblemError } from "@tracegate/contracts";
import { isNotFound, Pod, ReplicaSet, type ResourceClient } from "@tracegate/kube";
import { Rollout, type RolloutView, rolloutView } from "@tracegate/rollouts";

/** @throws ProblemError where there is one of this name in another namespace. */
export async function getRollout(
  client: ResourceClient,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<Rollout> {
  try {
    return await client.get(Rollout, { namespace, name });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    const { items } = await client.list(Rollout).catch(() => ({ items: [] as Rollout[] }));
    const elsewhere = items.flatMap(({ metadata }) =>
      metadata.name === name ? (metadata.namespace ?? []) : [],
    );
    if (elsewhere.length === 0) throw error;
    throw new ProblemError({
      code: "input/namespace",
      message: `there is no Rollout "${name}" in the namespace ${namespace}`,
      advice: `It is in ${elsewhere.join(" and in ")}: add -n ${elsewhere[0]}`,
    });
  }
}

/** What the tree of a Rollout is drawn from. */
export async function viewOf(client: ResourceClient, namespace: string, name: string): Promise<RolloutView> {
  return rolloutView({
    rollout: await getRollout(client, { namespace, name }),
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
