import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { test } from "node:test";
import { Labels } from "@tracegate/contracts";
import { overHttp } from "./fetch-metrics.ts";

test("every scrape over a kept TCP connection is answered", async () => {
  let connections = 0;
  const server = createServer((_, response) => {
    response.writeHead(200, { "Content-Type": "text/plain; version=0.0.4" });
    response.end("a 1\n");
  });
  server.on("connection", () => connections++);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo; // a TCP server has no other
  const open = overHttp(async () => {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return socket;
  });
  const job = { name: "j", intervalMs: 1000 };
  const source = open({ job, discovered: {}, labels: Labels.empty, url: "http://pod/metrics", key: "k" });
  for (let i = 0; i < 4; i++) {
    const { body } = await source.fetch(new AbortController().signal);
    assert.equal(body.toString(), "a 1\n");
  }
  assert.equal(connections, 1);
  source.close();
  server.close();
});
