/**
 * A sample is a float64 at a whole millisecond. Samples travel in flat `Float64Array`s, times and values apart.
 *
 * The staleness marker says "this series ends here". It is one particular NaN, told apart from other NaNs by its bits;
 * engines may canonicalise a NaN that passes through a plain number, so it is written and tested only inside arrays.
 */
const STALE_HIGH = 0x7ff00000;
const STALE_LOW = 0x00000002;

const littleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
const HIGH = littleEndian ? 1 : 0;
const LOW = 1 - HIGH;

/** Writes the staleness marker at `index`. */
export function setStale(values: Float64Array, index: number): void {
  const words = new Uint32Array(values.buffer, values.byteOffset + index * 8, 2);
  words[HIGH] = STALE_HIGH;
  words[LOW] = STALE_LOW;
}

/** Whether `values[index]` is the staleness marker. Cheap for numbers; looks at the bits only of NaNs. */
export function isStale(values: Float64Array, index: number): boolean {
  const value = values[index];
  // biome-ignore lint/suspicious/noSelfCompare: the quickest test for NaN, on the hottest path there is
  if (value === value) return false;
  const words = new Uint32Array(values.buffer, values.byteOffset + index * 8, 2);
  return words[HIGH] === STALE_HIGH && words[LOW] === STALE_LOW;
}
