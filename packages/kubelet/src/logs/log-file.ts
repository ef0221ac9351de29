import { type FileHandle, open, stat } from "node:fs/promises";
import type { Clock } from "@tracegate/contracts";
import { rfc3339Nano } from "../agent/log-writer.ts";

export interface LogOptions {
  readonly follow?: boolean;
  readonly tailLines?: number;
  /** Milliseconds since the epoch: lines from before are left out. */
  readonly since?: number;
  /** Puts each line's time before it. */
  readonly timestamps?: boolean;
  readonly limitBytes?: number;
}

const chunkBytes = 64 * 1024;
/** How often a followed file is looked at. */
const pollMs = 100;

/**
 * What a container printed, from its CRI log file (and `FILE.1`, what was rotated away). Following ends when `ended`
 * says that nothing more will be written.
 */
export async function* readLogFile(
  file: string,
  options: LogOptions,
  live: { clock: Clock; ended: () => boolean; signal?: AbortSignal },
): AsyncGenerator<Buffer> {
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  const since =
    options.since === undefined ? "" : rfc3339Nano(BigInt(Math.floor(options.since)) * 1_000_000n);
  const format = lineFormatter(since, options.timestamps === true);
  for await (const chunk of rawLog(file, options, live)) {
    const text = format(chunk);
    if (text.length === 0) continue;
    yield text.length <= left ? text : text.subarray(0, left);
    left -= text.length;
    if (left <= 0) return;
  }
}

async function* rawLog(
  file: string,
  { follow = false, tailLines }: LogOptions,
  { clock, ended, signal }: { clock: Clock; ended: () => boolean; signal?: AbortSignal },
): AsyncGenerator<Buffer> {
  let current = await openIfThere(file);
  try {
    const older = await openIfThere(`${file}.1`);
    let start = 0;
    try {
      const inCurrent =
        current === undefined || tailLines === undefined ? undefined : await tailStart(current, tailLines);
      start = inCurrent?.start ?? 0;
      const missing = tailLines === undefined ? undefined : tailLines - (inCurrent?.lines ?? 0);
      if (older !== undefined && (missing === undefined || missing > 0)) {
        const from = missing === undefined ? 0 : (await tailStart(older, missing)).start;
        yield* readFrom(older, from);
      }
    } finally {
      await older?.close();
    }
    for (;;) {
      // Asked before reading: what was written before the end is then read after it.
      const isOver = !follow || ended() || signal?.aborted === true;
      if (current !== undefined) {
        for await (const chunk of readFrom(current, start)) {
          start += chunk.length;
          yield chunk;
        }
      }
      if (signal?.aborted) return;
      const next = await reopened(file, current);
      if (next !== undefined) {
        if (current !== undefined) yield* readFrom(current, start);
        await current?.close();
        current = next;
        start = 0;
        continue;
      }
      if (isOver) return;
      await clock.after(pollMs, signal).catch(() => {});
    }
  } finally {
    await current?.close();
  }
}

async function openIfThere(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** The new file at `file` when the one held has been rotated away (or there was none yet). */
async function reopened(file: string, held: FileHandle | undefined): Promise<FileHandle | undefined> {
  const now = await stat(file).catch(() => undefined);
  if (now === undefined) return undefined;
  if (held !== undefined && (await held.stat()).ino === now.ino) return undefined;
  return openIfThere(file);
}

async function* readFrom(handle: FileHandle, start: number): AsyncGenerator<Buffer> {
  for (let position = start; ; ) {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    const { bytesRead } = await handle.read(buffer, 0, chunkBytes, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Where the last `count` lines begin, and how many lines that is where there are fewer. */
async function tailStart(handle: FileHandle, count: number): Promise<{ start: number; lines: number }> {
  const { size } = await handle.stat();
  if (count <= 0) return { start: size, lines: 0 };
  let lines = 0;
  const buffer = Buffer.allocUnsafe(chunkBytes);
  for (let end = size; end > 0; ) {
    const length = Math.min(chunkBytes, end);
    await handle.read(buffer, 0, length, end - length);
    for (let at = length - 1; at >= 0; at -= 1) {
      // The line end at the very end closes the last line, it does not begin one.
      if (buffer[at] !== 10 || end - length + at === size - 1) continue;
      lines += 1;
      if (lines === count) return { start: end - length + at + 1, lines };
    }
    end -= length;
  }
  return { start: 0, lines: size > 0 ? lines + 1 : 0 };
}

/** Turns bytes of a CRI log, in whatever pieces, into what the container printed. */
export function lineFormatter(since: string, timestamps: boolean): (chunk: Buffer) => Buffer {
  let pending: Buffer = Buffer.alloc(0);
  let atLineStart = true;
  return (chunk) => {
    const bytes = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    const parts: Buffer[] = [];
    let from = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      const line = bytes.subarray(from, end);
      from = end + 1;
      const timeEnd = line.indexOf(32);
      const streamEnd = line.indexOf(32, timeEnd + 1);
      const tagEnd = line.indexOf(32, streamEnd + 1);
      if (timeEnd < 0 || streamEnd < 0 || tagEnd < 0) continue;
      const time = line.toString("latin1", 0, timeEnd);
      if (time < since) continue;
      if (timestamps && atLineStart) parts.push(Buffer.from(`${time} `));
      parts.push(line.subarray(tagEnd + 1));
      atLineStart = line[streamEnd + 1] === 70;
      if (atLineStart) parts.push(newline);
    }
    pending = Buffer.from(bytes.subarray(from));
    return Buffer.concat(parts);
  };
}

const newline = Buffer.from("\n");
