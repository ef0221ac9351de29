import type { Buckets } from "@tracegate/otlp";

const MAX_SCALE = 20;
const MIN_SCALE = -10;

/**
 * Buckets whose bounds are powers of 2^(2^-scale). The scale starts fine and is halved whenever the values would need
 * more than `maxSize` buckets. Only for values that are not negative, which durations are.
 */
export class ExponentialBuckets {
  readonly #maxSize: number;
  readonly #counts = new Map<number, number>();
  #scale = MAX_SCALE;
  #low = Number.POSITIVE_INFINITY;
  #high = Number.NEGATIVE_INFINITY;
  zeroCount = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;

  constructor(maxSize: number) {
    // Two buckets are the fewest that any range can be brought down to.
    this.#maxSize = Math.max(2, maxSize);
  }

  get scale(): number {
    return this.#scale;
  }

  observe(value: number): void {
    this.min = Math.min(this.min, value);
    this.max = Math.max(this.max, value);
    if (value === 0) {
      this.zeroCount++;
      return;
    }
    let index = bucketIndex(value, this.#scale);
    while (
      Math.max(this.#high, index) - Math.min(this.#low, index) >= this.#maxSize &&
      this.#scale > MIN_SCALE
    ) {
      this.#halve();
      index = bucketIndex(value, this.#scale);
    }
    this.#low = Math.min(this.#low, index);
    this.#high = Math.max(this.#high, index);
    this.#counts.set(index, (this.#counts.get(index) ?? 0) + 1);
  }

  buckets(): Buckets {
    if (this.#counts.size === 0) return { offset: 0, bucketCounts: [] };
    const length = this.#high - this.#low + 1;
    return {
      offset: this.#low,
      bucketCounts: Array.from({ length }, (_, i) => this.#counts.get(this.#low + i) ?? 0),
    };
  }

  /** Two neighbouring buckets become one. */
  #halve(): void {
    this.#scale--;
    const before = [...this.#counts];
    this.#counts.clear();
    for (const [index, count] of before) {
      const merged = Math.floor(index / 2);
      this.#counts.set(merged, (this.#counts.get(merged) ?? 0) + count);
    }
    this.#low = Math.floor(this.#low / 2);
    this.#high = Math.floor(this.#high / 2);
  }
}

/** The i with base^i < value <= base^(i+1). */
export function bucketIndex(value: number, scale: number): number {
  const exponent = Math.floor(Math.log2(value));
  const exact = 2 ** exponent === value;
  if (scale <= 0) return Math.floor((exact ? exponent - 1 : exponent) / 2 ** -scale);
  // Logarithms of exact powers are computed without rounding, so that bounds fall into the bucket below.
  return exact ? exponent * 2 ** scale - 1 : Math.ceil(Math.log2(value) * 2 ** scale) - 1;
}
