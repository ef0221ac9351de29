import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createEchoserver } from "./echoserver.ts";

async function serve(env: NodeJS.ProcessEnv): Promise<{ url: string; port: number; close: () => void }> {
  const server = createEchoserver({ hostname: "echo-1", env }).listen(0, "127.0.0.1");
  await once(server, "listening");
  // A TCP server's address is an object.
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, close: () => void server.close() };
}

test("the answer tells of the pod and the request", async (t) => {
  const { url, port, close } = await serve({ POD_NAME: "echo-1", POD_NAMESPACE: "echo" });
  t.after(close);
  const answer = await fetch(`${url}/a/b?c=d`, { method: "POST", body: "hello", headers: { "x-test": "1" } });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "text/plain");
  assert.equal(answer.headers.get("server"), "echoserver");
  const lines = (await answer.text()).split("\n");
  for (const line of [
    "Hostname: echo-1",
    "\tpod name:\techo-1",
    "\tpod namespace:\techo",
    "\tclient_address=127.0.0.1",
    "\tmethod=POST",
    "\tquery=c=d",
    `\trequest_uri=http://127.0.0.1:${port}/a/b?c=d`,
    "\tx-test=1",
    "hello",
  ]) {
    assert.ok(lines.includes(line), line);
  }
});

test("probes of any path succeed, and what is missing is said", async (t) => {
  const { url, close } = await serve({});
  t.after(close);
  const answer = await fetch(`${url}/healthz`);
  assert.equal(answer.status, 200);
  const text = await answer.text();
  assert.match(text, /\n\t-no pod information available-\n/);
  assert.match(text, /\n\t-no body in request-\n/);
});
