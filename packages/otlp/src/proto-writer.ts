import { FIXED32, FIXED64, LENGTH_DELIMITED, VARINT } from "./proto-reader.ts";

/** Writes protobuf into one growing buffer. */
export class ProtoWriter {
  #buffer: Buffer;
  #pos = 0;

  constructor(capacity = 1024) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  /** The bytes written so far, copied out at their exact length. */
  finish(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#pos));
  }

  varint(field: number, value: number): void {
    this.#tag(field, VARINT);
    this.#varint(value);
  }

  int64(field: number, value: bigint): void {
    this.#tag(field, VARINT);
    this.#varint64(BigInt.asUintN(64, value));
  }

  sint32(field: number, value: number): void {
    this.varint(field, ((value << 1) ^ (value >> 31)) >>> 0);
  }

  fixed32(field: number, value: number): void {
    this.#tag(field, FIXED32);
    const at = this.#reserve(4);
    this.#buffer.writeUInt32LE(value, at);
  }

  fixed64(field: number, value: bigint): void {
    this.#tag(field, FIXED64);
    const at = this.#reserve(8);
    this.#buffer.writeBigUInt64LE(BigInt.asUintN(64, value), at);
  }

  count64(field: number, value: number): void {
    this.#tag(field, FIXED64);
    this.packedCount(value);
  }

  double(field: number, value: number): void {
    this.#tag(field, FIXED64);
    this.packedDouble(value);
  }

  text(field: number, value: string): void {
    this.#tag(field, LENGTH_DELIMITED);
    const length = Buffer.byteLength(value);
    this.#varint(length);
    const at = this.#reserve(length);
    this.#buffer.write(value, at, "utf8");
  }

  blob(field: number, value: Uint8Array): void {
    this.#tag(field, LENGTH_DELIMITED);
    this.#varint(value.length);
    const at = this.#reserve(value.length);
    this.#buffer.set(value, at);
  }

  /** A sub-message or packed list. Its length is known only afterwards: one byte is kept for it, moved when too few. */
  nested(field: number, write: () => void): void {
    this.#tag(field, LENGTH_DELIMITED);
    const start = this.#reserve(1) + 1;
    write();
    const length = this.#pos - start;
    const extra = varintSize(length) - 1;
    if (extra > 0) {
      this.#reserve(extra);
      this.#buffer.copyWithin(start + extra, start, start + length);
    }
    this.#pos = start - 1;
    this.#varint(length);
    this.#pos += length;
  }

  /** Inside a packed list: elements without tags. */
  packedCount(value: number): void {
    const at = this.#reserve(8);
    this.#buffer.writeUInt32LE(value % 4294967296, at);
    this.#buffer.writeUInt32LE(Math.floor(value / 4294967296), at + 4);
  }

  packedDouble(value: number): void {
    const at = this.#reserve(8);
    this.#buffer.writeDoubleLE(value, at);
  }

  packedVarint(value: number): void {
    this.#varint(value);
  }

  #tag(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType);
  }

  #varint(value: number): void {
    let at = this.#reserve(varintSize(value));
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[at] = rest;
  }

  #varint64(value: bigint): void {
    let rest = value;
    while (rest >= 0x80n) {
      this.#byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.#byte(Number(rest));
  }

  #byte(byte: number): void {
    const at = this.#reserve(1);
    this.#buffer[at] = byte;
  }

  /** Makes room and answers where. May replace the buffer: take the offset first, then write. */
  #reserve(length: number): number {
    const at = this.#pos;
    this.#pos += length;
    if (this.#pos > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#pos));
      this.#buffer.copy(grown, 0, 0, at);
      this.#buffer = grown;
    }
    return at;
  }
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}
