import { FIXED64, LENGTH_DELIMITED, ProtoReader, VARINT } from "./proto-reader.ts";

/**
 * Walks the bytes of an ExportTraceServiceRequest and shows each span without making one: offsets into the request,
 * two times, and nothing else. This is the hot path of span metrics, so it trades generality for speed:
 *
 * - bytes must have passed `checkProto` (a `Payload` guarantees it); reads are still bounded by `ProtoReader`;
 * - the view handed to the visitor is one object, overwritten for the next span: keep nothing of it;
 * - times are pairs of 32-bit halves, because a `bigint` per field would be an allocation per field.
 */
export interface SpanView {
  readonly bytes: Buffer;
  nameStart: number;
  nameEnd: number;
  kind: number;
  statusCode: number;
  /** `end - start` in nanoseconds; 0 when the span ends before it starts. */
  durationNanos: number;
  traceIdStart: number;
  traceIdEnd: number;
  spanIdStart: number;
  spanIdEnd: number;
  /** Where the value (an AnyValue message) of each wanted key lies; a start of -1: the span has no such attribute. */
  readonly attributeStart: Int32Array;
  readonly attributeEnd: Int32Array;
  /** Offset pairs of the span's events; filled only when asked for. */
  readonly events: number[];
}

export interface ScopeView {
  readonly bytes: Buffer;
  /** Offsets of the InstrumentationScope message; equal when there is none. */
  readonly start: number;
  readonly end: number;
}

export interface SpanVisitor {
  /** A resource's offsets. Return false to skip all its spans. */
  resource(bytes: Buffer, start: number, end: number): boolean;
  /** Costs a second look at each scope's fields, so leave it undefined where nobody asks. */
  readonly scope?: ((scope: ScopeView) => void) | undefined;
  span(view: SpanView): void;
}

/** Compiled once per pipeline: the attribute keys whose values the visitor wants. */
export class SpanWalker {
  readonly #keys: readonly Buffer[];
  readonly #withEvents: boolean;
  readonly #attributeStart: Int32Array;
  readonly #attributeEnd: Int32Array;

  constructor(keys: readonly string[], withEvents = false) {
    this.#keys = keys.map((key) => Buffer.from(key));
    this.#withEvents = withEvents;
    this.#attributeStart = new Int32Array(keys.length);
    this.#attributeEnd = new Int32Array(keys.length);
  }

  walk(request: Uint8Array, visitor: SpanVisitor): void {
    const reader = new ProtoReader(request);
    while (reader.more()) {
      const tag = reader.tag();
      if (tag !== RESOURCE_SPANS) {
        reader.skip(tag & 7);
        continue;
      }
      const end = reader.delimitedEnd();
      this.#walkResource(reader, end, visitor);
      reader.pos = end;
    }
  }

  /** A resource may follow its spans on the wire, so it is looked for first. */
  #walkResource(reader: ProtoReader, end: number, visitor: SpanVisitor): void {
    const start = reader.pos;
    const found = findMessage(reader, end, RESOURCE);
    if (!visitor.resource(reader.bytes, found.start, found.end)) return;
    reader.pos = start;
    while (reader.pos < end) {
      const tag = reader.tag();
      if (tag === SCOPE_SPANS) {
        const scopeEnd = reader.delimitedEnd();
        this.#walkScope(reader, scopeEnd, visitor);
        reader.pos = scopeEnd;
      } else reader.skip(tag & 7);
    }
  }

  #walkScope(reader: ProtoReader, end: number, visitor: SpanVisitor): void {
    const start = reader.pos;
    if (visitor.scope !== undefined) {
      const found = findMessage(reader, end, SCOPE);
      visitor.scope({ bytes: reader.bytes, ...found });
      reader.pos = start;
    }
    const view = this.#view(reader.bytes);
    while (reader.pos < end) {
      const tag = reader.tag();
      if (tag === SPAN) {
        const spanEnd = reader.delimitedEnd();
        this.#readSpan(reader, spanEnd, view);
        reader.pos = spanEnd;
        visitor.span(view);
      } else reader.skip(tag & 7);
    }
  }

  #view(bytes: Buffer): SpanView {
    return {
      bytes,
      nameStart: 0,
      nameEnd: 0,
      kind: 0,
      statusCode: 0,
      durationNanos: 0,
      traceIdStart: 0,
      traceIdEnd: 0,
      spanIdStart: 0,
      spanIdEnd: 0,
      attributeStart: this.#attributeStart,
      attributeEnd: this.#attributeEnd,
      events: [],
    };
  }

  #readSpan(reader: ProtoReader, end: number, view: SpanView): void {
    const bytes = reader.bytes;
    view.nameStart = view.nameEnd = 0;
    view.traceIdStart = view.traceIdEnd = view.spanIdStart = view.spanIdEnd = 0;
    view.kind = view.statusCode = 0;
    view.attributeStart.fill(-1);
    view.events.length = 0;
    let startLow = 0;
    let startHigh = 0;
    let endLow = 0;
    let endHigh = 0;
    while (reader.pos < end) {
      const tag = reader.tag();
      switch (tag) {
        case TRACE_ID:
          view.traceIdEnd = reader.delimitedEnd();
          view.traceIdStart = reader.pos;
          reader.pos = view.traceIdEnd;
          break;
        case SPAN_ID:
          view.spanIdEnd = reader.delimitedEnd();
          view.spanIdStart = reader.pos;
          reader.pos = view.spanIdEnd;
          break;
        case NAME:
          view.nameEnd = reader.delimitedEnd();
          view.nameStart = reader.pos;
          reader.pos = view.nameEnd;
          break;
        case KIND:
          view.kind = reader.uint32();
          break;
        case START:
          startLow = bytes.readUInt32LE(reader.pos);
          startHigh = bytes.readUInt32LE(reader.pos + 4);
          reader.pos += 8;
          break;
        case END:
          endLow = bytes.readUInt32LE(reader.pos);
          endHigh = bytes.readUInt32LE(reader.pos + 4);
          reader.pos += 8;
          break;
        case ATTRIBUTE: {
          const attributeEnd = reader.delimitedEnd();
          this.#matchAttribute(reader, attributeEnd, view);
          reader.pos = attributeEnd;
          break;
        }
        case EVENT: {
          const eventEnd = reader.delimitedEnd();
          if (this.#withEvents) view.events.push(reader.pos, eventEnd);
          reader.pos = eventEnd;
          break;
        }
        case STATUS: {
          const statusEnd = reader.delimitedEnd();
          view.statusCode = readStatusCode(reader, statusEnd);
          reader.pos = statusEnd;
          break;
        }
        default:
          reader.skip(tag & 7);
      }
    }
    const nanos = (endHigh - startHigh) * 4294967296 + (endLow - startLow);
    view.durationNanos = Math.max(nanos, 0);
  }

  /** Notes where the value lies if the key is a wanted one. A key given twice: the first counts, as in the Collector. */
  #matchAttribute(reader: ProtoReader, end: number, view: SpanView): void {
    let index = -1;
    let valueStart = end;
    let valueEnd = end;
    while (reader.pos < end) {
      const tag = reader.tag();
      if (tag === KEY) {
        const keyEnd = reader.delimitedEnd();
        index = this.#indexOf(reader.bytes, reader.pos, keyEnd);
        if (index < 0) return;
        reader.pos = keyEnd;
      } else if (tag === VALUE) {
        valueEnd = reader.delimitedEnd();
        valueStart = reader.pos;
        reader.pos = valueEnd;
      } else reader.skip(tag & 7);
    }
    if (index >= 0 && view.attributeStart[index] === -1) {
      view.attributeStart[index] = valueStart;
      view.attributeEnd[index] = valueEnd;
    }
  }

  #indexOf(bytes: Buffer, start: number, end: number): number {
    const keys = this.#keys;
    next: for (let k = 0; k < keys.length; k++) {
      const key = keys[k];
      if (key === undefined || key.length !== end - start) continue;
      for (let i = 0; i < key.length; i++) if (key[i] !== bytes[start + i]) continue next;
      return k;
    }
    return -1;
  }
}

const RESOURCE_SPANS = (1 << 3) | LENGTH_DELIMITED;
const RESOURCE = (1 << 3) | LENGTH_DELIMITED;
const SCOPE_SPANS = (2 << 3) | LENGTH_DELIMITED;
const SCOPE = (1 << 3) | LENGTH_DELIMITED;
const SPAN = (2 << 3) | LENGTH_DELIMITED;
const TRACE_ID = (1 << 3) | LENGTH_DELIMITED;
const SPAN_ID = (2 << 3) | LENGTH_DELIMITED;
const NAME = (5 << 3) | LENGTH_DELIMITED;
const KIND = (6 << 3) | VARINT;
const START = (7 << 3) | FIXED64;
const END = (8 << 3) | FIXED64;
const ATTRIBUTE = (9 << 3) | LENGTH_DELIMITED;
const EVENT = (11 << 3) | LENGTH_DELIMITED;
const STATUS = (15 << 3) | LENGTH_DELIMITED;
const CODE = (3 << 3) | VARINT;
const KEY = (1 << 3) | LENGTH_DELIMITED;
const VALUE = (2 << 3) | LENGTH_DELIMITED;

/** The last sub-message with this tag (the last one wins). Leaves `pos` anywhere up to `end`. */
function findMessage(reader: ProtoReader, end: number, wanted: number): { start: number; end: number } {
  let found = { start: reader.pos, end: reader.pos };
  while (reader.pos < end) {
    const tag = reader.tag();
    if (tag === wanted) {
      const messageEnd = reader.delimitedEnd();
      found = { start: reader.pos, end: messageEnd };
      reader.pos = messageEnd;
    } else reader.skip(tag & 7);
  }
  return found;
}

function readStatusCode(reader: ProtoReader, end: number): number {
  let code = 0;
  while (reader.pos < end) {
    const tag = reader.tag();
    if (tag === CODE) code = reader.uint32();
    else reader.skip(tag & 7);
  }
  return code;
}
