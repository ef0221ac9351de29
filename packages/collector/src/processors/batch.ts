import type { Payload, Signal } from "@tracegate/otlp";
import { Payload as Payloads } from "@tracegate/otlp";
import type { Component, Consumer, Context, ProcessorFactory } from "../component.ts";
import { errorText } from "../component.ts";
import type { Config } from "../config/fields.ts";
import { duration, int, list, struct, text } from "../config/fields.ts";
import { splitPayload } from "./split-payload.ts";

const batchConfig = struct({
  send_batch_size: int(8192),
  timeout: duration(200),
  send_batch_max_size: int(0),
  metadata_keys: list(text()),
  metadata_cardinality_limit: int(1000),
});

type BatchConfig = Config<typeof batchConfig>;

/** Joins payloads until there are enough items or enough time has passed. */
export const batchProcessor: ProcessorFactory<BatchConfig> = {
  type: "batch",
  config: batchConfig,
  signals: ["traces", "metrics", "logs"],
  validate(config) {
    const problems: string[] = [];
    if (config.send_batch_max_size > 0 && config.send_batch_max_size < config.send_batch_size) {
      problems.push("send_batch_max_size must be greater or equal to send_batch_size");
    }
    if (config.metadata_keys.length > 0)
      problems.push("metadata_keys is not supported by this collector; remove it");
    if (config.timeout < 0) problems.push("timeout must be greater or equal to 0");
    return problems;
  },
  create: (config, context, next) => new Batch(config, context, next),
};

class Batch implements Component, Consumer {
  readonly #config: BatchConfig;
  readonly #context: Context;
  readonly #next: Consumer;
  readonly #sending = new Set<Promise<void>>();
  #waiting: Payload[] = [];
  #items = 0;
  #timer: AbortController | undefined;

  constructor(config: BatchConfig, context: Context, next: Consumer) {
    this.#config = config;
    this.#context = context;
    this.#next = next;
  }

  /** Success means "taken": what fails downstream is only logged, as in the Collector. */
  async consume(payload: Payload): Promise<void> {
    this.#waiting.push(payload);
    this.#items += payload.items;
    const { send_batch_size: size, timeout } = this.#config;
    if (size === 0 || timeout === 0 || this.#items >= size) this.#flush();
    else this.#arm();
  }

  async shutdown(): Promise<void> {
    this.#flush();
    await Promise.all(this.#sending);
  }

  #arm(): void {
    if (this.#timer !== undefined) return;
    const timer = new AbortController();
    this.#timer = timer;
    this.#context.clock.after(this.#config.timeout, timer.signal).then(
      () => this.#flush(),
      () => undefined,
    );
  }

  #flush(): void {
    this.#timer?.abort();
    this.#timer = undefined;
    const [first, ...more] = this.#waiting;
    if (first === undefined) return;
    this.#waiting = [];
    this.#items = 0;
    const joined = joinAll(first.signal, [first, ...more]);
    const max = this.#config.send_batch_max_size;
    for (const part of max > 0 ? splitPayload(joined, max) : [joined]) {
      const sent = this.#send(part).finally(() => this.#sending.delete(sent));
      this.#sending.add(sent);
    }
  }

  async #send(payload: Payload): Promise<void> {
    await this.#next.consume(payload).catch((error: unknown) => {
      this.#context.log.log("warn", "batchprocessor@v0.142.0/batch_processor.go", "Sender failed", {
        error: errorText(error),
      });
    });
  }
}

/** A processor's instance sees one signal only. */
function joinAll<S extends Signal>(signal: S, payloads: readonly Payload<S>[]): Payload<S> {
  return Payloads.join(signal, payloads);
}
