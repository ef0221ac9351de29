import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import http, { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Clock } from "@tracegate/contracts";
import { decodeJson, grpcClient, Payload } from "@tracegate/otlp";
import { createTraces } from "./index.ts";

const clock: Clock = { now: () => 1_765_800_060_000, after: () => new Promise(() => undefined) };
const directory = mkdtempSync(join(tmpdir(), "traces-"));

const request = (traceId: string) =>
  JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: [{ key: "service.name", value: { stringValue: "shop" } }] },
        scopeSpans: [
          {
            spans: [
              {
                traceId,
                spanId: "a1a1a1a1a1a1a1a1",
                name: "op",
                startTimeUnixNano: "1765800000000000000",
                endTimeUnixNano: "1765800001000000000",
                attributes: [{ key: "big", value: { intValue: "9007199254740993" } }],
              },
            ],
          },
        ],
      },
    ],
  });

describe("the trace service", () => {
  const traces = createTraces({ clock, path: ":memory:" });
  const server = createServer(traces.handler);
  const get = (path: string) => fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);

  before(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
  after(async () => {
    server.close();
    await traces.close();
    rmSync(directory, { recursive: true });
  });

  test("takes spans over gRPC on a port and over HTTP on a Unix socket", async () => {
    const grpc = await traces.listenGrpc({ port: 0 });
    const client = await grpcClient({
      target: `127.0.0.1:${grpc.port}`,
      tls: false,
      headers: {},
      gzip: true,
      timeoutMs: 5000,
      now: Date.now,
    });
    await client.send(Payload.fromModel("traces", decodeJson("traces", request("1".repeat(32)))));
    await client.close();
    const socketPath = join(directory, "http.sock");
    await traces.listenHttp({ path: socketPath });
    assert.equal(await postOver(socketPath, request("2".repeat(32))), 200);
    assert.equal((await get(`/api/traces/${"1".repeat(32)}`)).status, 200);
    assert.equal((await get(`/api/traces/${"2".repeat(32)}`)).status, 200);
  });

  test("shows 64-bit ids short, and integers past 2^53 as text", async () => {
    await traces.ingest(
      Payload.fromModel("traces", decodeJson("traces", request(`${"0".repeat(16)}${"3".repeat(16)}`))),
    );
    const { data } = (await (await get(`/api/traces/${"3".repeat(16)}`)).json()) as {
      data: { traceID: string; spans: { tags: { key: string; value: unknown }[] }[] }[];
    };
    assert.equal(data[0]?.traceID, "3".repeat(16));
    assert.equal(data[0]?.spans[0]?.tags.find((t) => t.key === "big")?.value, "9007199254740993");
  });

  test("summarises traces", async () => {
    const time = "query.startTimeMin=2025-12-15T11:59:00Z&query.startTimeMax=2025-12-15T12:01:00Z";
    const answer = await get(`/api/v3/trace-summaries?query.serviceName=shop&${time}`);
    const { summaries } = (await answer.json()) as {
      summaries: { rootOperationName: string; spanCount: number }[];
    };
    assert.equal(summaries.length, 3);
    assert.deepEqual([summaries[0]?.rootOperationName, summaries[0]?.spanCount], ["op", 1]);
  });

  test("says what is wrong with a question", async () => {
    const cases: readonly (readonly [string, number, string])[] = [
      ["/api/traces?service=x&limit=many", 400, 'strconv.ParseInt: parsing "many": invalid syntax'],
      [
        "/api/traces?service=x&minDuration=5",
        400,
        "unable to parse param 'minDuration': time: missing unit in duration \"5\"",
      ],
      [
        "/api/traces?service=x&tag=novalue",
        400,
        "malformed 'tag' parameter, expecting key:value, received: novalue",
      ],
      [
        "/api/traces?service=x&tags=%5B%5D",
        400,
        "malformed 'tags' parameter, cannot unmarshal JSON: json: cannot unmarshal array into Go value of type map[string]string",
      ],
      [
        "/api/v3/traces?query.serviceName=x",
        400,
        "query.start_time_min and query.start_time_max are required",
      ],
    ];
    for (const [path, status, message] of cases) {
      const answer = await get(path);
      const body = (await answer.json()) as { errors?: { msg: string }[]; error?: { message: string } };
      assert.deepEqual(
        [path, answer.status, body.errors?.[0]?.msg ?? body.error?.message],
        [path, status, message],
      );
    }
  });

  test("serves its page and the page's parts, and nothing else", async () => {
    for (const path of ["/", "/search", "/trace/abc", "/traces.js", "/traces.css"])
      assert.equal((await get(path)).status, 200);
    for (const path of ["/page.ts", "/..%2fpage.ts", "/api", "/api/x", "/api/services/a/b"]) {
      assert.equal((await get(path)).status, 404, path);
    }
    const post = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/services`, {
      method: "POST",
    });
    assert.equal(post.status, 405);
    const { port } = server.address() as AddressInfo;
    const [odd] = (await once(http.get({ port, host: "127.0.0.1", path: "//" }), "response")) as [
      http.IncomingMessage,
    ];
    assert.equal(odd.resume().statusCode, 400);
  });
});

function postOver(socketPath: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = http.request(
      { socketPath, path: "/v1/traces", method: "POST", headers: { "content-type": "application/json" } },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}
