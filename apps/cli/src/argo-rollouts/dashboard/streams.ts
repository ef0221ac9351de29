import type { Scheduler } from "@tracegate/controller-runtime";
import { type RolloutInfo, rolloutInfo } from "./rollout-info.ts";
import type { World } from "./world.ts";

/** Changes that come together are told as one, at most this often. */
const pauseMs = 200;

/** What a stream is about: one Rollout with its AnalysisRuns, or all of a namespace (undefined: of all). */
export interface Subject {
  readonly namespace: string | undefined;
  readonly name?: string;
}

/** Why a stream ended: it was stopped, the Rollout asked for is not there (any more), or the cluster does not answer. */
export type StreamEnd =
  | { readonly kind: "stopped" | "gone" }
  | { readonly kind: "failed"; readonly why: string };

/** Who is told. */
export interface Audience {
  send(event: unknown): void;
  /** All that is there was told of. */
  synced(): void;
}

/** Tells of Rollouts as they are, and then of each that has come to look different. */
export async function stream(
  { namespace, name }: Subject,
  world: World,
  scheduler: Scheduler,
  audience: Audience,
  signal: AbortSignal,
): Promise<StreamEnd> {
  let wake = Promise.withResolvers<void>();
  let failure: string | undefined;
  const stopListening = world.listen({
    changed(where) {
      if (namespace === undefined || where === namespace) wake.resolve();
    },
    failed(why) {
      failure = why;
      wake.resolve();
    },
  });
  const onAbort = () => wake.resolve();
  signal.addEventListener("abort", onAbort);
  try {
    const sent = new Map<string, string>();
    let isSynced = false;
    void world.synced.then(() => {
      isSynced = true;
      wake.resolve();
    });
    for (let isFirst = true; ; ) {
      await wake.promise;
      if (signal.aborted) return { kind: "stopped" };
      if (failure !== undefined) return { kind: "failed", why: failure };
      wake = Promise.withResolvers<void>();
      if (!isSynced) continue;
      const look = name === undefined ? tellAll : tellOne;
      if (!look({ world, namespace, name: name ?? "", sent, send: audience.send })) return { kind: "gone" };
      if (isFirst) audience.synced();
      isFirst = false;
      await scheduler.after(pauseMs, signal).catch(() => {});
    }
  } finally {
    stopListening();
    signal.removeEventListener("abort", onAbort);
  }
}

interface Look {
  readonly world: World;
  readonly namespace: string | undefined;
  readonly name: string;
  /** What was last told, by Rollout. */
  readonly sent: Map<string, string>;
  readonly send: (event: unknown) => void;
}

function tellAll({ world, namespace, sent, send }: Look): boolean {
  const gone = new Set(sent.keys());
  for (const objects of world.rollouts(namespace)) {
    const { metadata } = objects.rollout;
    const key = `${metadata.namespace}/${metadata.name}`;
    gone.delete(key);
    const info = rolloutInfo(objects, { runs: false });
    if (isNew(sent, key, info)) send({ type: "Updated", rolloutInfo: info });
  }
  for (const key of gone) {
    sent.delete(key);
    // The original leaves deletions out, and its page shows what is gone until it is loaded again.
    const [of = "", name = ""] = key.split("/");
    send({ type: "Deleted", rolloutInfo: { objectMeta: { namespace: of, name } } });
  }
  return true;
}

function tellOne({ world, namespace, name, sent, send }: Look): boolean {
  const objects = world.rollouts(namespace).find(({ rollout }) => rollout.metadata.name === name);
  if (objects === undefined) return false;
  const info = rolloutInfo(objects);
  if (isNew(sent, name, info)) send(info);
  return true;
}

function isNew(sent: Map<string, string>, key: string, info: RolloutInfo): boolean {
  const text = JSON.stringify(info);
  if (sent.get(key) === text) return false;
  sent.set(key, text);
  return true;
}
