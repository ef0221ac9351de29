import { isStale, setStale } from "@tracegate/contracts";
import { type ByteReader, type ByteWriter, fold, unfold } from "./byte-buffer.ts";

/**
 * How a value is written relative to the one before it in the same series. Counters are whole numbers that grow by a
 * little, gauges often stay: one or two bytes each. What is neither costs its eight bytes; a bit-packed XOR code would
 * save some of those and cost a branchy bit reader on every query.
 */
export const SAME = 0;
export const WHOLE_STEP = 1;
export const RAW = 2;
export const STALE = 3;
export type ValueTag = typeof SAME | typeof WHOLE_STEP | typeof RAW | typeof STALE;

/** Which of the codes fits `values[index]` after `previous`. */
export function tagOf(values: Float64Array, index: number, previous: number): ValueTag {
  if (isStale(values, index)) return STALE;
  const value = values[index] ?? 0;
  if (Object.is(value, previous)) return SAME;
  // -0 + 0 is 0, so a whole step cannot reach -0: those are written raw.
  const whole = Number.isSafeInteger(value) && Number.isSafeInteger(previous) && !Object.is(value, -0);
  return whole && Math.abs(value - previous) < 2 ** 51 ? WHOLE_STEP : RAW;
}

/** Writes what `tag` needs beside itself: nothing, a step, or the value. */
export function writeValue(out: ByteWriter, tag: ValueTag, value: number, previous: number): void {
  if (tag === WHOLE_STEP) out.unsigned(fold(value - previous));
  else if (tag === RAW) out.float(value);
}

/** Reads into `values[index]`; the return value is the next `previous`. */
export function readValue(
  input: ByteReader,
  tag: number,
  values: Float64Array,
  index: number,
  previous: number,
): number {
  if (tag === STALE) {
    setStale(values, index);
    return previous;
  }
  const value =
    tag === SAME ? previous : tag === WHOLE_STEP ? previous + unfold(input.unsigned()) : input.float();
  values[index] = value;
  return value;
}
