import { crc32 } from "node:zlib";
import { Labels } from "@tracegate/contracts";
import { ByteReader, ByteWriter, fold, unfold } from "./byte-buffer.ts";
import { readValue, STALE, tagOf, writeValue } from "./value-code.ts";

/**
 * What the log holds. A segment is MAGIC, then frames: payload length and CRC-32 (four bytes each, little-endian), then
 * the payload. A payload begins with a kind. Each segment stands alone: it names every series that it has samples of,
 * and codes values only against values in the same segment; deleting old segments is all that retention has to do.
 */
export const MAGIC = Buffer.from("TGWAL001", "latin1");
export const FRAME_HEADER = 8;
/** No frame of ours is larger; a larger length in a file is damage. */
export const MAX_PAYLOAD = 64 << 20;
const KIND_SERIES = 1;
const KIND_SAMPLES = 2;

/** The coding state of a series inside one segment. */
export interface WalSeries {
  readonly ref: number;
  readonly labels: Labels;
  walSegment: number;
  walPrevious: number;
}

/** Collects one batch: the series it names first, and its samples; two frames at most. */
export class BatchWriter {
  readonly #series = new ByteWriter(4096);
  readonly #samples = new ByteWriter(64 << 10);
  #lastRef = 0;
  #lastTime = 0;

  constructor() {
    this.clear();
  }

  get empty(): boolean {
    return this.#samples.length <= FRAME_HEADER + 1;
  }

  clear(): void {
    begin(this.#series, KIND_SERIES);
    begin(this.#samples, KIND_SAMPLES);
    this.#lastRef = 0;
    this.#lastTime = 0;
  }

  /** Adds `values[index]` of a series; `segment` is the one the batch will be written to. */
  add(series: WalSeries, segment: number, time: number, values: Float64Array, index: number): void {
    if (series.walSegment !== segment) this.#introduce(series, segment);
    const out = this.#samples;
    out.reserve(40);
    const tag = tagOf(values, index, series.walPrevious);
    const value = values[index] ?? 0;
    out.unsigned(fold(series.ref - this.#lastRef) * 4 + tag);
    out.unsigned(fold(time - this.#lastTime));
    writeValue(out, tag, value, series.walPrevious);
    if (tag !== STALE) series.walPrevious = value;
    this.#lastRef = series.ref;
    this.#lastTime = time;
  }

  /** The frames of the batch, ready to be written one after the other. Valid until the next `clear`. */
  frames(): Uint8Array[] {
    const frames: Uint8Array[] = [];
    if (this.#series.length > FRAME_HEADER + 1) frames.push(sealed(this.#series));
    if (!this.empty) frames.push(sealed(this.#samples));
    return frames;
  }

  #introduce(series: WalSeries, segment: number): void {
    const out = this.#series;
    out.reserve(24);
    out.unsigned(series.ref);
    out.unsigned(series.labels.pairs.length);
    for (const text of series.labels.pairs) out.text(text);
    series.walSegment = segment;
    series.walPrevious = 0;
  }
}

function begin(out: ByteWriter, kind: number): void {
  out.length = FRAME_HEADER;
  out.bytes[out.length++] = kind;
}

function sealed(out: ByteWriter): Uint8Array {
  const payload = out.bytes.subarray(FRAME_HEADER, out.length);
  const header = new DataView(out.bytes.buffer);
  header.setUint32(0, payload.length, true);
  header.setUint32(4, crc32(payload), true);
  return out.bytes.subarray(0, out.length);
}

/** What a replay hands over. References are those of the process that wrote the segment. */
export interface ReplaySink {
  series(ref: number, labels: Labels): void;
  /** `values[0]` is the sample; an array for the sake of the staleness marker. */
  sample(ref: number, time: number, values: Float64Array): void;
}

/**
 * Replays one segment. Returns how many bytes of it were sound: less than its length where the tail was torn off by a
 * crash, or damaged. Nothing of an unsound frame is handed over.
 */
export function replaySegment(segment: Uint8Array, sink: ReplaySink): number {
  if (segment.length < MAGIC.length || !MAGIC.equals(segment.subarray(0, MAGIC.length))) return 0;
  const view = new DataView(segment.buffer, segment.byteOffset, segment.byteLength);
  const previous = new Map<number, number>();
  let at = MAGIC.length;
  while (at + FRAME_HEADER <= segment.length) {
    const length = view.getUint32(at, true);
    const end = at + FRAME_HEADER + length;
    if (length === 0 || length > MAX_PAYLOAD || end > segment.length) break;
    const payload = segment.subarray(at + FRAME_HEADER, end);
    if (crc32(payload) !== view.getUint32(at + 4, true)) break;
    replayPayload(payload, previous, sink);
    at = end;
  }
  return at;
}

const one = new Float64Array(1);

function replayPayload(payload: Uint8Array, previous: Map<number, number>, sink: ReplaySink): void {
  const input = new ByteReader(payload);
  const kind = input.unsigned();
  if (kind === KIND_SERIES) {
    while (!input.done) {
      const ref = input.unsigned();
      const pairs: string[] = [];
      for (let n = input.unsigned(); n > 0; n--) pairs.push(input.text());
      previous.set(ref, 0);
      sink.series(ref, Labels.fromSorted(pairs));
    }
  } else if (kind === KIND_SAMPLES) {
    let ref = 0;
    let time = 0;
    while (!input.done) {
      const head = input.unsigned();
      const tag = head % 4;
      ref += unfold((head - tag) / 4);
      time += unfold(input.unsigned());
      previous.set(ref, readValue(input, tag, one, 0, previous.get(ref) ?? 0));
      sink.sample(ref, time, one);
    }
  }
}
