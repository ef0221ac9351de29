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

/** The write-ahead log: numbered segments in a directory, of which the last is being written. */
export class Wal {
  readonly #dir: string;
  readonly #segmentBytes: number;
  readonly #segments: SegmentInfo[] = [];
  #file = -1;
  #unsynced = false;

  private constructor(dir: string, segmentBytes: number) {
    this.#dir = dir;
    this.#segmentBytes = segmentBytes;
  }

  /** Replays what is there, then begins a new segment; a torn tail is left where it is and never written behind. */
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
    }
    wal.rotate();
    return { wal, damaged };
  }

  /** The number of the segment that the next batch goes to. */
  get segment(): number {
    return this.#segments.at(-1)?.number ?? 0;
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get segmentCount(): number {
    return this.#segments.length;
  }

  /** Hands the frames to the system: they survive the end of this process at once, a power cut after `sync`. */
  write(frames: readonly Uint8Array[], maxTime: number): void {
    const current = this.#current();
    for (const frame of frames) {
      let written = 0;
      while (written < frame.length) written += writeSync(this.#file, frame, written);
      current.bytes += frame.length;
    }
    if (maxTime > current.maxTime) current.maxTime = maxTime;
    this.#unsynced = true;
  }

  get full(): boolean {
    return this.#current().bytes >= this.#segmentBytes;
  }

  rotate(): void {
    this.#closeFile();
    const number = this.segment + 1;
    this.#file = openSync(this.#path(number), "wx", 0o600);
    writeSync(this.#file, MAGIC);
    this.#segments.push({ number, bytes: MAGIC.length, maxTime: Number.NEGATIVE_INFINITY });
  }

  sync(): void {
    if (!this.#unsynced) return;
    fdatasyncSync(this.#file);
    this.#unsynced = false;
  }

  /**
   * Deletes the oldest segments while they hold nothing newer than `cutoff`, or all together exceed `maxBytes`.
   * Returns the time up to which samples may be gone from disk now.
   */
  prune(cutoff: number, maxBytes: number): number {
    let goneUpTo = Number.NEGATIVE_INFINITY;
    while (this.#segments.length > 1) {
      const oldest = this.#segments[0];
      if (oldest === undefined || (oldest.maxTime >= cutoff && this.bytes <= maxBytes)) break;
      rmSync(this.#path(oldest.number));
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
    if (last === undefined) throw new Error("the log has no segment; it was not opened");
    return last;
  }

  #closeFile(): void {
    if (this.#file < 0) return;
    this.sync();
    closeSync(this.#file);
    this.#file = -1;
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
