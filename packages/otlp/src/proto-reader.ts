/** Bytes that are not the protobuf they claim to be. Messages are the Collector's own. */
export class WireError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "WireError";
  }
}

export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH_DELIMITED = 2;
export const FIXED32 = 5;

/** Deeper nesting than any honest message has; keeps garbage from exhausting the stack. */
const MAX_DEPTH = 256;

/** A cursor over protobuf bytes. Every read is checked against `end`; nothing is copied until a value is asked for. */
export class ProtoReader {
  readonly bytes: Buffer;
  pos: number;
  end: number;
  #depth = 0;

  constructor(bytes: Uint8Array, pos = 0, end = bytes.length) {
    this.bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.pos = pos;
    this.end = end;
  }

  more(): boolean {
    return this.pos < this.end;
  }

  /** `field << 3 | wireType`. */
  tag(): number {
    const tag = this.uint32();
    if (tag >>> 3 === 0) throw new WireError(`proto: illegal tag ${tag >>> 3} (wire type ${tag & 7})`);
    return tag;
  }

  /** A varint of which the low 32 bits count (bits above them are dropped, as in Go's `uint32(x)`). */
  uint32(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#byte();
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new WireError("proto: integer overflow");
  }

  sint32(): number {
    const n = this.uint32();
    return (n >>> 1) ^ -(n & 1);
  }

  /** A 64-bit varint, two's complement. */
  int64(): bigint {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#byte();
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else if (shift < 63) high |= bits << (shift - 32);
      else high |= (bits & 1) << 31;
      if (byte < 0x80) return BigInt.asIntN(64, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
    }
    throw new WireError("proto: integer overflow");
  }

  fixed32(): number {
    return this.bytes.readUInt32LE(this.#advance(4));
  }

  fixed64(): bigint {
    return this.bytes.readBigUInt64LE(this.#advance(8));
  }

  sfixed64(): bigint {
    return this.bytes.readBigInt64LE(this.#advance(8));
  }

  /** An unsigned 64-bit count as a number: exact to 2^53. */
  count64(): number {
    const at = this.#advance(8);
    return this.bytes.readUInt32LE(at + 4) * 4294967296 + this.bytes.readUInt32LE(at);
  }

  double(): number {
    return this.bytes.readDoubleLE(this.#advance(8));
  }

  /** Steps over a length-delimited value and returns its end; `pos` is its start. */
  delimitedEnd(): number {
    const length = this.uint32();
    const end = this.pos + length;
    if (end > this.end) throw new WireError("unexpected EOF");
    return end;
  }

  text(): string {
    const end = this.delimitedEnd();
    const value = this.bytes.toString("utf8", this.pos, end);
    this.pos = end;
    return value;
  }

  /** A copy, so that a small value does not keep a whole request alive. */
  blob(): Uint8Array {
    const end = this.delimitedEnd();
    const value = new Uint8Array(this.bytes.subarray(this.pos, end));
    this.pos = end;
    return value;
  }

  hex(): string {
    const end = this.delimitedEnd();
    const value = this.bytes.toString("hex", this.pos, end);
    this.pos = end;
    return value;
  }

  /** Reads a sub-message with `read`, which sees only its bytes. */
  nested<T>(read: (reader: ProtoReader) => T): T {
    const outer = this.enter();
    const value = read(this);
    this.leave(outer);
    return value;
  }

  /** Steps over a field that nobody asked for, groups included. */
  skip(wireType: number): void {
    switch (wireType) {
      case VARINT:
        this.#skipVarint();
        return;
      case FIXED64:
        this.#advance(8);
        return;
      case LENGTH_DELIMITED:
        this.pos = this.delimitedEnd();
        return;
      case 3:
        this.#skipGroup();
        return;
      case FIXED32:
        this.#advance(4);
        return;
      default:
        throw new WireError(`proto: illegal wireType ${wireType}`);
    }
  }

  /** Makes a sub-message all there is to read, and answers the end that `leave` restores. */
  enter(): number {
    const end = this.delimitedEnd();
    if (++this.#depth > MAX_DEPTH) throw new WireError("proto: message nested too deeply");
    const outer = this.end;
    this.end = end;
    return outer;
  }

  leave(outer: number): void {
    this.pos = this.end;
    this.end = outer;
    this.#depth--;
  }

  #skipVarint(): void {
    for (let i = 0; i < 10; i++) if (this.#byte() < 0x80) return;
    throw new WireError("proto: integer overflow");
  }

  #skipGroup(): void {
    for (let open = 1; open > 0; ) {
      const wireType = this.tag() & 7;
      if (wireType === 3) open++;
      else if (wireType === 4) open--;
      else this.skip(wireType);
    }
  }

  #byte(): number {
    if (this.pos >= this.end) throw new WireError("unexpected EOF");
    return this.bytes[this.pos++] ?? 0;
  }

  #advance(length: number): number {
    const at = this.pos;
    if (at + length > this.end) throw new WireError("unexpected EOF");
    this.pos = at + length;
    return at;
  }
}
