import type { Duplex } from "node:stream";

const maxLineBytes = 64 * 1024 * 1024;

/**
 * Reads one JSON line off the head of a stream and leaves the stream paused with whatever followed put back, so that
 * raw bytes may come after it.
 */
export function readFirstLine(stream: Duplex): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let held: Buffer = Buffer.alloc(0);
    const done = () => {
      stream.off("readable", onReadable).off("error", onEnd).off("end", onEnd).off("close", onEnd);
    };
    const onEnd = (error?: Error) => {
      done();
      reject(error ?? new Error("connection closed before its first line"));
    };
    const onReadable = () => {
      for (;;) {
        const chunk: Buffer | null = stream.read();
        if (chunk === null) return;
        held = Buffer.concat([held, chunk]);
        const newline = held.indexOf(10);
        if (newline < 0 && held.length > maxLineBytes) return onEnd(new Error("first line too long"));
        if (newline < 0) continue;
        done();
        const rest = held.subarray(newline + 1);
        if (rest.length > 0) stream.unshift(rest);
        try {
          resolve(JSON.parse(held.toString("utf8", 0, newline)));
        } catch (error) {
          reject(error);
        }
        return;
      }
    };
    stream.on("readable", onReadable).once("error", onEnd).once("end", onEnd).once("close", onEnd);
  });
}

/** Calls `onValue` for each JSON line; a line that is no JSON or too long ends the stream. */
export function readJsonLines(stream: Duplex, onValue: (value: unknown) => void): void {
  let pending: Buffer[] = [];
  let length = 0;
  stream.on("data", (chunk: Buffer) => {
    let from = 0;
    for (let newline = chunk.indexOf(10); newline >= 0; newline = chunk.indexOf(10, from)) {
      pending.push(chunk.subarray(from, newline));
      from = newline + 1;
      const line = Buffer.concat(pending).toString("utf8");
      pending = [];
      length = 0;
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch {
        stream.destroy(new Error("not a JSON line"));
        return;
      }
      onValue(value);
    }
    const rest = chunk.subarray(from);
    length += rest.length;
    if (length > maxLineBytes) stream.destroy(new Error("JSON line too long"));
    else if (rest.length > 0) pending.push(rest);
  });
}

export function writeJsonLine(stream: Duplex, value: unknown): void {
  if (!stream.destroyed) stream.write(`${JSON.stringify(value)}\n`);
}
