import {
  type AppendResult,
  isStale,
  type Labels,
  type SeriesView,
  type TimeRange,
} from "@tracegate/contracts";
import { type Chunk, packChunk, unpackChunk } from "./chunk.ts";

/** The newest samples stay flat, so that rule-like queries over the last minutes unpack nothing. */
const FLAT = 128;
const SEAL = 64;
const FIRST_CAPACITY = 8;

/** One series in memory: packed chunks, then the newest samples in flat arrays. */
export class MemorySeries {
  readonly ref: number;
  readonly labels: Labels;
  chunks: Chunk[] = [];
  times = new Float64Array(FIRST_CAPACITY);
  values = new Float64Array(FIRST_CAPACITY);
  count = 0;
  /** The log's coding state: valid only within the segment of that number. */
  walSegment = -1;
  walPrevious = 0;

  constructor(ref: number, labels: Labels) {
    this.ref = ref;
    this.labels = labels;
  }

  get lastTime(): number {
    return this.count === 0 ? Number.NEGATIVE_INFINITY : (this.times[this.count - 1] ?? 0);
  }

  get firstTime(): number {
    return this.chunks[0]?.from ?? (this.count === 0 ? Number.POSITIVE_INFINITY : (this.times[0] ?? 0));
  }

  get sampleCount(): number {
    let total = this.count;
    for (const chunk of this.chunks) total += chunk.count;
    return total;
  }

  /** Appends `source[index]`; an array, because the staleness marker must not pass through a plain number. */
  append(time: number, source: Float64Array, index: number): AppendResult {
    const { count } = this;
    if (count > 0) {
      const last = this.times[count - 1] ?? 0;
      if (time <= last) return time < last ? "out of order" : this.#sameAsLast(source, index);
      if (count === this.times.length) this.#makeRoom();
    }
    const at = this.count++;
    this.times[at] = time;
    copyBits(source, index, this.values, at);
    return "appended";
  }

  /** The samples in `range`, without copying when all of them are still flat. */
  view(range: TimeRange): SeriesView | undefined {
    const firstFlat = this.times[0] ?? 0;
    if (this.chunks.length > 0 && range.from < firstFlat) return this.#unpackedView(range);
    return window(this.labels, this.times, this.values, this.count, range);
  }

  /** Whether any sample lies in the range, as far as chunk bounds tell. */
  overlaps(range: TimeRange): boolean {
    return this.count > 0 && this.firstTime <= range.to && this.lastTime >= range.from;
  }

  /** Forgets whole chunks that end before `time`; returns whether nothing is left after it. */
  dropBefore(time: number): boolean {
    const keep = this.chunks.findIndex((chunk) => chunk.to >= time);
    if (keep !== 0) this.chunks = keep < 0 ? [] : this.chunks.slice(keep);
    return this.lastTime < time;
  }

  #sameAsLast(source: Float64Array, index: number): AppendResult {
    const last = this.count - 1;
    const bothStale = isStale(source, index) && isStale(this.values, last);
    const equal =
      !isStale(source, index) && !isStale(this.values, last) && Object.is(source[index], this.values[last]);
    return bothStale || equal ? "repeated" : "duplicate";
  }

  #makeRoom(): void {
    if (this.times.length < FLAT) {
      const capacity = this.times.length * 2;
      this.times = grown(this.times, capacity);
      this.values = grown(this.values, capacity);
      return;
    }
    this.chunks.push(packChunk(this.times, this.values, SEAL));
    // New arrays, not a shift in place: a view handed out earlier in this turn stays true.
    this.times = shifted(this.times);
    this.values = shifted(this.values);
    this.count -= SEAL;
  }

  #unpackedView(range: TimeRange): SeriesView | undefined {
    const chunks = this.chunks.filter((chunk) => chunk.from <= range.to && chunk.to >= range.from);
    const packed = chunks.reduce((sum, chunk) => sum + chunk.count, 0);
    const flat = (this.times[0] ?? 0) <= range.to ? this.count : 0;
    const times = new Float64Array(packed + flat);
    const values = new Float64Array(packed + flat);
    let at = 0;
    for (const chunk of chunks) {
      unpackChunk(chunk, times, values, at);
      at += chunk.count;
    }
    if (flat > 0) {
      times.set(this.times.subarray(0, flat), packed);
      copyAllBits(this.values, flat, values, packed);
    }
    return window(this.labels, times, values, packed + flat, range);
  }
}

function window(
  labels: Labels,
  times: Float64Array,
  values: Float64Array,
  count: number,
  range: TimeRange,
): SeriesView | undefined {
  const start = lowerBound(times, count, range.from);
  const end = lowerBound(times, count, range.to + 1);
  return start < end ? { labels, times, values, start, end } : undefined;
}

/** The first index whose time is ≥ `time`. */
function lowerBound(times: Float64Array, count: number, time: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Typed arrays of one element type copy bytes, so the marker's bits survive. */
function copyAllBits(from: Float64Array, count: number, to: Float64Array, at: number): void {
  to.set(from.subarray(0, count), at);
}

function grown(array: Float64Array, capacity: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(capacity);
  larger.set(array);
  return larger;
}

function shifted(array: Float64Array): Float64Array<ArrayBuffer> {
  const fresh = new Float64Array(FLAT);
  fresh.set(array.subarray(SEAL));
  return fresh;
}

function copyBits(from: Float64Array, index: number, to: Float64Array, at: number): void {
  if (isStale(from, index)) to.set(from.subarray(index, index + 1), at);
  else to[at] = from[index] ?? 0;
}
