/**
 * A hash table from runs of bytes to values, for lookups that must not allocate: the caller writes a key into the
 * table's scratch buffer piece by piece (hashed as it goes, FNV-1a), then asks for it. Keys are copied only when a
 * new one is stored. Bounded: at `limit` entries the table is emptied, since all it holds can be worked out again.
 */
export class ByteTable<V> {
  readonly #limit: number;
  readonly #chains = new Map<number, Entry<V>>();
  #size = 0;
  #scratch: Buffer = Buffer.allocUnsafe(256);
  #length = 0;
  #hash = FNV_OFFSET;

  constructor(limit: number) {
    this.#limit = limit;
  }

  begin(): void {
    this.#length = 0;
    this.#hash = FNV_OFFSET;
  }

  addByte(byte: number): void {
    if (this.#length === this.#scratch.length) this.#grow(1);
    this.#scratch[this.#length++] = byte;
    this.#hash = Math.imul(this.#hash ^ byte, FNV_PRIME);
  }

  /** Length first, so that neighbouring runs cannot be confused. */
  addRun(bytes: Buffer, start: number, end: number): void {
    const size = end - start;
    this.addByte(size & 0xff);
    this.addByte((size >>> 8) & 0xff);
    this.addByte(size >>> 16);
    if (this.#length + size > this.#scratch.length) this.#grow(size);
    const scratch = this.#scratch;
    let hash = this.#hash;
    let at = this.#length;
    for (let i = start; i < end; i++) {
      const byte = bytes[i] ?? 0;
      scratch[at++] = byte;
      hash = Math.imul(hash ^ byte, FNV_PRIME);
    }
    this.#length = at;
    this.#hash = hash;
  }

  /** The value stored for the key just written. */
  get(): V | undefined {
    for (let entry = this.#chains.get(this.#hash); entry !== undefined; entry = entry.next) {
      if (this.#matches(entry.key)) return entry.value;
    }
    return undefined;
  }

  /** Stores a value for the key just written. */
  set(value: V): void {
    if (this.#size >= this.#limit) this.clear();
    const key = Buffer.from(this.#scratch.subarray(0, this.#length));
    this.#chains.set(this.#hash, { key, value, next: this.#chains.get(this.#hash) });
    this.#size++;
  }

  clear(): void {
    this.#chains.clear();
    this.#size = 0;
  }

  #matches(key: Buffer): boolean {
    const length = this.#length;
    if (key.length !== length) return false;
    const scratch = this.#scratch;
    for (let i = 0; i < length; i++) if (key[i] !== scratch[i]) return false;
    return true;
  }

  #grow(by: number): void {
    const grown = Buffer.allocUnsafe(Math.max(this.#scratch.length * 2, this.#length + by));
    this.#scratch.copy(grown, 0, 0, this.#length);
    this.#scratch = grown;
  }
}

interface Entry<V> {
  readonly key: Buffer;
  readonly value: V;
  readonly next: Entry<V> | undefined;
}

const FNV_OFFSET = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;
