import {
  isExpired,
  type Kind,
  type KubeObject,
  type ResourceClient,
  refKey,
  type Watch,
  type WatchEvent,
} from "@tracegate/kube";
import type { Log } from "./log.ts";
import type { Cancel, Scheduler } from "./scheduler.ts";
import { type Backoff, backoffMs } from "./work-queue.ts";

export interface InformerOptions {
  readonly client: ResourceClient;
  readonly scheduler: Scheduler;
  readonly kind: Kind;
  readonly log: Log;
  /** Called for each change: with both states, so that what an object pointed to before is told as well. */
  readonly onChange: (change: Change) => void;
}

export interface Change {
  readonly before?: KubeObject;
  readonly after?: KubeObject;
}

/** As client-go's reflector, without its jitter: what happens is the same in every run. */
const RETRY: Backoff = { baseMs: 800, maxMs: 30_000 };
/** A watch that lived this long was a good one; its end is no failure. */
const GOOD_WATCH_MS = 1_000;

/**
 * Follows all objects of a kind: lists them, watches from there, lists again when the server has forgotten that far back
 * (410) and makes up what was missed by comparing. Nothing is lost over a gap: at least the last state of every object
 * that changed is told, and every deletion.
 */
export class Informer {
  readonly #options: InformerOptions;
  readonly #known = new Map<string, KubeObject>();
  #resourceVersion = "";
  #watch: Watch | undefined;
  #watchedSince = 0;
  #retry: Cancel | undefined;
  #failures = 0;
  #stopped = false;
  readonly #synced = Promise.withResolvers<void>();

  constructor(options: InformerOptions) {
    this.#options = options;
  }

  /** Resolves after the first list. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  start(): void {
    void this.#list();
  }

  stop(): void {
    this.#stopped = true;
    this.#retry?.();
    this.#watch?.stop();
  }

  async #list(): Promise<void> {
    const { client, scheduler, kind } = this.#options;
    try {
      const list = await scheduler.track(client.list(kind));
      if (this.#stopped) return;
      this.#resourceVersion = list.metadata.resourceVersion;
      this.#replace(list.items);
      this.#synced.resolve();
    } catch (error) {
      if (!this.#stopped) this.#retryLater("list", error, () => void this.#list());
      return;
    }
    this.#follow();
  }

  /** Tells the difference between what is known and what a list shows. */
  #replace(items: readonly KubeObject[]): void {
    const gone = new Map(this.#known);
    for (const object of items) {
      const key = refKey(object.metadata);
      gone.delete(key);
      this.#tell(key, object);
    }
    for (const key of gone.keys()) this.#tell(key, undefined);
  }

  #tell(key: string, after: KubeObject | undefined): void {
    const before = this.#known.get(key);
    if (after === undefined) this.#known.delete(key);
    else this.#known.set(key, after);
    // A list repeats what has not changed.
    if (before !== undefined && before.metadata.resourceVersion === after?.metadata.resourceVersion) return;
    this.#options.onChange({ ...(before && { before }), ...(after && { after }) });
  }

  #follow(): void {
    const { client, scheduler, kind } = this.#options;
    if (this.#stopped) return;
    this.#watchedSince = scheduler.now();
    try {
      this.#watch = client.watch(
        kind,
        { resourceVersion: this.#resourceVersion },
        { event: (event) => this.#received(event), close: (reason) => this.#ended(reason) },
      );
    } catch (error) {
      this.#ended(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #received(event: WatchEvent<KubeObject>): void {
    this.#failures = 0;
    if (event.type === "BOOKMARK") {
      this.#resourceVersion = event.resourceVersion;
      return;
    }
    const { object } = event;
    this.#resourceVersion = object.metadata.resourceVersion ?? this.#resourceVersion;
    const key = refKey(object.metadata);
    if (event.type !== "DELETED") {
      this.#tell(key, object);
      return;
    }
    // The last state counts, even where only the list was known.
    this.#known.set(key, object);
    this.#tell(key, undefined);
  }

  #ended(reason: Error | undefined): void {
    if (this.#stopped) return;
    if (this.#options.scheduler.now() - this.#watchedSince >= GOOD_WATCH_MS) this.#failures = 0;
    const again = isExpired(reason) ? () => void this.#list() : () => this.#follow();
    if (this.#failures === 0 && (reason === undefined || isExpired(reason))) {
      this.#failures = 1;
      // Not from inside `close`: a watch that ends as it starts would go round without end.
      this.#retry = this.#options.scheduler.schedule(0, again);
    } else this.#retryLater("watch", reason, again);
  }

  #retryLater(what: string, error: unknown, again: () => void): void {
    const { scheduler, log, kind } = this.#options;
    const delayMs = backoffMs(RETRY, this.#failures++);
    log.warn({ kind: kind.kind, error: String(error), retryMs: delayMs }, `${what} of ${kind.plural} failed`);
    this.#retry = scheduler.schedule(delayMs, again);
  }
}
