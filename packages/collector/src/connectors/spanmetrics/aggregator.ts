import type {
  AnyValue,
  Attributes,
  Exemplar,
  KeyValue,
  Resource,
  Scope,
  ScopeView,
  SpanView,
  SpanVisitor,
} from "@tracegate/otlp";
import {
  attribute,
  decodeMessage,
  messages,
  SPAN_KINDS,
  SpanWalker,
  STATUS_CODES,
  valueText,
} from "@tracegate/otlp";
import { ByteTable } from "./byte-table.ts";
import type { Dimension, SpanMetricsConfig } from "./config.ts";
import { bounds, unitNanos } from "./config.ts";
import type { ResourceGroup } from "./resource-groups.ts";
import { ResourceGroups } from "./resource-groups.ts";
import type { HistogramSeries, SumSeries } from "./series.ts";
import { newExponential, newHistogram, observe } from "./series.ts";

/**
 * Counts spans straight from the request's bytes. For each span the name, kind, status and the raw bytes of the
 * configured dimensions are hashed and looked up in a table; only when that very combination of bytes is new are they
 * decoded to find (or make) its series. What that trades:
 *
 * - memory: a copy of each distinct byte combination per resource (bounded, see `KNOWN_LIMIT`);
 * - the same labels in two encodings take two lookup entries, which lead to the same series;
 * - the order of the dimensions is fixed when the pipeline is built.
 */
export class Aggregator implements SpanVisitor {
  readonly groups: ResourceGroups;
  readonly bounds: readonly number[];
  readonly scope: ((scope: ScopeView) => void) | undefined;
  /** Spans of resources without `service.name`, which span metrics leave out. */
  skippedResources = 0;
  readonly #config: SpanMetricsConfig;
  readonly #unitNanos: number;
  readonly #walker: SpanWalker;
  /** All dimensions that look at span attributes, in the order of the walker's keys. */
  readonly #spanDimensions: readonly Dimension[];
  readonly #known = new ByteTable<KnownResource>(KNOWN_RESOURCES_LIMIT);
  #resource: KnownResource | undefined;
  #scope: Scope | undefined;
  #scopeBytes: ScopeView | undefined;

  constructor(config: SpanMetricsConfig) {
    this.#config = config;
    this.bounds = bounds(config);
    this.#unitNanos = unitNanos(config);
    this.#spanDimensions = [...config.dimensions, ...config.calls_dimensions, ...config.histogram.dimensions];
    this.#walker = new SpanWalker(
      this.#spanDimensions.map((d) => d.name),
      config.events.enabled,
    );
    this.scope = config.include_instrumentation_scope.length > 0 ? (s) => this.#enterScope(s) : undefined;
    this.groups = new ResourceGroups(
      config.resource_metrics_cache_size,
      config.resource_metrics_key_attributes,
      config.aggregation_cardinality_limit,
      (attributes, startMs) => {
        const exponential = config.histogram.exponential;
        return exponential === undefined
          ? newHistogram(attributes, startMs, this.bounds.length)
          : newExponential(attributes, startMs, exponential.max_size);
      },
    );
  }

  /** Adds every span of an export request that passed `checkProto`. */
  add(request: Uint8Array, nowMs: number): void {
    this.groups.nowMs = nowMs;
    this.#walker.walk(request, this);
  }

  /** Forgets which bytes led to which series, after series were dropped. */
  forget(): void {
    this.#known.clear();
  }

  resource(bytes: Buffer, start: number, end: number): boolean {
    this.#known.begin();
    this.#known.addRun(bytes, start, end);
    let known = this.#known.get();
    if (known === undefined) {
      known = this.#learnResource(bytes, start, end);
      this.#known.set(known);
    }
    this.#resource = known;
    if (known.serviceName === undefined) {
      this.skippedResources++;
      return false;
    }
    if (!known.group?.live) {
      known.group = this.groups.of(known.resource);
      known.series.clear();
    }
    this.groups.touch(known.group);
    return true;
  }

  #enterScope(scope: ScopeView): void {
    // The table describes the Scope interface.
    const read = decodeMessage(
      messages.scope,
      scope.bytes.subarray(scope.start, scope.end),
    ) as unknown as Scope;
    const included = this.#config.include_instrumentation_scope.includes(read.name);
    this.#scope = included ? read : undefined;
    this.#scopeBytes = included ? scope : undefined;
  }

  span(view: SpanView): void {
    const known = this.#resource;
    if (known?.group === undefined) return;
    const table = known.series;
    table.begin();
    table.addByte(view.kind & 0xff);
    table.addByte(view.statusCode & 0xff);
    table.addRun(view.bytes, view.nameStart, view.nameEnd);
    for (let i = 0; i < this.#spanDimensions.length; i++) {
      const start = view.attributeStart[i] ?? -1;
      if (start < 0) table.addByte(0);
      else {
        table.addByte(1);
        table.addRun(view.bytes, start, view.attributeEnd[i] ?? start);
      }
    }
    const scope = this.#scopeBytes;
    if (scope !== undefined) table.addRun(scope.bytes, scope.start, scope.end);
    let found = table.get();
    if (found === undefined) {
      found = this.#learnSeries(view, known.group, known);
      table.set(found);
    }
    found.calls.value++;
    const value = view.durationNanos / this.#unitNanos;
    if (found.duration !== undefined) observe(found.duration, this.bounds, value);
    if (this.#config.exemplars.enabled) this.#addExemplar(view, found, value, known.group);
    if (this.#config.events.enabled) this.#countEvents(view, known.group, known);
  }

  #learnResource(bytes: Buffer, start: number, end: number): KnownResource {
    // The table describes the Resource interface.
    const resource = decodeMessage(messages.resource, bytes.subarray(start, end)) as unknown as Resource;
    const name = attribute(resource.attributes, "service.name");
    return {
      resource,
      serviceName: name === undefined ? undefined : valueText(name),
      group: undefined,
      series: new ByteTable(KNOWN_LIMIT),
    };
  }

  #learnSeries(view: SpanView, group: ResourceGroup, known: KnownResource): KnownSeries {
    const base = this.#baseAttributes(view, known);
    const own = (index: number) => spanValue(view, index);
    const { dimensions, calls_dimensions, histogram } = this.#config;
    const shared = resolve(dimensions, own, 0, known.resource);
    const forCalls = resolve(calls_dimensions, own, dimensions.length, known.resource);
    const callsAttributes = [...base, ...shared, ...forCalls];
    const calls = group.calls.at(seriesKey(callsAttributes), () => callsAttributes);
    if (histogram.disable) return { calls, duration: undefined };
    const offset = dimensions.length + calls_dimensions.length;
    const durationAttributes = [
      ...base,
      ...shared,
      ...resolve(histogram.dimensions, own, offset, known.resource),
    ];
    const duration = group.duration.at(seriesKey(durationAttributes), () => durationAttributes);
    return { calls, duration };
  }

  #baseAttributes(view: SpanView, known: KnownResource): KeyValue[] {
    const excluded = this.#config.exclude_dimensions;
    const base: KeyValue[] = [
      textAttribute("service.name", known.serviceName ?? ""),
      textAttribute("span.name", view.bytes.toString("utf8", view.nameStart, view.nameEnd)),
      textAttribute("span.kind", `SPAN_KIND_${SPAN_KINDS[view.kind] ?? "UNSPECIFIED"}`),
      textAttribute("status.code", `STATUS_CODE_${STATUS_CODES[view.statusCode] ?? "UNSET"}`),
    ].filter((a) => !excluded.includes(a.key));
    if (this.#scope !== undefined) {
      base.push(textAttribute("span.instrumentation.scope.name", this.#scope.name));
      base.push(textAttribute("span.instrumentation.scope.version", this.#scope.version));
    }
    return base;
  }

  #addExemplar(view: SpanView, found: KnownSeries, value: number, group: ResourceGroup): void {
    const traceId = view.bytes.toString("hex", view.traceIdStart, view.traceIdEnd);
    if (/^0*$/.test(traceId)) return;
    const exemplar: Exemplar = {
      timeUnixNano: 0n,
      asDouble: value,
      traceId,
      spanId: view.bytes.toString("hex", view.spanIdStart, view.spanIdEnd),
      filteredAttributes: [],
    };
    const most = this.#config.exemplars.max_per_data_point;
    if (found.calls.exemplars.length < most && !group.calls.isOverflow(found.calls)) {
      found.calls.exemplars.push(exemplar);
    }
    const duration = found.duration;
    if (duration !== undefined && duration.exemplars.length < most && !group.duration.isOverflow(duration)) {
      duration.exemplars.push(exemplar);
    }
  }

  /** Events are rare in this configuration, so they are simply decoded. */
  #countEvents(view: SpanView, group: ResourceGroup, known: KnownResource): void {
    if (view.events.length === 0) return;
    const shared = resolve(this.#config.dimensions, (i) => spanValue(view, i), 0, known.resource);
    const base = [...this.#baseAttributes(view, known), ...shared];
    for (let i = 0; i < view.events.length; i += 2) {
      const bytes = view.bytes.subarray(view.events[i], view.events[i + 1]);
      // The table describes the interface of an event.
      const event = decodeMessage(messages.event, bytes) as unknown as { readonly attributes: Attributes };
      const dims = this.#config.events.dimensions;
      const own = resolve(dims, (d) => attribute(event.attributes, dims[d]?.name ?? ""), 0, known.resource);
      const attributes = [...base, ...own];
      group.events.at(seriesKey(attributes), () => attributes).value++;
    }
  }
}

/** What the bytes of a resource were found to mean. */
interface KnownResource {
  readonly resource: Resource;
  readonly serviceName: string | undefined;
  group: ResourceGroup | undefined;
  readonly series: ByteTable<KnownSeries>;
}

interface KnownSeries {
  readonly calls: SumSeries;
  readonly duration: HistogramSeries | undefined;
}

/** Distinct byte combinations remembered per resource, and resources; past it the table is worked out anew. */
const KNOWN_LIMIT = 65_536;
const KNOWN_RESOURCES_LIMIT = 4096;

/** Span attribute, else resource attribute, else the configured default, else no label at all. */
function resolve(
  dimensions: readonly Dimension[],
  own: (index: number) => AnyValue | undefined,
  offset: number,
  resource: Resource,
): KeyValue[] {
  const out: KeyValue[] = [];
  dimensions.forEach(({ name, default: fallback }, i) => {
    const value =
      own(offset + i) ??
      attribute(resource.attributes, name) ??
      (fallback === undefined ? undefined : { stringValue: fallback });
    if (value !== undefined) out.push({ key: name, value });
  });
  return out;
}

function spanValue(view: SpanView, index: number): AnyValue | undefined {
  const start = view.attributeStart[index] ?? -1;
  if (start < 0) return undefined;
  // The table describes the AnyValue interface.
  return decodeMessage(messages.anyValue, view.bytes.subarray(start, view.attributeEnd[index])) as AnyValue;
}

function seriesKey(attributes: Attributes): string {
  return attributes.map(({ key, value }) => `${key}\u0001${valueText(value)}`).join("\u0002");
}

function textAttribute(key: string, stringValue: string): KeyValue {
  return { key, value: { stringValue } };
}
