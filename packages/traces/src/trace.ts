import type { Resource, Scope, Span } from "@tracegate/otlp";

/** A span with what it was sent under. */
export interface StoredSpan {
  readonly service: string;
  readonly resource: Resource;
  readonly resourceSchemaUrl: string;
  readonly scope: Scope;
  readonly scopeSchemaUrl: string;
  readonly span: Span;
}

export interface Trace {
  /** 32 hex digits. */
  readonly traceId: string;
  readonly spans: readonly StoredSpan[];
}

/** What a trace must have: one span of it that satisfies everything at once. Times in microseconds. */
export interface TraceQuery {
  /** Empty: any. */
  readonly service: string;
  readonly operation: string;
  readonly startUs: number;
  readonly endUs: number;
  readonly minDurationUs: number | undefined;
  readonly maxDurationUs: number | undefined;
  readonly tags: Readonly<Record<string, string>>;
  /** Newest traces first; not positive: as many as the store hands out at once. */
  readonly limit: number;
}

export interface Operation {
  readonly name: string;
  /** Index into OTLP's span kinds. */
  readonly kind: number;
}

export interface Dependency {
  readonly parent: string;
  readonly child: string;
  readonly callCount: number;
}

export const NO_SERVICE_NAME = "OTLPResourceNoServiceName";

/** Microseconds, cut off. */
export function toMicros(nanos: bigint): number {
  return Number(nanos / 1000n);
}

export function durationMicros(span: Span): number {
  const nanos = span.endTimeUnixNano - span.startTimeUnixNano;
  return nanos > 0n ? Number(nanos / 1000n) : 0;
}
