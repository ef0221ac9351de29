import type { Payload } from "@tracegate/otlp";
import { Payload as Payloads } from "@tracegate/otlp";
import type { Component, ConnectorFactory, Consumer, Context } from "../../component.ts";
import { errorText } from "../../component.ts";
import { Aggregator } from "./aggregator.ts";
import type { SpanMetricsConfig } from "./config.ts";
import { spanMetricsConfig, validateSpanMetrics } from "./config.ts";
import { flush, LastFlush } from "./flush.ts";

/** Derives request, error and duration metrics from spans. */
export const spanMetricsConnector: ConnectorFactory<SpanMetricsConfig> = {
  type: "spanmetrics",
  config: spanMetricsConfig,
  validate: validateSpanMetrics,
  pairs: [["traces", "metrics"]],
  create: (config, context, next) => new SpanMetricsConnector(config, context, next),
};

const CALLER = "spanmetricsconnector@v0.142.0/connector.go";

class SpanMetricsConnector implements Component, Consumer {
  readonly #config: SpanMetricsConfig;
  readonly #context: Context;
  readonly #next: Consumer;
  readonly #aggregator: Aggregator;
  readonly #lastFlush: LastFlush;
  readonly #stopping = new AbortController();
  #ticking: Promise<void> = Promise.resolve();
  #skippedReported = 0;

  constructor(config: SpanMetricsConfig, context: Context, next: Consumer) {
    this.#config = config;
    this.#context = context;
    this.#next = next;
    this.#aggregator = new Aggregator(config);
    this.#lastFlush = new LastFlush(config.metric_timestamp_cache_size);
    context.log.log("info", CALLER, "Building spanmetrics connector");
    if (config.dimensions_cache_size !== 0) {
      context.log.log(
        "warn",
        CALLER,
        "DimensionsCacheSize is deprecated, please use AggregationCardinalityLimit instead.",
      );
    }
  }

  async start(): Promise<void> {
    this.#context.log.log("info", CALLER, "Starting spanmetrics connector");
    this.#ticking = this.#tick();
  }

  /** Unlike the Collector, which loses its last interval, this one emits it. */
  async shutdown(): Promise<void> {
    this.#context.log.log("info", CALLER, "Shutting down spanmetrics connector");
    this.#stopping.abort();
    await this.#ticking;
    await this.#flush();
  }

  /** Only counts; never waits for the metrics' side. */
  async consume(payload: Payload): Promise<void> {
    this.#aggregator.add(payload.bytes(), this.#context.clock.now());
  }

  async #tick(): Promise<void> {
    const { clock } = this.#context;
    const { signal } = this.#stopping;
    const every = this.#config.metrics_flush_interval;
    // An interval of 0 would never let anything else run.
    const interval = every > 0 ? every : 1;
    while (!signal.aborted) {
      const passed = await clock.after(interval, signal).then(
        () => true,
        () => false,
      );
      if (passed) await this.#flush();
    }
  }

  async #flush(): Promise<void> {
    const metrics = flush(this.#aggregator, this.#config, this.#lastFlush, this.#context.clock.now());
    this.#reportSkipped();
    if (metrics.resourceMetrics.length === 0) return;
    await this.#next.consume(Payloads.fromModel("metrics", metrics)).catch((error: unknown) => {
      this.#context.log.log("error", CALLER, "Failed ConsumeMetrics", { error: errorText(error) });
    });
  }

  /** The Collector is silent about these, and people search for their metrics in vain. */
  #reportSkipped(): void {
    const skipped = this.#aggregator.skippedResources;
    if (skipped === this.#skippedReported) return;
    this.#context.log.log("warn", CALLER, "Resources without service.name are left out of span metrics", {
      resources: skipped - this.#skippedReported,
    });
    this.#skippedReported = skipped;
  }
}
