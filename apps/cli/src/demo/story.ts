import type { Clock } from "@tracegate/contracts";
import { ProblemError } from "@tracegate/contracts";
import type { Ref, ResourceClient } from "@tracegate/kube";
import {
  type Outcome,
  outcomeAfter,
  rolloutIn,
  type Snapshot,
  settledOn,
  takeSnapshot,
  whatHolds,
} from "./snapshot.ts";

/** What the story tells its listener, in order. */
export interface StoryListener {
  /** A new chapter: one line. */
  chapter(text: string): void;
  /** The world has been looked at. */
  look(snapshot: Snapshot): void;
}

/** A release by a commit, followed to its verdict. */
export interface Story {
  /** What is released, for people: `HotROD`. */
  readonly title: string;
  readonly from: string;
  readonly to: string;
  /** The Rollouts that the commit reaches, in the namespaces that are looked at. */
  readonly rollouts: readonly Ref[];
  /** Whether the world is ready for the release, beside the Rollouts having settled. */
  ready(snapshot: Snapshot): boolean;
  /** Whether requests reach the stable version. */
  traffic(): Promise<boolean>;
  /** Commits it; answers the short commit. */
  release(): Promise<string>;
}

export interface StoryEnd {
  /** In the order of the story's Rollouts. */
  readonly outcomes: readonly Outcome[];
  readonly last: Snapshot;
}

const lookEveryMs = 150;

/** Looks at the world until something is found in it. */
export interface Watcher {
  /** @throws ProblemError when nothing comes of it within the patience, saying what holds it. */
  until<T>(what: string, found: (snapshot: Snapshot) => T | undefined | Promise<T | undefined>): Promise<T>;
}

export function watcher(options: {
  client: ResourceClient;
  clock: Clock;
  namespaces: readonly string[];
  patienceMs: number;
  listener: StoryListener;
  signal: AbortSignal;
  /** What the machine lacks, for somebody who waits. */
  lacks?(): string[];
}): Watcher {
  const { client, clock, namespaces, patienceMs, listener, signal, lacks = () => [] } = options;
  return {
    async until(what, found) {
      const deadline = clock.now() + patienceMs;
      for (;;) {
        const snapshot = await takeSnapshot(client, namespaces);
        listener.look(snapshot);
        const result = await found(snapshot);
        if (result !== undefined) return result;
        if (clock.now() > deadline) {
          throw new ProblemError({
            code: "demo/stuck",
            message: [
              `gave up after ${patienceMs / 1000} s of waiting for ${what}:`,
              ...[...lacks(), ...whatHolds(snapshot)].map((line) => `  ${line}`),
              "`tracegate status`, `kubectl describe` and `kubectl logs` tell more while the platform runs",
            ].join("\n"),
          });
        }
        await clock.after(lookEveryMs, signal);
      }
    },
  };
}

/**
 * Waits until the stable version serves traffic, commits the release, and follows it to its verdict. Everything between
 * the commit and the verdict is the controllers' doing; the story only looks.
 */
export async function tellStory(
  { title, from, to, rollouts, ready, traffic, release }: Story,
  { until }: Watcher,
  listener: StoryListener,
): Promise<StoryEnd> {
  const stable = await until(`${title} to become healthy`, (snapshot) => {
    if (!ready(snapshot)) return undefined;
    const settled = rollouts.map((ref) => settledOn(rolloutIn(snapshot, ref)));
    return settled.every((hash) => hash !== undefined) ? settled : undefined;
  });
  await until(`traffic to reach ${title}`, async () => ((await traffic()) ? true : undefined));
  listener.chapter(`${title} ${from} is healthy and serves the traffic.`);

  const commit = await release();
  listener.chapter(`Committed ${commit}: ${title} ${to}. GitOps takes it from here.`);
  return until("the release to be decided", (last) => {
    const outcomes = rollouts.map((ref, index) =>
      outcomeAfter(stable[index] ?? "", rolloutIn(last, ref), last.replicaSets),
    );
    return outcomes.every((outcome) => outcome !== undefined) ? { outcomes, last } : undefined;
  });
}

/** Whether at least `count` Applications are there and all are Synced and Healthy. */
export const applicationsHealthy = ({ applications }: Snapshot, count: number): boolean =>
  applications.length >= count &&
  applications.every(
    ({ status }) => status?.sync?.status === "Synced" && status.health?.status === "Healthy",
  );
