import { closeSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** Longer lines are written in parts tagged `P`, the last one `F`, as container runtimes do. */
const maxLinePartBytes = 16 * 1024;

/**
 * Writes a container's output in the CRI log format, `TIME STREAM TAG LINE`. At `maxBytes` the file becomes
 * `FILE.1` (the one before it goes) and a new one begins, so a container's log is never over twice that.
 * Writing is synchronous: nothing that a container printed is lost with its process or the agent's.
 */
export interface LogWriter {
  write(stream: "stdout" | "stderr", chunk: Buffer): void;
  /** Writes what was left without a line end. */
  close(): void;
}

export function openLog(file: string, options: { maxBytes: number; now: () => bigint }): LogWriter {
  mkdirSync(dirname(file), { recursive: true });
  let fd = openSync(file, "a", 0o640);
  let size = 0;
  const rest: { stdout: Buffer; stderr: Buffer } = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };

  const append = (text: Buffer) => {
    if (size > 0 && size + text.length > options.maxBytes) {
      closeSync(fd);
      renameSync(file, `${file}.1`);
      fd = openSync(file, "a", 0o640);
      size = 0;
    }
    size += text.length;
    writeSync(fd, text);
  };

  return {
    write(stream, chunk) {
      const { lines, tail } = splitLines(rest[stream], chunk);
      rest[stream] = tail;
      if (lines.length === 0) return;
      const prefix = `${rfc3339Nano(options.now())} ${stream} `;
      append(
        Buffer.concat(
          lines.flatMap(({ text, full }) => [Buffer.from(prefix + (full ? "F " : "P ")), text, newline]),
        ),
      );
    },
    close() {
      for (const stream of ["stdout", "stderr"] as const) {
        if (rest[stream].length > 0) {
          append(
            Buffer.concat([Buffer.from(`${rfc3339Nano(options.now())} ${stream} F `), rest[stream], newline]),
          );
        }
        rest[stream] = Buffer.alloc(0);
      }
      closeSync(fd);
    },
  };
}

const newline = Buffer.from("\n");

function splitLines(
  before: Buffer,
  chunk: Buffer,
): { lines: { text: Buffer; full: boolean }[]; tail: Buffer } {
  const bytes = before.length === 0 ? chunk : Buffer.concat([before, chunk]);
  const lines: { text: Buffer; full: boolean }[] = [];
  let from = 0;
  while (from < bytes.length) {
    const end = bytes.indexOf(10, from);
    const length = (end < 0 ? bytes.length : end) - from;
    if (length > maxLinePartBytes) {
      lines.push({ text: bytes.subarray(from, from + maxLinePartBytes), full: false });
      from += maxLinePartBytes;
    } else if (end < 0) break;
    else {
      lines.push({ text: bytes.subarray(from, end), full: true });
      from = end + 1;
    }
  }
  // Copied, so that a short tail does not keep a whole chunk in memory.
  return { lines, tail: Buffer.from(bytes.subarray(from)) };
}

/** Nanoseconds since the epoch as `2026-01-02T03:04:05.123456789Z`. */
export function rfc3339Nano(ns: bigint): string {
  const seconds = new Date(Number(ns / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${String(ns % 1_000_000_000n).padStart(9, "0")}Z`;
}
