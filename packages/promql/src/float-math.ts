/** Sums that keep what rounding loses (Neumaier's variant of Kahan's algorithm). */
export class CompensatedSum {
  sum = 0;
  lost = 0;

  add(value: number): void {
    const { sum } = this;
    const total = sum + value;
    if (total === Number.POSITIVE_INFINITY || total === Number.NEGATIVE_INFINITY) this.lost = 0;
    else if (Math.abs(sum) >= Math.abs(value)) this.lost += sum - total + value;
    else this.lost += value - total + sum;
    this.sum = total;
  }

  get total(): number {
    return this.sum + this.lost;
  }
}

export function sumOf(values: Float64Array, from: number, to: number): number {
  const sum = new CompensatedSum();
  for (let i = from; i < to; i++) sum.add(values[i] ?? 0);
  return sum.total;
}

/** Mean: the compensated sum divided, or an incremental mean from where that sum would overflow. */
export function meanOf(values: Float64Array, from: number, to: number): number {
  const sum = new CompensatedSum();
  const count = to - from;
  for (let i = from; i < to; i++) {
    const { sum: before, lost } = sum;
    sum.add(values[i] ?? 0);
    if (Math.abs(sum.sum) === Number.POSITIVE_INFINITY && i > from) {
      return incrementalMean(values, from, i, to, before, lost);
    }
  }
  return sum.sum / count + sum.lost / count;
}

function incrementalMean(
  values: Float64Array,
  from: number,
  at: number,
  to: number,
  sumBefore: number,
  lostBefore: number,
): number {
  const mean = new CompensatedSum();
  mean.sum = sumBefore / (at - from);
  mean.lost = lostBefore / (at - from);
  for (let i = at; i < to; i++) {
    const count = i - from + 1;
    const share = (count - 1) / count;
    mean.sum *= share;
    mean.lost *= share;
    mean.add((values[i] ?? 0) / count);
  }
  return mean.total;
}

/** Population variance. An infinite or NaN member makes it NaN. */
export function varianceOf(values: Float64Array, from: number, to: number): number {
  const mean = new CompensatedSum();
  const squares = new CompensatedSum();
  let count = 0;
  for (let i = from; i < to; i++) {
    count++;
    const value = values[i] ?? 0;
    const delta = value - mean.total;
    mean.add(delta / count);
    squares.add(delta * (value - mean.total));
  }
  return squares.total / count;
}

/** Smallest and largest; NaN only when all are. */
export function minOf(values: Float64Array, from: number, to: number): number {
  let least = Number.NaN;
  for (let i = from; i < to; i++) {
    const value = values[i] ?? 0;
    if (value < least || Number.isNaN(least)) least = value;
  }
  return least;
}

export function maxOf(values: Float64Array, from: number, to: number): number {
  let most = Number.NaN;
  for (let i = from; i < to; i++) {
    const value = values[i] ?? 0;
    if (value > most || Number.isNaN(most)) most = value;
  }
  return most;
}

/** The φ-quantile with linear interpolation between ranks. */
export function quantileOf(phi: number, values: Float64Array, from: number, to: number): number {
  if (from >= to || Number.isNaN(phi)) return Number.NaN;
  if (phi < 0) return Number.NEGATIVE_INFINITY;
  if (phi > 1) return Number.POSITIVE_INFINITY;
  const sorted = values.slice(from, to).sort(nanFirst);
  const rank = phi * (sorted.length - 1);
  const lower = Math.max(0, Math.floor(rank));
  const upper = Math.min(sorted.length - 1, lower + 1);
  const weight = rank - Math.floor(rank);
  return (sorted[lower] ?? 0) * (1 - weight) + (sorted[upper] ?? 0) * weight;
}

export function nanFirst(a: number, b: number): number {
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : -1;
  return Number.isNaN(b) ? 1 : a - b;
}

/** Least squares over (seconds since `origin`, value). */
export function linearRegression(
  times: Float64Array,
  values: Float64Array,
  from: number,
  to: number,
  origin: number,
): { slope: number; intercept: number } {
  const first = values[from] ?? 0;
  let constant = true;
  const x = new CompensatedSum();
  const y = new CompensatedSum();
  const xy = new CompensatedSum();
  const xx = new CompensatedSum();
  for (let i = from; i < to; i++) {
    const value = values[i] ?? 0;
    if (value !== first) constant = false;
    const seconds = ((times[i] ?? 0) - origin) / 1000;
    x.add(seconds);
    y.add(value);
    xy.add(seconds * value);
    xx.add(seconds * seconds);
  }
  if (constant) {
    if (!Number.isFinite(first)) return { slope: Number.NaN, intercept: Number.NaN };
    return { slope: 0, intercept: first };
  }
  const n = to - from;
  const slope = (xy.total - (x.total * y.total) / n) / (xx.total - (x.total * x.total) / n);
  return { slope, intercept: y.total / n - (slope * x.total) / n };
}
