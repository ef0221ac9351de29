import {
  closeSync,
  fdatasyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { MAGIC, type ReplaySink, replaySegment } from "./wal-record.ts";

export interface SegmentInfo {
  readonly number: number;
  bytes: number;
  /** The newest sample time in it; `-Infinity` while it has none. */
  maxTime: number;
}

/**
 * The write-ahead log: numbered segments in a directory. A segment is opened by the first batch for it; after a failed
 * write the next batch goes to a new one, for nothing may stand behind half a frame.
 */
export class Wal {
  readonly #dir: string;
  readonly #segmentBytes: number;
  readonly #segments: SegmentInfo[] = [];
  #number = 1;
  #file = -1;
  #unsynced = false;

  private constructor(dir: string, segmentBytes: number) {
    this.#dir = dir;
    this.#segmentBytes = segmentBytes;
  }

  /** Replays what is there; writing then begins in a new segment, never behind a torn tail. */
  static open(dir: string, segmentBytes: number, sink: ReplaySink): { wal: Wal; damaged: number } {
    mkdirSync(dir, { recursive: true });
    const wal = new Wal(dir, segmentBytes);
    let damaged = 0;
    for (const number of segmentNumbers(dir)) {
      const bytes = readFileSync(wal.#path(number));
      const info: SegmentInfo = { number, bytes: bytes.length, maxTime: Number.NEGATIVE_INFINITY };
      const sound = replaySegment(bytes, {
        series: sink.series,
        sample(ref, time, values) {
          if (time > info.maxTime) info.maxTime = time;
          sink.sample(ref, time, values);
        },
      });
      if (sound < bytes.length) damaged++;
      if (sound <= MAGIC.length) rmSync(wal.#path(number));
      else wal.#segments.push(info);
      wal.#number = number + 1;
    }
    return { wal, damaged };
  }

  /** The number of the segment that the next batch goes to; the batch must be coded for it. */
  get segment(): number {
    return this.#number;
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get segmentCount(): number {
    return this.#segments.length;
  }

  /** Hands the frames to the system: they survive the end of this process at once, a power cut after `sync`. */
  write(frames: readonly Uint8Array[], maxTime: number): void {
    try {
      const current = this.#current();
      for (const frame of frames) this.#writeWhole(frame, current);
      if (maxTime > current.maxTime) current.maxTime = maxTime;
      if (current.bytes >= this.#segmentBytes) this.#finishSegment();
    } catch (error) {
      this.#finishSegment();
      throw error;
    }
  }

  sync(): void {
    if (!this.#unsynced) return;
    fdatasyncSync(this.#file);
    this.#unsynced = false;
  }

  /**
   * Deletes the oldest segments while they hold nothing newer than `cutoff`, or all together exceed `maxBytes`; the one
   * being written stays. Returns the time up to which samples may be gone from disk now.
   */
  prune(cutoff: number, maxBytes: number): number {
    let goneUpTo = Number.NEGATIVE_INFINITY;
    for (;;) {
      const oldest = this.#segments[0];
      if (oldest === undefined || oldest.number === this.#number) break;
      if (oldest.maxTime >= cutoff && this.bytes <= maxBytes) break;
      rmSync(this.#path(oldest.number), { force: true });
      this.#segments.shift();
      goneUpTo = Math.max(goneUpTo, oldest.maxTime);
    }
    return goneUpTo;
  }

  close(): void {
    this.#closeFile();
  }

  #current(): SegmentInfo {
    const last = this.#segments.at(-1);
    if (this.#file >= 0 && last !== undefined) return last;
    this.#file = openSync(this.#path(this.#number), "wx", 0o600);
    const opened = { number: this.#number, bytes: 0, maxTime: Number.NEGATIVE_INFINITY };
    this.#segments.push(opened);
    this.#writeWhole(MAGIC, opened);
    return opened;
  }

  #writeWhole(bytes: Uint8Array, current: SegmentInfo): void {
    this.#unsynced = true;
    let written = 0;
    while (written < bytes.length) written += writeSync(this.#file, bytes, written);
    current.bytes += bytes.length;
  }

  /** The next batch goes to a segment of another number, whatever became of this one. */
  #finishSegment(): void {
    this.#number++;
    this.#closeFile();
  }

  #closeFile(): void {
    if (this.#file < 0) return;
    const file = this.#file;
    try {
      this.sync();
    } finally {
      this.#file = -1;
      this.#unsynced = false;
      closeSync(file);
    }
  }

  #path(number: number): string {
    return join(this.#dir, String(number).padStart(8, "0"));
  }
}

function segmentNumbers(dir: string): number[] {
  return readdirSync(dir)
    .filter((name) => /^\d{8}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}
