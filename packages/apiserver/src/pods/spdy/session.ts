import { once } from "node:events";
import { Duplex } from "node:stream";
import { constants, createDeflate, createInflate, type Deflate, type Inflate } from "node:zlib";
import { SPDY_DICTIONARY } from "./dictionary.ts";

/** The server's half of SPDY/3.1 as far as Kubernetes' streams need it: no pushing, no settings, no flow control. */

const SYN_STREAM = 1;
const SYN_REPLY = 2;
const RST_STREAM = 3;
const PING = 6;
const GOAWAY = 7;
const FIN = 0x01;
const REFUSED_STREAM = 3;

const MAX_FRAME_BYTES = 1024 * 1024;
const MAX_HEADER_BYTES = 64 * 1024;
const MAX_STREAMS = 512;

export class SpdyError extends Error {}

/** One stream that the client opened, as a Duplex; ending it says FIN. */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly #send: (id: number, flags: number, bytes: Buffer, done: (error?: Error | null) => void) => void;
  #wanted: (() => void) | undefined;

  constructor(
    id: number,
    headers: ReadonlyMap<string, string>,
    send: (id: number, flags: number, bytes: Buffer, done: (error?: Error | null) => void) => void,
  ) {
    super();
    this.id = id;
    this.headers = headers;
    this.#send = send;
  }

  override _read(): void {
    this.#wanted?.();
    this.#wanted = undefined;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#send(this.id, 0, chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#send(this.id, FIN, Buffer.alloc(0), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#wanted?.();
    done(error);
  }

  /** Takes bytes of the client; resolves once there is room for more. */
  async receive(bytes: Buffer): Promise<void> {
    if (this.destroyed || this.push(bytes)) return;
    await new Promise<void>((resolve) => {
      this.#wanted = resolve;
    });
  }
}

/**
 * Reads the connection until its end and calls `accept` for each stream the client opens. Frames are taken strictly in
 * order, because all header blocks share one compression; a stream that is not read holds the others up.
 */
export async function serveSpdy(transport: Duplex, accept: (stream: SpdyStream) => void): Promise<void> {
  const session = new Session(transport, accept);
  try {
    await session.run();
  } finally {
    session.close();
  }
}

class Session {
  readonly #transport: Duplex;
  readonly #accept: (stream: SpdyStream) => void;
  readonly #streams = new Map<number, SpdyStream>();
  readonly #inflate: Inflate = createInflate({ dictionary: SPDY_DICTIONARY });
  readonly #deflate: Deflate = createDeflate({ dictionary: SPDY_DICTIONARY });

  constructor(transport: Duplex, accept: (stream: SpdyStream) => void) {
    this.#transport = transport;
    this.#accept = accept;
  }

  async run(): Promise<void> {
    let pending: Buffer = Buffer.alloc(0);
    for await (const chunk of this.#transport) {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      while (pending.length >= 8) {
        const length = pending.readUIntBE(5, 3);
        if (length > MAX_FRAME_BYTES) throw new SpdyError(`frame of ${length} bytes`);
        if (pending.length < 8 + length) break;
        const frame = pending.subarray(0, 8 + length);
        pending = pending.subarray(8 + length);
        if (!(await this.#frame(frame))) return;
      }
    }
  }

  close(): void {
    for (const stream of this.#streams.values()) stream.destroy();
    this.#streams.clear();
    this.#inflate.destroy();
    this.#deflate.destroy();
    this.#transport.destroy();
  }

  /** Handles one frame; false once the client goes away. */
  async #frame(frame: Buffer): Promise<boolean> {
    const flags = frame[4] ?? 0;
    const payload = frame.subarray(8);
    if (((frame[0] ?? 0) & 0x80) === 0) {
      await this.#data(frame.readUInt32BE(0), flags, payload);
      return true;
    }
    switch (frame.readUInt16BE(2)) {
      case SYN_STREAM:
        await this.#open(payload, flags);
        return true;
      case RST_STREAM:
        this.#forget(idOf(payload))?.destroy();
        return true;
      case PING:
        this.#transport.write(frame);
        return true;
      case GOAWAY:
        return false;
      default:
        return true; // settings, window updates and late headers change nothing here
    }
  }

  async #data(id: number, flags: number, bytes: Buffer): Promise<void> {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    if (bytes.length > 0) await stream.receive(Buffer.from(bytes));
    if ((flags & FIN) !== 0) stream.push(null);
  }

  async #open(payload: Buffer, flags: number): Promise<void> {
    const id = idOf(payload);
    if (payload.length < 10) throw new SpdyError("SYN_STREAM is too short");
    const headers = readHeaders(await this.#decompress(payload.subarray(10)));
    if (this.#streams.size >= MAX_STREAMS) {
      this.#transport.write(control(RST_STREAM, 0, words(id, REFUSED_STREAM)));
      return;
    }
    const stream = new SpdyStream(id, headers, (of, frameFlags, bytes, done) =>
      this.#send(of, frameFlags, bytes, done),
    );
    stream.on("error", () => {});
    stream.once("close", () => this.#forget(id));
    this.#streams.set(id, stream);
    // The client waits for a reply to each stream; it may be without headers.
    const reply = await this.#compress(words(0));
    this.#transport.write(control(SYN_REPLY, 0, Buffer.concat([words(id), reply])));
    if ((flags & FIN) !== 0) stream.push(null);
    this.#accept(stream);
  }

  #forget(id: number): SpdyStream | undefined {
    const stream = this.#streams.get(id);
    this.#streams.delete(id);
    return stream;
  }

  #send(id: number, flags: number, bytes: Buffer, done: (error?: Error | null) => void): void {
    const frames: Buffer[] = [];
    let at = 0;
    do {
      const part = bytes.subarray(at, at + MAX_FRAME_BYTES);
      at += part.length;
      frames.push(words(id, (at >= bytes.length ? flags * 2 ** 24 : 0) + part.length), part);
    } while (at < bytes.length);
    if (this.#transport.writable) this.#transport.write(Buffer.concat(frames), done);
    else done(new SpdyError("the connection is closed"));
  }

  #decompress(block: Buffer): Promise<Buffer> {
    return passThrough(this.#inflate, block, MAX_HEADER_BYTES);
  }

  #compress(block: Buffer): Promise<Buffer> {
    return passThrough(this.#deflate, block, MAX_HEADER_BYTES);
  }
}

/** Puts one block through a compression that lives on, and gives all that comes out of it. */
async function passThrough(codec: Inflate | Deflate, block: Buffer, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  const collect = (chunk: Buffer) => {
    size += chunk.length;
    if (size > limit) codec.destroy(new SpdyError("headers are too long"));
    else chunks.push(chunk);
  };
  codec.on("data", collect);
  try {
    const failed = once(codec, "close").then(() => {
      throw new SpdyError("headers cannot be read");
    });
    failed.catch(() => {});
    codec.write(block);
    await Promise.race([
      new Promise<void>((resolve) => codec.flush(constants.Z_SYNC_FLUSH, resolve)),
      failed,
    ]);
    return Buffer.concat(chunks);
  } finally {
    codec.off("data", collect);
  }
}

function readHeaders(block: Buffer): Map<string, string> {
  const headers = new Map<string, string>();
  let at = 0;
  const number = (): number => {
    if (at + 4 > block.length) throw new SpdyError("headers are cut off");
    at += 4;
    return block.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (at + length > block.length) throw new SpdyError("headers are cut off");
    at += length;
    return block.toString("utf8", at - length, at);
  };
  for (let left = number(); left > 0; left--) {
    const name = text().toLowerCase();
    headers.set(name, text());
  }
  return headers;
}

const idOf = (payload: Buffer): number => (payload.length < 4 ? 0 : payload.readUInt32BE(0) & 0x7fffffff);

function control(type: number, flags: number, payload: Buffer): Buffer {
  return Buffer.concat([words(0x80030000 + type, flags * 2 ** 24 + payload.length), payload]);
}

function words(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) buffer.writeUInt32BE(value, i * 4);
  return buffer;
}
