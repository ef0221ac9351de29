import type { Event, ObjectReference } from "@tracegate/kube";

/** An Event before the API knows it. */
export interface EventDraft {
  readonly source: { readonly component: string; readonly host?: string };
  readonly involvedObject: ObjectReference;
  readonly type: NonNullable<Event["type"]>;
  readonly reason: string;
  readonly message: string;
}

/** What to write: a new Event, or another count of one that was written under `name`. */
export interface Observed {
  readonly draft: EventDraft;
  readonly count: number;
  readonly firstSeen: number;
  /** Of the Event that this one repeats. */
  readonly name?: string;
  /** To be handed back to `written`. */
  readonly key: string;
}

/** Different messages of one kind within the window, from which on they are told as one. */
const SIMILAR_LIMIT = 10;
const SIMILAR_WINDOW_MS = 600_000;
const BURST = 25;
const REFILL_MS = 300_000;
const CACHE_SIZE = 4096;

/**
 * Keeps repeated events from flooding the API, by the rules and limits of client-go's EventCorrelator: equal events are
 * counted, similar ones (all but the message equal) are told as one from the tenth within 10 minutes on, and one source
 * may tell of one object 25 times at once, then once in 5 minutes, of what is normal and of what is a warning each.
 */
export class EventCorrelator {
  readonly #similar = new RecentMap<{ messages: Set<string>; last: number }>();
  readonly #counted = new RecentMap<{ count: number; firstSeen: number; name?: string }>();
  readonly #budgets = new RecentMap<{ tokens: number; at: number }>();

  /** Undefined when the event is over the budget; it is counted all the same, as the next that is written shows. */
  observe(draft: EventDraft, now: number): Observed | undefined {
    const { told, key } = this.#aggregate(draft, now);
    const last = this.#counted.get(key);
    const entry = {
      ...(last?.name !== undefined && { name: last.name }),
      count: (last?.count ?? 0) + 1,
      firstSeen: last?.firstSeen ?? now,
    };
    this.#counted.set(key, entry);
    if (!this.#spend([identity(draft), draft.type].join("\n"), now)) return undefined;
    return { draft: told, key, ...entry };
  }

  /** The event was stored under this name: the next equal one adds to it. */
  written(key: string, name: string): void {
    const entry = this.#counted.get(key);
    if (entry !== undefined) this.#counted.set(key, { ...entry, name });
  }

  #aggregate(draft: EventDraft, now: number): { told: EventDraft; key: string } {
    const group = [identity(draft), draft.type, draft.reason].join("\n");
    const known = this.#similar.get(group);
    const entry =
      known === undefined || now - known.last > SIMILAR_WINDOW_MS
        ? { messages: new Set<string>(), last: now }
        : known;
    entry.messages.add(draft.message);
    entry.last = now;
    this.#similar.set(group, entry);
    if (entry.messages.size < SIMILAR_LIMIT) return { told: draft, key: `${group}\n${draft.message}` };
    const [any] = entry.messages;
    if (any !== undefined) entry.messages.delete(any);
    const message = `(combined from similar events): ${draft.message}`;
    return { told: { ...draft, message }, key: group };
  }

  #spend(source: string, now: number): boolean {
    const { tokens, at } = this.#budgets.get(source) ?? { tokens: BURST, at: now };
    const available = Math.min(BURST, tokens + (now - at) / REFILL_MS);
    const allowed = available >= 1;
    this.#budgets.set(source, { tokens: allowed ? available - 1 : available, at: now });
    return allowed;
  }
}

/** Who speaks of what. */
function identity({ source, involvedObject: object }: EventDraft): string {
  return [
    source.component,
    source.host,
    object.apiVersion,
    object.kind,
    object.namespace,
    object.name,
    object.uid,
    object.fieldPath,
  ].join("\n");
}

/** A map that forgets what was set longest ago. */
class RecentMap<V> {
  readonly #entries = new Map<string, V>();

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= CACHE_SIZE) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}
