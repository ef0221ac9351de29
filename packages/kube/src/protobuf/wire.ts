/** The protobuf wire format: tags, varints and lengths, over bytes that come from outside. */

/** Bytes that are no protobuf; the messages are gogo's. */
export class ProtobufError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ProtobufError";
  }
}

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

/** One field of a message: a number for varints, the bytes of everything else. */
export interface WireField {
  readonly number: number;
  readonly wireType: number;
  readonly varint: bigint;
  readonly bytes: Uint8Array;
}

const NONE = new Uint8Array(0);

/** The fields of a message, in the order written. */
export function* wireFields(message: Uint8Array): Generator<WireField> {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (at >= message.length) throw new ProtobufError("unexpected EOF");
      if (shift >= 70n) throw new ProtobufError("proto: integer overflow");
      const byte = view.getUint8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
  };
  const take = (length: number): Uint8Array => {
    if (length < 0 || at + length > message.length) throw new ProtobufError("unexpected EOF");
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = varint();
    const number = Number(tag >> 3n);
    const wireType = Number(tag & 7n);
    if (number === 0 || number > 2 ** 29)
      throw new ProtobufError(`proto: illegal tag ${number} (wire type ${wireType})`);
    if (wireType === VARINT) yield { number, wireType, varint: varint(), bytes: NONE };
    else if (wireType === BYTES) yield { number, wireType, varint: 0n, bytes: take(lengthOf(varint())) };
    else if (wireType === FIXED64) yield { number, wireType, varint: 0n, bytes: take(8) };
    else if (wireType === FIXED32) yield { number, wireType, varint: 0n, bytes: take(4) };
    else throw new ProtobufError(`proto: illegal wireType ${wireType}`);
  }
}

function lengthOf(value: bigint): number {
  if (value > 0x7fffffffn) throw new ProtobufError("proto: negative length found during unmarshaling");
  return Number(value);
}

/** A varint as the signed number that it is of `int32` and `int64`. */
export function signed(value: bigint): number {
  return Number(BigInt.asIntN(64, value));
}

const UTF8 = new TextDecoder("utf-8");

export function text(bytes: Uint8Array): string {
  return UTF8.decode(bytes);
}
