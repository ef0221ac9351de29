import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { grpcClient, type OtlpClient } from "./grpc-client.ts";
import { listenGrpc, type OtlpGrpcListener } from "./grpc-listener.ts";
import { decodeJson } from "./json.ts";
import { Payload } from "./payload.ts";
import { StatusError } from "./status.ts";

const ONE = Payload.fromModel(
  "traces",
  decodeJson("traces", '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x"}]}]}]}'),
);
const HUGE = Payload.fromModel(
  "traces",
  decodeJson(
    "traces",
    JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ name: "x".repeat(5000) }] }] }] }),
  ),
);
const METRICS = Payload.fromModel("metrics", { resourceMetrics: [] });

const connect = (target: string, gzip = false) =>
  grpcClient({ target, tls: false, headers: {}, gzip, timeoutMs: 5000, now: Date.now });

describe("OTLP/gRPC", () => {
  const taken: Payload<"traces">[] = [];
  let failure: Error | undefined;
  let listener: OtlpGrpcListener;
  let client: OtlpClient;
  const accept = async (payload: Payload<"traces">) => {
    if (failure) throw failure;
    taken.push(payload);
  };

  before(async () => {
    listener = await listenGrpc("127.0.0.1:0", { consumers: { traces: accept }, maxMessageBytes: 1000 });
    client = await connect(`127.0.0.1:${listener.port}`, true);
  });
  after(async () => {
    await client.close();
    await listener.close();
  });

  test("delivers spans, compressed or not", async () => {
    const plain = await connect(`127.0.0.1:${listener.port}`);
    for (const each of [client, plain]) assert.equal(await each.send(ONE), undefined);
    await plain.close();
    assert.deepEqual(
      taken.map((p) => p.model()),
      [ONE.model(), ONE.model()],
    );
  });

  test("hands the pipeline's status on", async () => {
    failure = new StatusError("Unavailable", "data refused due to high memory usage");
    await assert.rejects(client.send(ONE), {
      message: "rpc error: code = Unavailable desc = data refused due to high memory usage",
    });
    failure = undefined;
  });

  test("refuses messages over the limit", async () => {
    await assert.rejects(client.send(HUGE), { code: "ResourceExhausted" });
  });

  test("does not serve a signal that has no consumer", async () => {
    await assert.rejects(client.send(METRICS), { code: "Unimplemented" });
  });

  test("serves a Unix socket", async () => {
    const directory = mkdtempSync(join(tmpdir(), "otlp-"));
    const path = join(directory, "s");
    const socket = await listenGrpc(`unix:${path}`, { consumers: { traces: accept } });
    const over = await connect(`unix:${path}`);
    assert.equal(await over.send(ONE), undefined);
    await over.close();
    await socket.close();
    rmSync(directory, { recursive: true });
  });

  test("says in Go's words that nobody listens", async () => {
    const gone = await listenGrpc("127.0.0.1:0", { consumers: { traces: accept } });
    await gone.close();
    const lonely = await connect(`127.0.0.1:${gone.port}`);
    const dialing = `dial tcp 127.0.0.1:${gone.port}: connect: connection refused`;
    await assert.rejects(lonely.send(ONE), {
      message: `rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: ${dialing}"`,
    });
    await lonely.close();
  });
});
