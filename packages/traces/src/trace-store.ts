import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "@tracegate/contracts";
import type { Payload, Resource, Scope, Span } from "@tracegate/otlp";
import { attributeText, decodeMessage, encodeMessage, messages, StatusError } from "@tracegate/otlp";
import { DERIVED_TAGS, hasTags } from "./jaeger/tags.ts";
import { openDatabase } from "./schema.ts";
import type { Row, Statements } from "./statements.ts";
import { prepareStatements } from "./statements.ts";
import type { Dependency, Operation, StoredSpan, Trace, TraceQuery } from "./trace.ts";
import { durationMicros, NO_SERVICE_NAME, toMicros } from "./trace.ts";

export interface TraceStoreOptions {
  readonly clock: Clock;
  /** A file, or `:memory:`. */
  readonly path: string;
  /** Traces that began longer ago are deleted. Default 48 hours. */
  readonly maxAgeMs?: number;
  /** The oldest traces go once spans take more than this. Default 512 MiB. */
  readonly maxBytes?: number;
}

const DEFAULT_MAX_AGE_MS = 48 * 3_600_000;
const DEFAULT_MAX_BYTES = 512 * 1024 * 1024;
/** What may wait for its commit before senders are asked to slow down. */
const MAX_PENDING_BYTES = 64 * 1024 * 1024;
const MAX_RESULTS = 1500;
const RETENTION_EVERY_MS = 60_000;

interface Pending {
  readonly payload: Payload<"traces">;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Traces in SQLite. Ingest commits in groups: whatever arrives in one turn of the event loop is one transaction, and
 * is acknowledged after it. Retention runs with ingest, so an idle store does nothing.
 */
export class TraceStore {
  readonly #clock: Clock;
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  readonly #resources = new Remembered<Resource>();
  readonly #scopes = new Remembered<Scope>();
  readonly #maxAgeMs: number;
  readonly #maxBytes: number;
  #pending: Pending[] = [];
  #pendingBytes = 0;
  #bytes: number;
  #retainedAtMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: TraceStoreOptions) {
    this.#clock = options.clock;
    this.#maxAgeMs = options.maxAgeMs ?? DEFAULT_MAX_AGE_MS;
    this.#maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    this.#database = openDatabase(options.path);
    this.#statements = prepareStatements(this.#database);
    this.#bytes = integer(this.#statements.totalBytes.get()?.["total"]);
  }

  /** Resolves once the spans are committed. Rejects with ResourceExhausted when too much waits already. */
  ingest(payload: Payload<"traces">): Promise<void> {
    if (this.#closed) return Promise.reject(new StatusError("Unavailable", "the trace store is closed"));
    const size = payload.bytes().length;
    if (this.#pending.length > 0 && this.#pendingBytes + size > MAX_PENDING_BYTES) {
      return Promise.reject(new StatusError("ResourceExhausted", "too many spans wait to be stored", 1000));
    }
    this.#pendingBytes += size;
    return new Promise((resolve, reject) => {
      this.#pending.push({ payload, resolve, reject });
      if (this.#pending.length === 1) setImmediate(() => this.#commit());
    });
  }

  services(): string[] {
    return this.#statements.services.all().map((row) => String(row["service"]));
  }

  operations(service: string): Operation[] {
    const rows = this.#statements.operations.all(service);
    return rows.map((row) => ({ name: String(row["operation"]), kind: integer(row["kind"]) }));
  }

  /** A whole trace, or undefined. Spans that were sent twice appear once. */
  trace(traceId: string): Trace | undefined {
    const rows = this.#statements.spansOfTrace.all(traceId);
    if (rows.length === 0) return undefined;
    const seen = new Set<string>();
    const spans: StoredSpan[] = [];
    for (const row of rows) {
      const identity = `${row["resource"]} ${blob(row["body"]).toString("latin1")}`;
      if (seen.has(identity)) continue;
      seen.add(identity);
      spans.push(this.#storedSpan(row));
    }
    return { traceId, spans };
  }

  /** The newest traces of which one span satisfies the whole query. */
  find(query: TraceQuery): Trace[] {
    const wanted = query.limit > 0 ? Math.min(query.limit, MAX_RESULTS) : MAX_RESULTS;
    const keys = attributeKeys(query.tags);
    const found: Trace[] = [];
    for (const row of this.#statements.tracesBetween.iterate(query.startUs, query.endUs)) {
      if (!this.#matches(integer(row["id"]), query, keys)) continue;
      const trace = this.trace(String(row["trace_id"]));
      if (trace !== undefined) found.push(trace);
      if (found.length >= wanted) break;
    }
    return found;
  }

  /** Calls between different services, over traces that touch the given time. */
  dependencies(startUs: number, endUs: number): Dependency[] {
    return this.#statements.dependencies.all(endUs, startUs, startUs, endUs).map((row) => ({
      parent: String(row["parent"]),
      child: String(row["child"]),
      callCount: integer(row["calls"]),
    }));
  }

  /** Commits what waits, and closes the file. */
  close(): void {
    if (this.#closed) return;
    this.#commit();
    this.#closed = true;
    this.#database.close();
  }

  #matches(trace: number, query: TraceQuery, keys: readonly Buffer[]): boolean {
    const rows = this.#statements.candidates.iterate(
      trace,
      query.service,
      query.service,
      query.operation,
      query.operation,
      query.startUs,
      query.endUs,
      query.minDurationUs ?? 0,
      query.maxDurationUs ?? Number.MAX_SAFE_INTEGER,
    );
    const anyTags = Object.keys(query.tags).length > 0;
    for (const row of rows) {
      if (!anyTags || (mayHave(row, keys) && hasTags(this.#storedSpan(row), query.tags))) return true;
    }
    return false;
  }

  /** The columns hold what `encode` wrote, so the table of messages makes the model's interfaces of them again. */
  #storedSpan(row: Row): StoredSpan {
    return {
      service: String(row["service"]),
      resource: this.#resources.of(integer(row["resource"]), () => {
        return decodeMessage(messages.resource, blob(row["resource_body"])) as unknown as Resource;
      }),
      resourceSchemaUrl: String(row["resource_schema"]),
      scope: this.#scopes.of(integer(row["scope"]), () => {
        return decodeMessage(messages.scope, blob(row["scope_body"])) as unknown as Scope;
      }),
      scopeSchemaUrl: String(row["scope_schema"]),
      span: decodeMessage(messages.span, blob(row["body"])) as unknown as Span,
    };
  }

  #commit(): void {
    if (this.#pending.length === 0 || this.#closed) return;
    const batch = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      const added = batch.reduce((sum, { payload }) => sum + this.#store(payload), 0);
      this.#database.exec("COMMIT");
      this.#bytes += added;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      const why = error instanceof Error ? error.message : String(error);
      for (const { reject } of batch) reject(new StatusError("Unavailable", `storing spans failed: ${why}`));
      return;
    }
    for (const { resolve } of batch) resolve();
    this.#retain();
  }

  /** Stores a request's spans; answers how many bytes they take. */
  #store(payload: Payload<"traces">): number {
    const s = this.#statements;
    let total = 0;
    for (const { resource, schemaUrl, scopeSpans } of payload.model().resourceSpans) {
      const service = attributeText(resource.attributes, "service.name") || NO_SERVICE_NAME;
      const resourceId = idOf(s.addResource.get(service, schemaUrl, encode(messages.resource, resource)));
      for (const { scope, schemaUrl: scopeSchemaUrl, spans } of scopeSpans) {
        const scopeId = idOf(s.addScope.get(scopeSchemaUrl, encode(messages.scope, scope)));
        for (const span of spans) {
          const body = encode(messages.span, span);
          const start = toMicros(span.startTimeUnixNano);
          const duration = durationMicros(span);
          // Trace ids that are not set cannot be asked for, but all zeroes keep them apart from nothing.
          const traceId = span.traceId.padStart(32, "0");
          const trace = idOf(s.addTrace.get(traceId, start, start + duration, body.length));
          s.addSpan.run(
            trace,
            span.spanId,
            span.parentSpanId,
            service,
            span.name,
            start,
            duration,
            resourceId,
            scopeId,
            body,
          );
          s.addOperation.run(service, span.name, span.kind, start);
          total += body.length;
        }
      }
    }
    return total;
  }

  #retain(): void {
    const now = this.#clock.now();
    const due = now - this.#retainedAtMs >= RETENTION_EVERY_MS;
    if (!due && this.#bytes <= this.#maxBytes) return;
    this.#retainedAtMs = now;
    const s = this.#statements;
    const oldest = (now - this.#maxAgeMs) * 1000;
    this.#database.exec("BEGIN IMMEDIATE");
    // A tenth more than needed, so that a full store does not delete with every commit.
    let excess = this.#bytes > this.#maxBytes ? this.#bytes - this.#maxBytes * 0.9 : 0;
    for (const row of s.oldestTraces.all()) {
      const bytes = integer(row["bytes"]);
      if (integer(row["start_us"]) >= oldest && excess <= 0) break;
      s.deleteSpans.run(integer(row["id"]));
      s.deleteTrace.run(integer(row["id"]));
      this.#bytes -= bytes;
      excess -= bytes;
    }
    const first = s.firstStart.get()?.["first"];
    s.deleteOperations.run(first === null || first === undefined ? Number.MAX_SAFE_INTEGER : integer(first));
    this.#database.exec("COMMIT");
  }
}

/** What a row's id was decoded to. Rows are never rewritten; ids of a new file start anew with a new store. */
class Remembered<T> {
  readonly #byId = new Map<number, T>();

  of(id: number, decode: () => T): T {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    if (this.#byId.size >= 4096) this.#byId.clear();
    const decoded = decode();
    this.#byId.set(id, decoded);
    return decoded;
  }
}

/** The keys that can only be found as they stand among attributes. */
function attributeKeys(tags: Readonly<Record<string, string>>): Buffer[] {
  return Object.keys(tags)
    .filter((key) => !DERIVED_TAGS.test(key))
    .map((key) => Buffer.from(key));
}

/** Spares the decoding of spans in whose bytes a wanted key does not even occur. */
function mayHave(row: Row, keys: readonly Buffer[]): boolean {
  return keys.every((key) => blob(row["body"]).includes(key) || blob(row["resource_body"]).includes(key));
}

function encode(spec: typeof messages.span, model: Resource | Scope | Span): Buffer {
  // Each call passes the interface that its table describes.
  return encodeMessage(spec, model as unknown as Record<string, unknown>);
}

function idOf(row: Row | undefined): number {
  return integer(row?.["id"]);
}

function integer(value: unknown): number {
  return Number(value ?? 0);
}

function blob(value: unknown): Buffer {
  return value instanceof Uint8Array
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : Buffer.alloc(0);
}
