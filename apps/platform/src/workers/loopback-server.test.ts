import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { type RequestOptions, request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { serveLoopback } from "./loopback-server.ts";

const directory = mkdtempSync(join(tmpdir(), "loopback-"));
const unixPath = join(directory, "s");
let server: Awaited<ReturnType<typeof serveLoopback>>;
let reached = 0;

before(async () => {
  const handler = (_: unknown, response: { end(text: string): void }) => {
    reached += 1;
    if (reached < 0) throw new Error("odd");
    response.end("hello");
  };
  server = await serveLoopback(handler, { port: 0, unixPath, service: "thing.space" });
});
after(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

async function ask(headers: Record<string, string>, options: RequestOptions = {}) {
  const before = reached;
  const at = options.socketPath === undefined ? { host: "127.0.0.1", port: server.port } : {};
  return await new Promise<{ status: number; headers: object; reached: boolean }>((resolve, reject) => {
    request({ ...at, ...options, headers }, (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, reached: reached > before });
    })
      .on("error", reject)
      .end();
  });
}

test("people reach it by names of this machine, pods with access to it by the one they have for it", async () => {
  for (const host of ["localhost", `127.0.0.1:${server.port}`, "[::1]:80", "host.tracegate.internal:30102"])
    assert.equal((await ask({ host })).status, 200, host);
  for (const host of [
    "evil.example",
    "localhost.evil.com",
    "thing.space",
    "thing.space.svc",
    "10.96.0.9",
    "thing",
  ]) {
    const { status, reached } = await ask({ host });
    assert.deepEqual({ status, reached }, { status: 403, reached: false }, host);
  }
});

test("the cluster reaches it by its Service's names and addresses, and by none that a name server could give", async () => {
  const inside = { socketPath: unixPath };
  for (const host of [
    "thing",
    "thing:80",
    "thing.space",
    "thing.space.svc",
    "a.b.svc.cluster.local:9090",
    "10.96.0.9:80",
    "localhost",
  ])
    assert.equal((await ask({ host }, inside)).status, 200, host);
  for (const host of [
    "evil.example",
    "thing.space.evil.com",
    "svc.evil.com:80",
    "other.space",
    "1.2.3.4.evil.com",
  ])
    assert.equal((await ask({ host }, inside)).status, 403, host);
  assert.equal(statSync(unixPath).mode & 0o777, 0o600);
});

test("what a page of another site can send is not answered", async () => {
  const local = { host: "localhost" };
  for (const method of ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
    assert.equal((await ask({ ...local, origin: "https://evil.example" }, { method })).status, 403, method);
  assert.equal(
    (await ask({ ...local, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" })).status,
    403,
  );
  assert.equal((await ask({ ...local, origin: "http://localhost:1" }, { method: "POST" })).status, 200);
});

test("every answer says how little a page may do with it", async () => {
  for (const host of ["localhost", "evil.example"]) {
    const { headers } = await ask({ host });
    const wanted = { "x-content-type-options": "nosniff", "x-frame-options": "DENY" };
    assert.deepEqual({ ...headers, ...wanted, "cross-origin-resource-policy": "same-origin" }, headers);
    assert.deepEqual(
      Object.keys(headers).filter((name) => name.startsWith("access-control")),
      [],
    );
  }
});

test("targets that are no path are refused before anything reads them", async () => {
  for (const path of ["//", "//evil.example/", "/\\x", "http://localhost/", "*"])
    assert.deepEqual((await ask({ host: "localhost" }, { path })).reached, false, path);
});

test("a handler that throws answers, and the next request is answered, too", async () => {
  const before = reached;
  reached = -10;
  assert.equal((await ask({ host: "localhost" })).status, 400);
  reached = before;
  assert.equal((await ask({ host: "localhost" })).status, 200);
});

test("closing ends open connections and removes the socket", async () => {
  const path = join(directory, "t");
  const other = await serveLoopback((_, response) => void response, {
    port: 0,
    unixPath: path,
    service: "x.y",
  });
  const socket = connect(other.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await new Promise((resolve) => socket.once("connect", resolve));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.resume();
  await new Promise(setImmediate);
  other.close();
  await closed;
  assert.ok(!existsSync(path));
});
