import { type KubeObject, parseTime } from "@tracegate/kube";
import type { ApiContext } from "./context.ts";
import { storedObject } from "./reading.ts";

/** Events are kept for an hour after they last happened. */
const EVENT_TTL_MS = 3_600_000;
/** How often (on the clock of the API) expired ones are looked for; between, reads may still show a few. */
const SWEEP_MS = 60_000;

/** Removes old Events when the API is used: there is no timer, so virtual time needs nothing of its own. */
export class EventExpiry {
  #nextSweep = 0;

  sweep(ctx: ApiContext): void {
    const now = ctx.clock.now();
    if (now < this.#nextSweep) return;
    this.#nextSweep = now + SWEEP_MS;
    for (const entry of ctx.store.list("events/")) {
      if (lastSeen(storedObject(entry.value)) + EVENT_TTL_MS > now) continue;
      const last = storedObject(entry.value);
      ctx.store.delete(entry.key, entry.revision, (revision) => ({
        ...last,
        metadata: { ...last.metadata, resourceVersion: String(revision) },
      }));
    }
  }
}

function lastSeen(event: KubeObject): number {
  const { lastTimestamp, eventTime, series } = event as {
    lastTimestamp?: string | null;
    eventTime?: string | null;
    series?: { lastObservedTime?: string };
  };
  const times = [event.metadata.creationTimestamp, lastTimestamp, eventTime, series?.lastObservedTime];
  return Math.max(0, ...times.map((time) => (typeof time === "string" ? (parseTime(time) ?? 0) : 0)));
}
