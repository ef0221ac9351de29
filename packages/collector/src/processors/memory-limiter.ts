import { totalmem } from "node:os";
import type { Payload } from "@tracegate/otlp";
import { StatusError } from "@tracegate/otlp";
import type { Component, Consumer, Context, ProcessorFactory } from "../component.ts";
import type { Config } from "../config/fields.ts";
import { duration, int, struct } from "../config/fields.ts";

const memoryLimiterConfig = struct({
  check_interval: duration(0),
  limit_mib: int(0),
  spike_limit_mib: int(0),
  limit_percentage: int(0),
  spike_limit_percentage: int(0),
  /** Go's collector is told how often it may force a collection; V8 decides on its own. */
  min_gc_interval_when_soft_limited: duration(10_000),
  min_gc_interval_when_hard_limited: duration(0),
});

type MemoryLimiterConfig = Config<typeof memoryLimiterConfig>;

/** Refuses data while the process uses more memory than it shall. */
export const memoryLimiterProcessor: ProcessorFactory<MemoryLimiterConfig> = {
  type: "memory_limiter",
  config: memoryLimiterConfig,
  signals: ["traces", "metrics", "logs"],
  validate(config) {
    const problem = firstProblem(config);
    return problem === undefined ? [] : [problem];
  },
  create: (config, context, next) => new MemoryLimiter(config, context, next),
};

function firstProblem(config: MemoryLimiterConfig): string | undefined {
  const percentages = [config.limit_percentage, config.spike_limit_percentage];
  if (config.check_interval <= 0) return "'check_interval' must be greater than zero";
  if (config.min_gc_interval_when_soft_limited < config.min_gc_interval_when_hard_limited) {
    return "'min_gc_interval_when_soft_limited' should be larger than 'min_gc_interval_when_hard_limited'";
  }
  if (config.limit_mib === 0 && config.limit_percentage === 0) {
    return "'limit_mib' or 'limit_percentage' must be greater than zero";
  }
  if (percentages.some((p) => p < 0 || p > 100)) {
    return "'limit_percentage' and 'spike_limit_percentage' must be greater than zero and less than or equal to hundred";
  }
  if (config.limit_mib > 0 && config.limit_mib <= config.spike_limit_mib) {
    return "'spike_limit_mib' must be smaller than 'limit_mib'";
  }
  if (config.limit_percentage > 0 && config.limit_percentage <= config.spike_limit_percentage) {
    return "'spike_limit_percentage' must be smaller than 'limit_percentage'";
  }
  return undefined;
}

const MIB = 1024 * 1024;
const CALLER = "memorylimiter@v0.142.0/memorylimiter.go";

/** Bytes. Above `soft` data is refused. */
export function memoryLimits(
  config: MemoryLimiterConfig,
  totalBytes: number,
): { hard: number; soft: number } {
  const share = (percentage: number) => Math.floor((totalBytes * percentage) / 100);
  const hard = config.limit_mib > 0 ? config.limit_mib * MIB : share(config.limit_percentage);
  const given = config.limit_mib > 0 ? config.spike_limit_mib * MIB : share(config.spike_limit_percentage);
  return { hard, soft: hard - (given > 0 ? given : Math.floor(hard / 5)) };
}

class MemoryLimiter implements Component, Consumer {
  readonly #context: Context;
  readonly #next: Consumer;
  readonly #checkIntervalMs: number;
  readonly #soft: number;
  readonly #stopping = new AbortController();
  #refusing = false;

  constructor(config: MemoryLimiterConfig, context: Context, next: Consumer) {
    const { hard, soft } = memoryLimits(config, totalmem());
    this.#context = context;
    this.#next = next;
    this.#checkIntervalMs = config.check_interval;
    this.#soft = soft;
    context.log.log("info", CALLER, "Memory limiter configured", {
      limit_mib: Math.floor(hard / MIB),
      spike_limit_mib: Math.floor((hard - soft) / MIB),
      check_interval: config.check_interval / 1000,
    });
  }

  async start(): Promise<void> {
    void this.#watch();
  }

  async shutdown(): Promise<void> {
    this.#stopping.abort();
  }

  async consume(payload: Payload): Promise<void> {
    if (this.#refusing) throw new StatusError("Unavailable", "data refused due to high memory usage");
    await this.#next.consume(payload);
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#check();
      await this.#context.clock.after(this.#checkIntervalMs, signal).catch(() => undefined);
    }
  }

  #check(): void {
    const { heapUsed, external } = process.memoryUsage();
    const above = heapUsed + external > this.#soft;
    if (above === this.#refusing) return;
    this.#refusing = above;
    const message = above
      ? "Memory usage is above soft limit. Refusing data."
      : "Memory usage back within limits. Resuming normal operation.";
    this.#context.log.log(above ? "warn" : "info", CALLER, message, {
      cur_mem_mib: Math.floor((heapUsed + external) / MIB),
    });
  }
}
