import { AnalysisRun } from "@tracegate/analysis";
import { type Ref, undefinedIfNotFound } from "@tracegate/kube";
import { Rollout } from "@tracegate/rollouts";
import { settledOn } from "../demo/snapshot.ts";
import type { World } from "./level.ts";

/** What keeps a Rollout from having settled on `image`. */
export async function stillToRun({ client }: World, ref: Ref, image: string): Promise<string[]> {
  const rollout = await client.get(Rollout, ref).catch(undefinedIfNotFound);
  const name = `rollout ${ref.name} in ${ref.namespace}`;
  if (rollout === undefined) return [`there is no ${name}`];
  const wanted = rollout.spec.template?.spec.containers[0]?.image;
  if (wanted !== image) return [`${name} asks for ${wanted}, not ${image}: change its manifest`];
  if (settledOn(rollout) !== undefined) return [];
  const { phase = "Unknown", message } = rollout.status ?? {};
  return [
    `${name} is ${phase}${message === undefined ? "" : `: ${message}`}`,
    `see: kubectl argo rollouts get rollout ${ref.name} -n ${ref.namespace}`,
  ];
}

/** What keeps one from saying that the version that runs was let through by an analysis. */
export async function stillToJudge(world: World, ref: Ref): Promise<string[]> {
  const { client } = world;
  const rollout = await client.get(Rollout, ref).catch(undefinedIfNotFound);
  const hash = rollout?.status?.currentPodHash;
  const { namespace = "" } = ref;
  const runs = await runsOf(world, ref, hash);
  if (runs.some(({ status }) => status?.phase === "Successful")) return [];
  const newest = runs.at(-1);
  if (newest === undefined) {
    return [
      `no analysis has been run for the newest version in ${namespace}: it was there from the start`,
      "commit the version before it, let it become healthy, and commit this one again",
    ];
  }
  const { phase = "Pending", message } = newest.status ?? {};
  return [
    `analysis ${newest.metadata.name} in ${namespace} is ${phase}${message === undefined ? "" : `: ${message}`}`,
    `after mending it: kubectl argo rollouts retry rollout ${ref.name} -n ${namespace}`,
  ];
}

/** A gate of the newest analysis that measured NaN each time: what it divides by did not move while it was asked. */
export async function stoodStill(world: World, ref: Ref): Promise<string[]> {
  const rollout = await world.client.get(Rollout, ref).catch(undefinedIfNotFound);
  const newest = (await runsOf(world, ref, rollout?.status?.currentPodHash)).at(-1);
  return (newest?.status?.metricResults ?? []).flatMap(({ name, phase, measurements = [] }) =>
    phase === "Failed" && measurements.length > 0 && measurements.every(({ value }) => value === "[NaN]")
      ? [
          `${name} measured NaN each time: its counters stood still. The spanmetrics connector hands them on each minute, ` +
            "if no metrics_flush_interval says otherwise, and two such times are needed: retry half a minute later",
        ]
      : [],
  );
}

/** The analyses of a Rollout's version, oldest first. */
async function runsOf({ client }: World, ref: Ref, hash: string | undefined): Promise<AnalysisRun[]> {
  const { items } = await client.list(AnalysisRun, { namespace: ref.namespace ?? "" });
  return items
    .filter(
      ({ metadata }) =>
        metadata.labels?.["rollouts-pod-template-hash"] === hash &&
        metadata.ownerReferences?.some(({ name }) => name === ref.name),
    )
    .toSorted((a, b) =>
      (a.metadata.creationTimestamp ?? "").localeCompare(b.metadata.creationTimestamp ?? ""),
    );
}
