import assert from "node:assert/strict";
import { once } from "node:events";
import { type Duplex, duplexPair } from "node:stream";
import { test } from "node:test";
import { constants, createDeflate, createInflate } from "node:zlib";
import fc from "fast-check";
import { SPDY_DICTIONARY } from "./dictionary.ts";
import { type SpdyStream, serveSpdy } from "./session.ts";

const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};
const control = (type: number, flags: number, payload: Buffer): Buffer =>
  Buffer.concat([word(0x80030000 + type), word(flags * 2 ** 24 + payload.length), payload]);
const data = (id: number, text: string, fin = false): Buffer =>
  Buffer.concat([word(id), word((fin ? 2 ** 24 : 0) + Buffer.byteLength(text)), Buffer.from(text)]);
const ping = (id: number): Buffer => control(6, 0, word(id));
const reset = (id: number): Buffer => control(3, 0, Buffer.concat([word(id), word(5)]));

/** Header blocks as a client writes them: one compression for all of them. */
function headerWriter() {
  const deflate = createDeflate({ dictionary: SPDY_DICTIONARY });
  return async (headers: Record<string, string>): Promise<Buffer> => {
    const texts = Object.entries(headers).flat();
    const plain = [
      word(texts.length / 2),
      ...texts.flatMap((text) => [word(text.length), Buffer.from(text)]),
    ];
    const chunks: Buffer[] = [];
    const collect = (chunk: Buffer) => chunks.push(chunk);
    deflate.on("data", collect);
    deflate.write(Buffer.concat(plain));
    await new Promise<void>((resolve) => deflate.flush(constants.Z_SYNC_FLUSH, resolve));
    deflate.off("data", collect);
    return Buffer.concat(chunks);
  };
}

const open = async (id: number, headers: Record<string, string>, write: ReturnType<typeof headerWriter>) =>
  control(1, 0, Buffer.concat([word(id), word(0), Buffer.alloc(2), await write(headers)]));

interface Frame {
  readonly type: number | "data";
  readonly id: number;
  readonly flags: number;
  readonly payload: Buffer;
}

/** All that the server sends, as frames. */
function framesOf(client: Duplex): { frames: Frame[]; next(): Promise<Frame> } {
  const frames: Frame[] = [];
  let taken = 0;
  let pending = Buffer.alloc(0);
  client.on("data", (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 8 && pending.length >= 8 + pending.readUIntBE(5, 3)) {
      const length = pending.readUIntBE(5, 3);
      const payload = pending.subarray(8, 8 + length);
      const isControl = ((pending[0] ?? 0) & 0x80) !== 0;
      frames.push({
        type: isControl ? pending.readUInt16BE(2) : "data",
        id: isControl ? payload.readUInt32BE(0) : pending.readUInt32BE(0),
        flags: pending[4] ?? 0,
        payload,
      });
      pending = pending.subarray(8 + length);
      client.emit("frame");
    }
  });
  return {
    frames,
    async next() {
      while (frames.length <= taken) await once(client, "frame");
      const frame = frames[taken];
      taken += 1;
      assert.ok(frame !== undefined);
      return frame;
    },
  };
}

function serve(accept: (stream: SpdyStream) => void) {
  const [client, server] = duplexPair();
  const ended = serveSpdy(server, accept);
  return { client, ended, ...framesOf(client) };
}

test("a stream is replied to, its bytes come and go, and both ends close it", async () => {
  const seen: string[] = [];
  const { client, next, ended } = serve((stream) => {
    seen.push(stream.headers.get("streamtype") ?? "");
    stream.pipe(stream);
  });
  const write = headerWriter();
  client.write(await open(1, { streamtype: "data", port: "80" }, write));
  const reply = await next();
  assert.deepEqual([reply.type, reply.id], [2, 1]);
  const inflate = createInflate({ dictionary: SPDY_DICTIONARY });
  inflate.write(reply.payload.subarray(4));
  const [headers] = (await once(inflate, "data")) as [Buffer];
  assert.deepEqual(headers, word(0), "the reply has no headers, in a block of its own");
  client.write(data(1, "hello"));
  const echoed = await next();
  assert.deepEqual([echoed.type, echoed.id, echoed.payload.toString()], ["data", 1, "hello"]);
  client.write(data(1, "", true));
  assert.deepEqual((await next()).flags, 1);
  // Later blocks refer back to the first: they share one compression.
  client.write(await open(3, { streamtype: "error", port: "80" }, write));
  assert.equal((await next()).id, 3);
  assert.deepEqual(seen, ["data", "error"]);
  client.write(ping(7));
  assert.deepEqual((await next()).payload, word(7));
  client.write(control(7, 0, Buffer.concat([word(0), word(0)])));
  await ended;
});

test("a stream that the client resets, or leaves with, is over", async () => {
  const streams: SpdyStream[] = [];
  const { client, next, ended } = serve((stream) => streams.push(stream));
  const write = headerWriter();
  client.write(await open(1, { streamtype: "stdin" }, write));
  await next();
  client.write(await open(3, { streamtype: "stdout" }, write));
  await next();
  client.write(reset(1));
  const [first, second] = streams;
  if (first?.closed === false) await once(first, "close");
  assert.equal(second?.destroyed, false);
  client.destroy();
  await ended.catch(() => {});
  assert.equal(second?.destroyed, true);
});

test("frames are understood however the connection cuts them", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ minLength: 1, maxLength: 300 }), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 }),
      async (texts, cuts) => {
        let received = "";
        const { client, next, ended } = serve((stream) => {
          stream.setEncoding("utf8").on("data", (text: string) => {
            received += text;
          });
          stream.once("end", () => stream.end());
        });
        const bytes = Buffer.concat([
          await open(1, { streamtype: "data" }, headerWriter()),
          ...texts.map((text) => data(1, text)),
          data(1, "", true),
        ]);
        for (let at = 0, i = 0; at < bytes.length; i += 1) {
          const size = cuts[i % cuts.length] ?? 1;
          client.write(bytes.subarray(at, at + size));
          at += size;
        }
        assert.equal((await next()).type, 2);
        assert.equal((await next()).flags, 1);
        assert.equal(received, texts.join(""));
        client.destroy();
        await ended.catch(() => {});
      },
    ),
    { numRuns: 30 },
  );
});

test("what is no SPDY ends the connection", async () => {
  const oversized = serve(() => {});
  oversized.client.write(Buffer.concat([word(1), word(0xffffff)]));
  await assert.rejects(oversized.ended, /frame of 16777215 bytes/);
  const garbled = serve(() => {});
  garbled.client.write(
    control(1, 0, Buffer.concat([word(1), word(0), Buffer.alloc(2), Buffer.from("no zlib")])),
  );
  await assert.rejects(garbled.ended);
});
