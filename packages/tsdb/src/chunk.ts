import { ByteReader, ByteWriter, fold, unfold } from "./byte-buffer.ts";
import { readValue, STALE, tagOf, writeValue } from "./value-code.ts";

/**
 * A run of samples that will not change any more, packed: each sample is the change of its time step together with the
 * value's tag, then what the tag needs. About two to four bytes a sample for counters on a steady interval.
 */
export interface Chunk {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

const scratch = new ByteWriter(4096);

/** Packs `count` > 0 samples starting at index 0. */
export function packChunk(times: Float64Array, values: Float64Array, count: number): Chunk {
  scratch.length = 0;
  let time = 0;
  let step = 0;
  let previous = 0;
  for (let i = 0; i < count; i++) {
    const now = times[i] ?? 0;
    const nextStep = now - time;
    const tag = tagOf(values, i, previous);
    scratch.reserve(24);
    // The first "change of step" is the time itself: some eight bytes, once a chunk.
    scratch.unsigned(fold(nextStep - step) * 4 + tag);
    const value = values[i] ?? 0;
    writeValue(scratch, tag, value, previous);
    if (tag !== STALE) previous = value;
    step = i === 0 ? 0 : nextStep;
    time = now;
  }
  return { from: times[0] ?? 0, to: times[count - 1] ?? 0, count, bytes: scratch.take() };
}

/** Unpacks into two arrays from index `at` on; both must have room for `chunk.count` more. */
export function unpackChunk(chunk: Chunk, times: Float64Array, values: Float64Array, at: number): void {
  const input = new ByteReader(chunk.bytes);
  let time = 0;
  let step = 0;
  let previous = 0;
  for (let i = 0; i < chunk.count; i++) {
    const head = input.unsigned();
    const tag = head % 4;
    const nextStep = step + unfold((head - tag) / 4);
    time += nextStep;
    step = i === 0 ? 0 : nextStep;
    times[at + i] = time;
    previous = readValue(input, tag, values, at + i, previous);
  }
}
