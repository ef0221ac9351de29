import type { FieldSpec, MessageSpec } from "./messages.ts";
import { REQUESTS } from "./messages.ts";
import type { Signal, SignalData } from "./model.ts";
import { FIXED64, LENGTH_DELIMITED, ProtoReader, VARINT, WireError } from "./proto-reader.ts";
import { ProtoWriter } from "./proto-writer.ts";

type Fields = Record<string, unknown>;

/** An export request's bytes as its model. Throws `WireError` on anything that is not one. */
export function decodeProto<S extends Signal>(signal: S, bytes: Uint8Array): SignalData[S] {
  // The table of messages describes exactly the interfaces of the model (checked by the round-trip properties).
  return decodeMessage(REQUESTS[signal], bytes) as unknown as SignalData[S];
}

export function encodeProto<S extends Signal>(signal: S, data: SignalData[S]): Buffer {
  // As above: the table and the interfaces say the same.
  return encodeMessage(REQUESTS[signal], data as unknown as Fields);
}

export function decodeMessage(spec: MessageSpec, bytes: Uint8Array): Fields {
  return read(new ProtoReader(bytes), spec);
}

export function encodeMessage(spec: MessageSpec, fields: Fields): Buffer {
  const writer = new ProtoWriter();
  write(writer, spec, fields);
  return writer.finish();
}

/** A message with every field at its default. */
export function emptyMessage(spec: MessageSpec): Fields {
  const fields: Fields = {};
  for (const field of spec.fields) {
    if (field.optional) continue;
    fields[field.name] = zero(field);
  }
  return fields;
}

export function zero(field: FieldSpec): unknown {
  switch (field.type) {
    case "string":
    case "traceId":
    case "spanId":
      return "";
    case "bytes":
      return new Uint8Array();
    case "bool":
      return false;
    case "int64":
    case "fixed64":
    case "sfixed64":
      return 0n;
    case "message":
      return emptyMessage(messageOf(field));
    case "messages":
    case "counts":
    case "varints":
    case "doubles":
      return [];
    default:
      return 0;
  }
}

export function messageOf(field: FieldSpec): MessageSpec {
  if (field.message === undefined) throw new Error(`field ${field.name} has no message`);
  return field.message;
}

function read(reader: ProtoReader, spec: MessageSpec): Fields {
  const fields = emptyMessage(spec);
  while (reader.more()) {
    const tag = reader.tag();
    const field = spec.byNumber[tag >>> 3];
    if (field === undefined) reader.skip(tag & 7);
    else readField(reader, field, tag & 7, fields);
  }
  return fields;
}

function readField(reader: ProtoReader, field: FieldSpec, wireType: number, fields: Fields): void {
  if (field.oneof !== undefined) for (const other of field.oneof) delete fields[other];
  switch (field.type) {
    case "message":
      expectWire(field, wireType, LENGTH_DELIMITED);
      fields[field.name] = reader.nested((r) => read(r, messageOf(field)));
      return;
    case "messages": {
      expectWire(field, wireType, LENGTH_DELIMITED);
      // Repeated fields start as the fresh list made by emptyMessage.
      (fields[field.name] as unknown[]).push(reader.nested((r) => read(r, messageOf(field))));
      return;
    }
    case "counts":
    case "varints":
    case "doubles": {
      const list = fields[field.name] as unknown[];
      if (wireType === LENGTH_DELIMITED) {
        reader.nested((r) => {
          while (r.more()) list.push(readPacked(r, field.type));
        });
      } else {
        expectWire(field, wireType, field.type === "varints" ? VARINT : FIXED64);
        list.push(readPacked(reader, field.type));
      }
      return;
    }
    default:
      expectWire(field, wireType, field.wireType);
      fields[field.name] = readScalar(reader, field);
  }
}

function readPacked(reader: ProtoReader, type: FieldSpec["type"]): number {
  if (type === "counts") return reader.count64();
  if (type === "doubles") return reader.double();
  return Number(BigInt.asUintN(64, reader.int64()));
}

function readScalar(reader: ProtoReader, field: FieldSpec): unknown {
  switch (field.type) {
    case "string":
      return reader.text();
    case "bytes":
      return reader.blob();
    case "traceId":
      return readId(reader, 16, "TraceID");
    case "spanId":
      return readId(reader, 8, "SpanID");
    case "bool":
      return reader.int64() !== 0n;
    case "enum":
      return reader.uint32() | 0;
    case "uint32":
      return reader.uint32();
    case "sint32":
      return reader.sint32();
    case "fixed32":
      return reader.fixed32();
    case "int64":
      return reader.int64();
    case "fixed64":
      return reader.fixed64();
    case "sfixed64":
      return reader.sfixed64();
    case "count64":
      return reader.count64();
    default:
      return reader.double();
  }
}

/** All-zero ids mean "no id", as unset ones do. */
function readId(reader: ProtoReader, length: number, name: string): string {
  const hex = reader.hex();
  if (hex.length !== 0 && hex.length !== length * 2) throw new WireError(`unmarshal: invalid ${name} length`);
  return /^0*$/.test(hex) ? "" : hex;
}

/** Throws when a known field comes with another wire type than it has. */
export function expectWire(field: FieldSpec, got: number, want: number): void {
  if (got !== want) {
    const name = `${field.name.charAt(0).toUpperCase()}${field.name.slice(1)}`;
    throw new WireError(`proto: wrong wireType = ${got} for field ${name}`);
  }
}

function write(writer: ProtoWriter, spec: MessageSpec, fields: Fields): void {
  for (const field of spec.fields) {
    const value = fields[field.name];
    if (value !== undefined) writeField(writer, field, value);
  }
}

/** Zero-valued scalars are left out unless their presence means something. The table fixes each value's type. */
function writeField(writer: ProtoWriter, field: FieldSpec, value: unknown): void {
  const present = field.optional === true;
  switch (field.type) {
    case "message": {
      const spec = messageOf(field);
      writer.nested(field.number, () => write(writer, spec, value as Fields));
      return;
    }
    case "messages": {
      const spec = messageOf(field);
      for (const item of value as Fields[]) writer.nested(field.number, () => write(writer, spec, item));
      return;
    }
    case "counts":
    case "varints":
    case "doubles":
      writePacked(writer, field, value as number[]);
      return;
    case "string":
      if (value !== "" || present) writer.text(field.number, value as string);
      return;
    case "bytes":
      if ((value as Uint8Array).length > 0 || present) writer.blob(field.number, value as Uint8Array);
      return;
    case "traceId":
    case "spanId":
      if (value !== "") writer.blob(field.number, Buffer.from(value as string, "hex"));
      return;
    case "bool":
      if (value === true || present) writer.varint(field.number, value === true ? 1 : 0);
      return;
    case "int64":
      if (value !== 0n || present) writer.int64(field.number, value as bigint);
      return;
    case "fixed64":
    case "sfixed64":
      if (value !== 0n || present) writer.fixed64(field.number, value as bigint);
      return;
    default:
      writeNumber(writer, field, value as number, present);
  }
}

function writeNumber(writer: ProtoWriter, field: FieldSpec, value: number, present: boolean): void {
  if (Object.is(value, 0) && !present) return;
  switch (field.type) {
    case "enum":
      if (value < 0) writer.int64(field.number, BigInt(value));
      else writer.varint(field.number, value);
      return;
    case "uint32":
      writer.varint(field.number, value);
      return;
    case "sint32":
      writer.sint32(field.number, value);
      return;
    case "fixed32":
      writer.fixed32(field.number, value);
      return;
    case "count64":
      writer.count64(field.number, value);
      return;
    default:
      writer.double(field.number, value);
  }
}

function writePacked(writer: ProtoWriter, field: FieldSpec, values: readonly number[]): void {
  if (values.length === 0) return;
  writer.nested(field.number, () => {
    for (const value of values) {
      if (field.type === "counts") writer.packedCount(value);
      else if (field.type === "doubles") writer.packedDouble(value);
      else writer.packedVarint(value);
    }
  });
}
