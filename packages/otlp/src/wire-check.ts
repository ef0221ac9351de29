import type { FieldSpec, MessageSpec } from "./messages.ts";
import { REQUESTS } from "./messages.ts";
import type { Signal } from "./model.ts";
import { FIXED64, LENGTH_DELIMITED, ProtoReader, VARINT, WireError } from "./proto-reader.ts";
import { expectWire } from "./protobuf.ts";

/**
 * Checks that bytes are a well-formed export request, materialising nothing, and counts its items (spans, data
 * points, log records). What passes here can be handed on as bytes: no later reader finds it broken.
 */
export function checkProto(signal: Signal, bytes: Uint8Array): number {
  const tally = { items: 0 };
  check(new ProtoReader(bytes), REQUESTS[signal], tally);
  return tally.items;
}

function check(reader: ProtoReader, spec: MessageSpec, tally: { items: number }): void {
  if (spec.isItem) tally.items++;
  while (reader.more()) {
    const tag = reader.tag();
    const wireType = tag & 7;
    const field = spec.byNumber[tag >>> 3];
    if (field === undefined) {
      reader.skip(wireType);
      continue;
    }
    const want = field.wireType;
    if (field.message !== undefined) {
      expectWire(field, wireType, want);
      const outer = reader.enter();
      check(reader, field.message, tally);
      reader.leave(outer);
    } else if (field.type === "traceId" || field.type === "spanId") {
      expectWire(field, wireType, want);
      checkId(reader, field.type);
    } else if (field.type === "counts" || field.type === "varints" || field.type === "doubles") {
      if (wireType === LENGTH_DELIMITED) checkPacked(reader, field);
      else {
        expectWire(field, wireType, want);
        reader.skip(wireType);
      }
    } else {
      expectWire(field, wireType, want);
      reader.skip(wireType);
    }
  }
}

function checkId(reader: ProtoReader, type: "traceId" | "spanId"): void {
  const end = reader.delimitedEnd();
  const length = end - reader.pos;
  if (length !== 0 && length !== (type === "traceId" ? 16 : 8)) {
    throw new WireError(`unmarshal: invalid ${type === "traceId" ? "TraceID" : "SpanID"} length`);
  }
  reader.pos = end;
}

function checkPacked(reader: ProtoReader, field: FieldSpec): void {
  reader.nested((r) => {
    while (r.more()) r.skip(field.type === "varints" ? VARINT : FIXED64);
  });
}
