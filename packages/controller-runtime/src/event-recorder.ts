import {
  Event,
  formatTime,
  isNotFound,
  type KubeObject,
  type ObjectReference,
  type ResourceClient,
  StatusError,
} from "@tracegate/kube";
import { EventCorrelator, type EventDraft, type Observed } from "./event-correlator.ts";
import { type Log, silentLog } from "./log.ts";
import type { Scheduler } from "./scheduler.ts";

/** Tells of what happened to an object, as Kubernetes Events. */
export interface EventRecorder {
  /**
   * Returns at once; Events are written in order, in the background, and are lost rather than block: when the API refuses them
   * or more than `EVENT_QUEUE_LIMIT` wait (`dropped` counts these).
   */
  event(about: KubeObject | EventSubject, type: "Normal" | "Warning", reason: string, message: string): void;
}

/** An object by reference, for what is part of an object (`fieldPath: "spec.containers{web}"`). */
export interface EventSubject {
  readonly involvedObject: ObjectReference;
}

export interface EventRecorderOptions {
  readonly client: ResourceClient;
  readonly scheduler: Scheduler;
  /** Who speaks: `deployment-controller`. */
  readonly component: string;
  readonly host?: string;
  readonly log?: Log;
}

export const EVENT_QUEUE_LIMIT = 1000;
const TRIES = 12;
const RETRY_MS = 10_000;

const EVENTS_A_TURN = 10;

export function createEventRecorder(
  options: EventRecorderOptions,
): EventRecorder & { readonly dropped: number } {
  return new QueueingRecorder(options);
}

class QueueingRecorder implements EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #correlator = new EventCorrelator();
  readonly #queue: { draft: EventDraft; at: number }[] = [];
  #writing = false;
  #lastNanos = 0n;
  dropped = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  event(about: KubeObject | EventSubject, type: "Normal" | "Warning", reason: string, message: string): void {
    if (this.#queue.length >= EVENT_QUEUE_LIMIT) {
      this.dropped++;
      return;
    }
    const { component, host, scheduler } = this.#options;
    const source = { component, ...(host !== undefined && { host }) };
    const involvedObject = "involvedObject" in about ? about.involvedObject : referenceTo(about);
    this.#queue.push({ draft: { source, involvedObject, type, reason, message }, at: scheduler.now() });
    if (this.#writing) return;
    this.#writing = true;
    void scheduler.run(() => this.#writeAll());
  }

  async #writeAll(): Promise<void> {
    const { scheduler } = this.#options;
    let seen = 0;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const { draft, at } = next;
      const observed = this.#correlator.observe(draft, at);
      if (observed === undefined) continue;
      const write = () => this.#writePatiently(observed, at);
      // A burst leaves room for others: what the scheduler runs begins on a turn of its own.
      await (++seen % EVENTS_A_TURN === 0 ? scheduler.run(write) : write());
    }
    this.#writing = false;
  }

  /** A refusal is final (the namespace is ending, …); an API that cannot be reached is tried again, as client-go does. */
  async #writePatiently(observed: Observed, at: number): Promise<void> {
    const { scheduler, log = silentLog } = this.#options;
    for (let tries = 1; ; tries++) {
      try {
        return await this.#write(observed, at);
      } catch (error) {
        if (error instanceof StatusError || tries === TRIES) {
          log.debug({ reason: observed.draft.reason, error: String(error) }, "event not recorded");
          return;
        }
        await scheduler.after(RETRY_MS);
      }
    }
  }

  async #write({ draft, count, firstSeen, name, key }: Observed, at: number): Promise<void> {
    const { client } = this.#options;
    const namespace = draft.involvedObject.namespace ?? "default";
    if (name !== undefined) {
      const body = { count, lastTimestamp: formatTime(at), message: draft.message };
      try {
        await client.patch(Event, { namespace, name }, { type: "strategic", body });
        return;
      } catch (error) {
        // Its time was up: it is told anew, with its count.
        if (!isNotFound(error)) throw error;
      }
    }
    const created = await client.create(Event, {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: this.#nameFor(draft.involvedObject, at), namespace },
      involvedObject: draft.involvedObject,
      reason: draft.reason,
      message: draft.message,
      source: draft.source,
      firstTimestamp: formatTime(firstSeen),
      lastTimestamp: formatTime(at),
      count,
      type: draft.type,
      reportingComponent: draft.source.component,
      reportingInstance: draft.source.host ?? "",
    });
    this.#correlator.written(key, created.metadata.name);
  }

  /** `<object>.<nanoseconds, 16 hex digits>`; the clock has milliseconds, so later ones of the same count on. */
  #nameFor(object: ObjectReference, at: number): string {
    const nanos = BigInt(Math.floor(at)) * 1_000_000n;
    this.#lastNanos = nanos > this.#lastNanos ? nanos : this.#lastNanos + 1n;
    return `${object.name}.${this.#lastNanos.toString(16).padStart(16, "0")}`;
  }
}

function referenceTo({ apiVersion, kind, metadata }: KubeObject): ObjectReference {
  const { namespace, name, uid, resourceVersion } = metadata;
  return {
    kind,
    ...(namespace !== undefined && { namespace }),
    name,
    ...(uid !== undefined && { uid }),
    apiVersion,
    ...(resourceVersion !== undefined && { resourceVersion }),
  };
}
