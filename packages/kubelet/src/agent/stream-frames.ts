/** Frames of an exec stream: one byte of channel, four of length (big-endian), payload. Channels as kubectl numbers them. */
export const channel = { stdin: 0, stdout: 1, stderr: 2, exit: 3, resize: 4, stdinEnd: 5 } as const;

export const maxFrameBytes = 1024 * 1024;

export function encodeFrame(channelNumber: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(5 + payload.length);
  frame[0] = channelNumber;
  frame.writeUInt32BE(payload.length, 1);
  frame.set(payload, 5);
  return frame;
}

/** Collects bytes and calls `onFrame` for each whole frame; throws on one that is too long. */
export function frameDecoder(
  onFrame: (channelNumber: number, payload: Buffer) => void,
): (chunk: Buffer) => void {
  let pending: Buffer = Buffer.alloc(0);
  return (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (pending.length >= 5) {
      const length = pending.readUInt32BE(1);
      if (length > maxFrameBytes) throw new Error(`exec frame of ${length} bytes is over the limit`);
      if (pending.length < 5 + length) return;
      const frame = pending.subarray(5, 5 + length);
      const number = pending[0] ?? 0;
      pending = pending.subarray(5 + length);
      onFrame(number, frame);
    }
  };
}
