/** Classic histogram buckets at one step: upper bounds ascending, counts cumulative. Arrays are reused by the caller. */
export interface Buckets {
  readonly bounds: Float64Array;
  readonly counts: Float64Array;
  /** How many of the arrays' elements are in use. */
  size: number;
}

/** Relative differences below this are float noise from summed rates, not a broken histogram. */
const NOISE = 1e-12;

export interface BucketQuantile {
  readonly value: number;
  /** Counts had to be raised to be monotonic. */
  readonly forced: boolean;
}

/** The φ-quantile by linear interpolation inside a bucket. `buckets` is put in order on the way. */
export function bucketQuantile(phi: number, buckets: Buckets): BucketQuantile {
  if (Number.isNaN(phi)) return { value: Number.NaN, forced: false };
  if (phi < 0) return { value: Number.NEGATIVE_INFINITY, forced: false };
  if (phi > 1) return { value: Number.POSITIVE_INFINITY, forced: false };
  const { bounds, counts } = buckets;
  if (buckets.size === 0 || bounds[buckets.size - 1] !== Number.POSITIVE_INFINITY) {
    return { value: Number.NaN, forced: false };
  }
  mergeEqualBounds(buckets);
  const forced = makeMonotonic(buckets);
  const last = buckets.size - 1;
  const total = counts[last] ?? 0;
  if (last < 1 || total === 0 || Number.isNaN(total)) return { value: Number.NaN, forced };
  const rank = phi * total;
  let b = 0;
  while (b < last && (counts[b] ?? 0) < rank) b++;
  if (b === last) return { value: bounds[last - 1] ?? 0, forced };
  const upper = bounds[b] ?? 0;
  if (b === 0 && upper <= 0) return { value: upper, forced };
  const lower = b === 0 ? 0 : (bounds[b - 1] ?? 0);
  const below = b === 0 ? 0 : (counts[b - 1] ?? 0);
  const inside = (counts[b] ?? 0) - below;
  return { value: lower + (upper - lower) * ((rank - below) / inside), forced };
}

/** The share of observations between two values, by the same linear model. */
export function bucketFraction(lower: number, upper: number, buckets: Buckets): number {
  const { bounds, counts } = buckets;
  if (buckets.size === 0 || bounds[buckets.size - 1] !== Number.POSITIVE_INFINITY) return Number.NaN;
  mergeEqualBounds(buckets);
  makeMonotonic(buckets);
  const total = counts[buckets.size - 1] ?? 0;
  if (total === 0 || Number.isNaN(total) || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  return (rankOf(upper, buckets, total) - rankOf(lower, buckets, total)) / total;
}

/** How many observations lie below a value. */
function rankOf(value: number, { bounds, counts, size }: Buckets, total: number): number {
  let below = 0;
  for (let b = 0; b < size; b++) {
    const upper = bounds[b] ?? 0;
    const count = counts[b] ?? 0;
    const lower = b === 0 ? (upper > 0 ? 0 : Number.NEGATIVE_INFINITY) : (bounds[b - 1] ?? 0);
    if (value <= lower) return below;
    if (value < upper) {
      // Nothing is known of the distribution inside an infinite bucket.
      if (upper === Number.POSITIVE_INFINITY || lower === Number.NEGATIVE_INFINITY) return below;
      return below + (count - below) * ((value - lower) / (upper - lower));
    }
    below = count;
  }
  return total;
}

function mergeEqualBounds(buckets: Buckets): void {
  const { bounds, counts } = buckets;
  let at = 0;
  for (let i = 1; i < buckets.size; i++) {
    if (bounds[i] === bounds[at]) counts[at] = (counts[at] ?? 0) + (counts[i] ?? 0);
    else {
      at++;
      bounds[at] = bounds[i] ?? 0;
      counts[at] = counts[i] ?? 0;
    }
  }
  buckets.size = Math.min(buckets.size, at + 1);
}

function makeMonotonic({ counts, size }: Buckets): boolean {
  let forced = false;
  let previous = counts[0] ?? 0;
  for (let i = 1; i < size; i++) {
    const count = counts[i] ?? 0;
    if (count === previous) continue;
    if (almostEqual(previous, count)) counts[i] = previous;
    else if (count < previous) {
      counts[i] = previous;
      forced = true;
    } else previous = count;
  }
  return forced;
}

function almostEqual(a: number, b: number): boolean {
  const difference = Math.abs(a - b);
  const size = Math.abs(a) + Math.abs(b);
  return size > 0 && difference / Math.min(size, Number.MAX_VALUE) < NOISE;
}
