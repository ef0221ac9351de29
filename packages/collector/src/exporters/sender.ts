import { setMaxListeners } from "node:events";
import type { OtlpClient, Payload, Signal } from "@tracegate/otlp";
import { PermanentError, StatusError } from "@tracegate/otlp";
import type { Component, Consumer, Context } from "../component.ts";
import { errorText } from "../component.ts";
import type { QueueSettings, RetrySettings } from "./queue-settings.ts";

/**
 * The sending half of an exporter: a bounded queue, a few workers, and retries with growing, jittered intervals. With
 * a queue the pipeline sees success as soon as a payload is queued; a full queue refuses it. Shutdown lets what is
 * queued be tried once more each, then drops what cannot be delivered, and says so.
 */
export class Sender implements Component, Consumer {
  readonly #context: Context;
  readonly #signal: Signal;
  readonly #connect: () => Promise<OtlpClient>;
  readonly #retry: RetrySettings;
  readonly #queue: QueueSettings;
  readonly #waiting: Payload[] = [];
  readonly #stopping = new AbortController();
  readonly #wakeUps: (() => void)[] = [];
  readonly #roomCalls: (() => void)[] = [];
  #waitingSize = 0;
  #client: OtlpClient | undefined;
  #workers: Promise<void>[] = [];

  constructor(
    context: Context,
    signal: Signal,
    retry: RetrySettings,
    queue: QueueSettings,
    connect: () => Promise<OtlpClient>,
  ) {
    this.#context = context;
    this.#signal = signal;
    this.#retry = retry;
    this.#queue = queue;
    this.#connect = connect;
    // Every worker that waits for its retry listens; that is no leak, however many there are.
    setMaxListeners(0, this.#stopping.signal);
  }

  async start(): Promise<void> {
    this.#client = await this.#connect();
    const { meter, id } = this.#context;
    const labels = { exporter: id, data_type: this.#signal };
    if (this.#queue !== undefined) {
      const capacity = this.#queue.queue_size;
      meter.gauge("exporter_queue_size", labels, () => this.#waitingSize);
      meter.gauge("exporter_queue_capacity", labels, () => capacity);
    }
    const workers = this.#queue?.num_consumers ?? 0;
    this.#workers = Array.from({ length: workers }, () => this.#work());
  }

  async shutdown(): Promise<void> {
    this.#stopping.abort(new Error("interrupted due to shutdown"));
    for (const wake of this.#wakeUps.splice(0)) wake();
    for (const room of this.#roomCalls.splice(0)) room();
    await Promise.all(this.#workers);
    await this.#client?.close();
  }

  async consume(payload: Payload): Promise<void> {
    const queue = this.#queue;
    if (queue === undefined) {
      await this.#deliver(payload).catch((error: unknown) => {
        this.#logError(
          "Exporting failed. Rejecting data. Try enabling sending_queue to survive temporary failures.",
          error,
          payload,
        );
        throw error;
      });
      return;
    }
    const size = sizeOf(payload, queue.sizer);
    while (this.#waitingSize + size > queue.queue_size) {
      if (!queue.block_on_overflow || this.#stopping.signal.aborted || size > queue.queue_size) {
        this.#logError("Exporting failed. Rejecting data.", new Error("sending queue is full"), payload);
        this.#count("enqueue_failed", payload);
        throw new Error("sending queue is full");
      }
      await new Promise<void>((resolve) => this.#roomCalls.push(resolve));
    }
    this.#waiting.push(payload);
    this.#waitingSize += size;
    this.#wakeUps.shift()?.();
  }

  async #work(): Promise<void> {
    for (;;) {
      const payload = this.#waiting.shift();
      if (payload === undefined) {
        if (this.#stopping.signal.aborted) return;
        await new Promise<void>((resolve) => this.#wakeUps.push(resolve));
        continue;
      }
      this.#waitingSize -= sizeOf(payload, this.#queue?.sizer ?? "requests");
      this.#roomCalls.shift()?.();
      await this.#deliver(payload).catch((error: unknown) => {
        this.#logError("Exporting failed. Dropping data.", error, payload);
      });
    }
  }

  async #deliver(payload: Payload): Promise<void> {
    await this.#sendUntilDone(payload).catch((error: unknown) => {
      this.#count("send_failed", payload);
      throw error;
    });
  }

  /** Sends until it succeeds, is refused for good, or the time for retries is over. */
  async #sendUntilDone(payload: Payload): Promise<void> {
    const retry = this.#retry;
    const began = this.#context.clock.now();
    let interval = retry?.initial_interval ?? 0;
    for (;;) {
      try {
        await this.#sendOnce(payload);
        this.#count("sent", payload);
        return;
      } catch (error) {
        if (isPermanent(error))
          throw new PermanentError(`not retryable error: Permanent error: ${errorText(error)}`, {
            cause: error,
          });
        if (retry === undefined) throw error;
        if (this.#stopping.signal.aborted)
          throw new Error(`interrupted due to shutdown: ${errorText(error)}`, { cause: error });
        const jitter = 1 + retry.randomization_factor * (2 * this.#context.random() - 1);
        const asked = error instanceof StatusError ? (error.retryAfterMs ?? 0) : 0;
        const wait = Math.max(interval * jitter, asked);
        interval = Math.min(interval * retry.multiplier, retry.max_interval);
        const elapsed = this.#context.clock.now() - began;
        if (retry.max_elapsed_time > 0 && elapsed + wait > retry.max_elapsed_time) {
          throw new Error(`no more retries left: ${errorText(error)}`, { cause: error });
        }
        this.#context.log.log(
          "info",
          RETRY_CALLER,
          "Exporting failed. Will retry the request after interval.",
          {
            error: errorText(error),
            interval: `${(wait / 1000).toFixed(9).replace(/\.?0+$/, "")}s`,
          },
        );
        // An abort only ends the wait: what waits is tried once more before it is dropped.
        await this.#context.clock.after(wait, this.#stopping.signal).catch(() => undefined);
      }
    }
  }

  async #sendOnce(payload: Payload): Promise<void> {
    if (this.#client === undefined) throw new Error("exporter is not started");
    const partial = await this.#client.send(payload);
    if (partial === undefined) return;
    const what = { traces: "dropped_spans", metrics: "dropped_data_points", logs: "dropped_log_records" };
    this.#context.log.log("warn", EXPORTER_CALLER, "Partial success response", {
      message: partial.message,
      [what[payload.signal]]: partial.rejected,
    });
  }

  #count(what: "sent" | "send_failed" | "enqueue_failed", payload: Payload): void {
    const items = { traces: "spans", metrics: "metric_points", logs: "log_records" };
    this.#context.meter.add(`exporter_${what}_${items[payload.signal]}`, payload.items, {
      exporter: this.#context.id,
    });
  }

  #logError(message: string, error: unknown, payload: Payload): void {
    this.#context.log.log("error", QUEUE_CALLER, message, {
      error: errorText(error),
      dropped_items: payload.items,
    });
  }
}

const RETRY_CALLER = "internal/retry_sender.go";
const QUEUE_CALLER = "internal/queue_sender.go";
const EXPORTER_CALLER = "otlpexporter@v0.142.0/otlp.go";

const RETRYABLE = new Set([
  "Canceled",
  "DeadlineExceeded",
  "Aborted",
  "OutOfRange",
  "Unavailable",
  "DataLoss",
]);

/** What OTLP says may be sent again; a server that is exhausted must have said when. */
function isPermanent(error: unknown): boolean {
  if (error instanceof PermanentError) return true;
  if (!(error instanceof StatusError)) return false;
  if (error.code === "ResourceExhausted") return error.retryAfterMs === undefined;
  return !RETRYABLE.has(error.code);
}

function sizeOf(payload: Payload, sizer: string): number {
  if (sizer === "items") return payload.items;
  return sizer === "bytes" ? payload.bytes().length : 1;
}
