import { formatDuration } from "../../config/duration.ts";
import type { Config } from "../../config/fields.ts";
import { bool, duration, int, list, optional, struct, text, textOf } from "../../config/fields.ts";

const dimension = struct({ name: text(), default: optionalText() });
export type Dimension = Config<typeof dimension>;

const explicit = struct({ buckets: list(duration(0)) });
const exponential = struct({ max_size: int(160) });

export const spanMetricsConfig = struct({
  namespace: text("traces.span.metrics"),
  dimensions: list(dimension),
  calls_dimensions: list(dimension),
  histogram: struct({
    disable: bool(false),
    unit: textOf("ms", (unit) =>
      ["ms", "s"].includes(unit.toLowerCase())
        ? undefined
        : `unknown Unit ${JSON.stringify(unit)}, allowed units are "ms" and "s"`,
    ),
    dimensions: list(dimension),
    explicit: optional(explicit),
    exponential: optional(exponential),
  }),
  exclude_dimensions: list(text()),
  exemplars: struct({ enabled: bool(false), max_per_data_point: int(5) }),
  events: struct({ enabled: bool(false), dimensions: list(dimension) }),
  aggregation_temporality: text("AGGREGATION_TEMPORALITY_CUMULATIVE"),
  metrics_flush_interval: duration(60_000),
  metrics_expiration: duration(0),
  metric_timestamp_cache_size: int(1000),
  resource_metrics_cache_size: int(1000),
  resource_metrics_key_attributes: list(text()),
  aggregation_cardinality_limit: int(0),
  include_instrumentation_scope: list(text()),
  add_resource_attributes: bool(false),
  /** Deprecated and without effect, as in the Collector. */
  dimensions_cache_size: int(0),
});
export type SpanMetricsConfig = Config<typeof spanMetricsConfig>;

function optionalText() {
  const field = text();
  return {
    zero: (): string | undefined => undefined,
    read: (value: unknown, path: string, errors: string[]): string | undefined =>
      field.read(value, path, errors),
  };
}

export const BUILT_IN_DIMENSIONS = ["service.name", "span.name", "span.kind", "status.code"] as const;

/** Milliseconds. */
const DEFAULT_BOUNDS = [2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10_000, 15_000];

/** The unit's length in nanoseconds. */
export function unitNanos(config: SpanMetricsConfig): number {
  return config.histogram.unit.toLowerCase() === "s" ? 1e9 : 1e6;
}

/** Upper bounds in the histogram's unit. */
export function bounds(config: SpanMetricsConfig): readonly number[] {
  const given = config.histogram.explicit?.buckets ?? [];
  return (given.length > 0 ? given : DEFAULT_BOUNDS).map((ms) => (ms * 1e6) / unitNanos(config));
}

export function isDelta(config: SpanMetricsConfig): boolean {
  return config.aggregation_temporality === "AGGREGATION_TEMPORALITY_DELTA";
}

/** The Collector stops at its first problem here, so do we. */
export function validateSpanMetrics(config: SpanMetricsConfig): readonly string[] {
  const problem = firstProblem(config);
  return problem === undefined ? [] : [problem];
}

function firstProblem(config: SpanMetricsConfig): string | undefined {
  const dims = config.dimensions;
  for (const extra of [[], config.calls_dimensions, config.histogram.dimensions]) {
    const twice = duplicate([...dims, ...extra]);
    if (twice !== undefined) return `failed validating dimensions: duplicate dimension name ${twice}`;
  }
  if (config.events.enabled) {
    if (config.events.dimensions.length === 0) {
      return "failed validating event dimensions: no dimensions configured for events";
    }
    const twice = duplicate([...dims, ...config.events.dimensions]);
    if (twice !== undefined) return `failed validating event dimensions: duplicate dimension name ${twice}`;
  }
  if (config.histogram.explicit !== undefined && config.histogram.exponential !== undefined) {
    return "use either `explicit` or `exponential` buckets histogram";
  }
  if (config.metrics_flush_interval < 0) {
    return `invalid metrics_flush_interval: ${formatDuration(config.metrics_flush_interval)}, the duration should be positive`;
  }
  if (config.metrics_expiration < 0) {
    return `invalid metrics_expiration: ${formatDuration(config.metrics_expiration)}, the duration should be positive`;
  }
  if (isDelta(config) && config.metric_timestamp_cache_size <= 0) {
    return `invalid delta timestamp cache size: ${config.metric_timestamp_cache_size}, the maximum number of the items in the cache should be positive`;
  }
  if (config.aggregation_cardinality_limit < 0) {
    return `invalid aggregation_cardinality_limit: ${config.aggregation_cardinality_limit}, the limit should be positive`;
  }
  if (config.exemplars.enabled && config.exemplars.max_per_data_point <= 0) {
    return `invalid max_per_data_point: ${config.exemplars.max_per_data_point}, the value should be positive`;
  }
  return undefined;
}

function duplicate(dimensions: readonly Dimension[]): string | undefined {
  const seen = new Set<string>(BUILT_IN_DIMENSIONS);
  for (const { name } of dimensions) {
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}
