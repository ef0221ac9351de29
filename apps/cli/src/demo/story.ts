import type { Clock } from "@tracegate/contracts";
import { ProblemError } from "@tracegate/contracts";
import type { ResourceClient } from "@tracegate/kube";
import type { DemoRepository } from "./repository.ts";
import { outcomeAfter, type Snapshot, settledOn, takeSnapshot, whatHolds } from "./snapshot.ts";

/** What the story tells its listener, in order. */
export interface StoryListener {
  /** A new chapter: one line. */
  chapter(text: string): void;
  /** The world has been looked at. */
  look(snapshot: Snapshot): void;
}

export interface StoryEnd {
  readonly outcome: "promoted" | "refused";
  readonly revision: number;
  readonly last: Snapshot;
}

const lookEveryMs = 150;

/**
 * The main job: waits until the stable version serves traffic, commits the release, and follows it to its verdict.
 * Everything between the commit and the verdict is the controllers' doing; the story only looks.
 * @throws ProblemError when nothing comes of it within `patienceMs` a chapter, saying what holds it.
 */
export async function tellStory(options: {
  client: ResourceClient;
  clock: Clock;
  repository: DemoRepository;
  tag: string;
  /** Whether requests reach the stable version. */
  traffic(): Promise<boolean>;
  patienceMs: number;
  listener: StoryListener;
  signal: AbortSignal;
}): Promise<StoryEnd> {
  const { client, clock, repository, tag, traffic, patienceMs, listener, signal } = options;

  async function until<T>(
    what: string,
    found: (snapshot: Snapshot) => T | undefined | Promise<T | undefined>,
  ): Promise<T> {
    const deadline = clock.now() + patienceMs;
    for (;;) {
      const snapshot = await takeSnapshot(client);
      listener.look(snapshot);
      const result = await found(snapshot);
      if (result !== undefined) return result;
      if (clock.now() > deadline) {
        throw new ProblemError({
          code: "demo/stuck",
          message: `gave up after ${patienceMs / 1000} s of waiting for ${what}:\n${whatHolds(snapshot)
            .map((line) => `  ${line}`)
            .join("\n")}\n`,
          advice:
            "`tracegate status`, `kubectl describe` and `kubectl logs` tell more while the platform runs",
        });
      }
      await clock.after(lookEveryMs, signal);
    }
  }

  const stable = await until("HotROD to become healthy", (snapshot) => {
    const healthy =
      snapshot.applications.length >= 3 &&
      snapshot.applications.every(
        ({ status }) => status?.sync?.status === "Synced" && status.health?.status === "Healthy",
      );
    return healthy ? settledOn(snapshot) : undefined;
  });
  await until("traffic to reach HotROD", async () => ((await traffic()) ? true : undefined));
  listener.chapter("HotROD 1.75.0 is healthy and serves the traffic.");

  const commit = await repository.release(tag);
  listener.chapter(`Committed ${commit}: HotROD ${tag}. GitOps takes it from here.`);
  return until("the release to be decided", (last) => {
    const outcome = outcomeAfter(stable, last);
    if (outcome === undefined) return undefined;
    const revision = Number(last.rollout?.metadata.annotations?.["rollout.argoproj.io/revision"] ?? 0);
    return { outcome, revision, last };
  });
}
