import { ApplicationSet } from "@tracegate/gitops";
import type { ResourceClient } from "@tracegate/kube";
import { hasResult } from "../demo/main-job.ts";
import type { Snapshot } from "../demo/snapshot.ts";
import { applicationsHealthy, type StoryListener, tellStory, type Watcher } from "../demo/story.ts";
import type { Level } from "./level.ts";
import type { LevelRepository } from "./repository.ts";

/**
 * Brings a level to where its reader begins: what is in Git is deployed, the release is committed and decided. With faults
 * that is the state in which their symptoms show.
 */
export async function playLevel(options: {
  level: Level;
  broken: boolean;
  repository: LevelRepository;
  client: ResourceClient;
  prometheus: string;
  watcher: Watcher;
  listener: StoryListener;
}): Promise<void> {
  const { level, broken, repository, client, prometheus, watcher, listener } = options;
  const { release, applications } = level;
  if (release === undefined) {
    await watcher.until(
      broken ? "the ApplicationSet to be looked at" : "the applications to become healthy",
      async (snapshot) => {
        if (!broken) return applicationsHealthy(snapshot, applications) || undefined;
        return ((await looksAtSets(client)) && settled(snapshot)) || undefined;
      },
    );
    return;
  }
  const { outcomes } = await tellStory(
    {
      ...release,
      ready: (snapshot) => broken || applicationsHealthy(snapshot, applications),
      traffic: () =>
        release.traffic === undefined ? Promise.resolve(true) : hasResult(prometheus, release.traffic),
      release: () => repository.release(),
    },
    watcher,
    listener,
  );
  for (const [index, outcome] of outcomes.entries()) {
    const { namespace, name } = release.rollouts[index] ?? { name: "" };
    const end = outcome === "promoted" ? "takes all of the traffic" : "was taken back";
    listener.chapter(`${release.title} ${release.to} ${end}: rollout ${name} in ${namespace}.`);
  }
}

/** Whether the controller has said something about every ApplicationSet. */
async function looksAtSets(client: ResourceClient): Promise<boolean> {
  const { items } = await client.list(ApplicationSet, { namespace: "argocd" });
  return items.length > 0 && items.every(({ status }) => (status?.conditions ?? []).length > 0);
}

/** Whether GitOps has nothing in hand but trying again: each Application was compared, and no first sync goes on. */
const settled = ({ applications }: Snapshot): boolean =>
  applications.every(
    ({ spec, status }) =>
      status?.sync?.status !== undefined &&
      (spec.syncPolicy?.automated === undefined ||
        (status.operationState !== undefined &&
          (status.operationState.phase !== "Running" || (status.operationState.retryCount ?? 0) > 0))),
  );
