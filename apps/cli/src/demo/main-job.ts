import { wallClock } from "@tracegate/contracts";
import { type EvidencePackage, evidenceArchive } from "@tracegate/evidence";
import type { StateDirectory } from "@tracegate/platform";
import type { DemoRepository } from "./repository.ts";
import { rolloutIn } from "./snapshot.ts";
import { applicationsHealthy, type StoryListener, tellStory, type Watcher } from "./story.ts";

const hotrod = { namespace: "hotrod", name: "hotrod" };

export const mainJobNamespaces = ["hotrod"];

export interface MainJobEnd {
  readonly promoted: boolean;
  readonly evidence: EvidencePackage;
  /** Where the evidence lies. */
  readonly directory: string;
}

/** The main job: HotROD 1.75.0 serves, `tag` is committed and carried to its verdict, and the evidence is there. */
export async function mainJob(options: {
  repository: DemoRepository;
  tag: string;
  prometheus: string;
  state: StateDirectory;
  watcher: Watcher;
  listener: StoryListener;
}): Promise<MainJobEnd> {
  const { repository, tag, prometheus, state, watcher, listener } = options;
  const { outcomes, last } = await tellStory(
    {
      title: "HotROD",
      from: "1.75.0",
      to: tag,
      rollouts: [hotrod],
      ready: (snapshot) => applicationsHealthy(snapshot, 3),
      traffic: () => hasResult(prometheus, "sum(hotrod_requests_total) > 0"),
      release: () => repository.release(tag),
    },
    watcher,
    listener,
  );
  const { annotations } = rolloutIn(last, hotrod)?.metadata ?? {};
  const revision = Number(annotations?.["rollout.argoproj.io/revision"] ?? 0);
  return { promoted: outcomes[0] === "promoted", ...(await newestEvidence(state, revision)) };
}

/** Whether a query has a result: asked of Prometheus' API, as anybody could. */
export async function hasResult(prometheus: string, query: string): Promise<boolean> {
  const answer = await fetch(`${prometheus}/api/v1/query?${new URLSearchParams({ query })}`);
  if (!answer.ok) return false;
  const { data } = (await answer.json()) as { data: { result: unknown[] } }; // Prometheus' envelope
  return data.result.length > 0;
}

/** The evidence controller writes when it sees the verdict, which may be a moment after we did. */
async function newestEvidence(state: StateDirectory, revision: number) {
  const archive = evidenceArchive(state.evidence);
  for (let waited = 0; ; waited += 50) {
    const newest = (await archive.read(hotrod, revision)).at(-1);
    if (newest !== undefined) return newest;
    if (waited > 10_000)
      throw new Error(`no evidence of revision ${revision} was written to ${state.evidence}`);
    await wallClock.after(50);
  }
}
