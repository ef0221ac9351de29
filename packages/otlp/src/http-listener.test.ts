import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { otlpHttpHandler } from "./http-listener.ts";
import { decodeJson } from "./json.ts";
import type { TracesData } from "./model.ts";
import type { Payload } from "./payload.ts";
import { encodeProto } from "./protobuf.ts";
import { decodeStatusMessage, PermanentError, StatusError } from "./status.ts";

const REQUEST: TracesData = decodeJson(
  "traces",
  '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x"}]}]}]}',
);
const PROTO = encodeProto("traces", REQUEST);
const PROTOBUF = { "content-type": "application/x-protobuf" };
const JSON_TYPE = { "content-type": "application/json; charset=utf-8" };

describe("OTLP/HTTP", () => {
  let taken: Payload<"traces">[] = [];
  let failure: Error | undefined;
  let base = "";
  const server = createServer(
    otlpHttpHandler({
      maxBodyBytes: 2000,
      consumers: {
        traces: async (payload) => {
          if (failure) throw failure;
          taken.push(payload);
        },
      },
    }),
  );

  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  const post = (body: string | Buffer, headers: Record<string, string>, path = "/v1/traces") => {
    taken = [];
    return fetch(base + path, {
      method: "POST",
      body: typeof body === "string" ? body : new Uint8Array(body),
      headers,
    });
  };
  const status = async (response: Response) =>
    decodeStatusMessage(Buffer.from(await response.arrayBuffer())) ?? "no status";

  test("takes nothing from pages of other sites, and lets no page ask first", async () => {
    for (const origin of ["https://evil.example", "null", "http://localhost.evil.com"]) {
      const response = await post(PROTO, { ...PROTOBUF, origin });
      assert.deepEqual([response.status, taken], [403, []], origin);
      const asked = await fetch(`${base}/v1/traces`, { method: "OPTIONS", headers: { origin } });
      assert.equal(asked.status, 403);
      assert.equal(asked.headers.get("access-control-allow-origin"), null);
    }
    // What a page may send without asking: a form, or text.
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
      assert.equal((await post(PROTO, { "content-type": type })).status, 415, type);
    assert.equal((await post(PROTO, { ...PROTOBUF, origin: "http://127.0.0.1:8080" })).status, 200);
  });

  test("takes protobuf and answers nothing", async () => {
    const response = await post(PROTO, PROTOBUF);
    assert.deepEqual(
      [response.status, response.headers.get("content-type"), await response.text()],
      [200, "application/x-protobuf", ""],
    );
    assert.deepEqual(
      taken.map((p) => p.model()),
      [REQUEST],
    );
  });

  test("takes JSON and answers JSON", async () => {
    const response = await post('{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x"}]}]}]}', JSON_TYPE);
    assert.deepEqual([response.status, await response.text()], [200, '{"partialSuccess":{}}']);
    assert.equal(taken[0]?.items, 1);
  });

  test("inflates gzip and zstd", async () => {
    for (const [encoding, body] of [
      ["gzip", gzipSync(PROTO)],
      ["zstd", zstdCompressSync(PROTO)],
    ] as const) {
      const response = await post(body, { ...PROTOBUF, "content-encoding": encoding });
      assert.deepEqual([encoding, response.status, taken.length], [encoding, 200, 1]);
    }
  });

  test("does not bother the pipeline with a request that has no spans", async () => {
    assert.equal((await post("{}", JSON_TYPE)).status, 200);
    assert.equal(taken.length, 0);
  });

  test("refuses other methods, media types and paths in plain text", async () => {
    const get = await fetch(`${base}/v1/traces`);
    assert.deepEqual([get.status, await get.text()], [405, "405 method not allowed, supported: [POST]"]);
    const text = await post("x", { "content-type": "text/plain" });
    const supported = "415 unsupported media type, supported: [application/json, application/x-protobuf]";
    assert.deepEqual([text.status, await text.text()], [415, supported]);
    assert.equal((await post(PROTO, PROTOBUF, "/v1/metrics")).status, 404);
  });

  test("refuses garbage with a status in the request's encoding", async () => {
    const proto = await post(Buffer.from([0xff, 0xff]), PROTOBUF);
    assert.deepEqual([proto.status, await status(proto)], [400, "unexpected EOF"]);
    const json = await post("{", JSON_TYPE);
    assert.deepEqual([json.status, JSON.parse(await json.text()).code], [400, 3]);
  });

  test("refuses bodies over the limit, compressed or inflated", async () => {
    const big = await post(Buffer.alloc(5000), PROTOBUF);
    assert.deepEqual([big.status, await status(big)], [400, "http: request body too large"]);
    const bomb = await post(gzipSync(Buffer.alloc(1_000_000)), { ...PROTOBUF, "content-encoding": "gzip" });
    assert.deepEqual([bomb.status, await status(bomb)], [400, "http: request body too large"]);
  });

  test("refuses an encoding it does not know", async () => {
    const response = await post(PROTO, { ...PROTOBUF, "content-encoding": "br" });
    assert.deepEqual([response.status, await status(response)], [400, "unsupported Content-Encoding: br"]);
  });

  test("tells the client what the pipeline said", async () => {
    const cases: readonly (readonly [Error, number, string | null])[] = [
      [new Error("sending queue is full"), 503, null],
      [new PermanentError("no"), 500, null],
      [new StatusError("ResourceExhausted", "slow down", 1500), 429, "2"],
      [new StatusError("InvalidArgument", "bad"), 400, null],
    ];
    for (const [error, code, retryAfter] of cases) {
      failure = error;
      const response = await post(PROTO, PROTOBUF);
      assert.deepEqual([response.status, response.headers.get("retry-after")], [code, retryAfter]);
    }
    failure = undefined;
  });
});
