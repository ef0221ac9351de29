/**
 * A growing byte buffer with variable-length integers. Integers are plain numbers up to 2^53, written seven bits a
 * byte, lowest first; signed ones are folded (0, -1, 1, -2 … → 0, 1, 2, 3 …).
 */
export class ByteWriter {
  bytes: Uint8Array<ArrayBuffer>;
  length = 0;
  #view: DataView;

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Makes room for `extra` more bytes; the writers below do not check on their own. */
  reserve(extra: number): void {
    const wanted = this.length + extra;
    if (wanted <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(wanted, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  /** At most 8 bytes. */
  unsigned(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.bytes[this.length++] = rest;
  }

  float(value: number): void {
    this.#view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  text(value: string): void {
    const encoded = Buffer.from(value, "utf8");
    this.reserve(8 + encoded.length);
    this.unsigned(encoded.length);
    this.bytes.set(encoded, this.length);
    this.length += encoded.length;
  }

  /** A copy of what was written. */
  take(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.length);
  }
}

/** Reads what `ByteWriter` wrote. Reading past the end throws a `RangeError`. */
export class ByteReader {
  position = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.position >= this.#bytes.length;
  }

  unsigned(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#bytes[this.position++];
      if (byte === undefined) throw new RangeError("varint runs past the end");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  }

  float(): number {
    const value = this.#view.getFloat64(this.position, true);
    this.position += 8;
    return value;
  }

  text(): string {
    const length = this.unsigned();
    const start = this.position;
    if (start + length > this.#bytes.length) throw new RangeError("text runs past the end");
    this.position += length;
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + start, length).toString("utf8");
  }
}

/** Signed to unsigned, small magnitudes to small numbers. */
export const fold = (value: number): number => (value < 0 ? -value * 2 - 1 : value * 2);
export const unfold = (value: number): number => (value % 2 === 0 ? value / 2 : -(value + 1) / 2);
