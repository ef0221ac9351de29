import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { createEchoserver } from "./echoserver.ts";

async function serve(t: TestContext, env: NodeJS.ProcessEnv): Promise<number> {
  const server = createEchoserver({ env }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => void server.close());
  const address = server.address();
  assert.ok(typeof address === "object" && address);
  return address.port;
}

/** A request as it goes over the wire, and all that comes back. */
async function say(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk) => {
    answer += chunk;
  });
  socket.end(text);
  await once(socket, "close");
  return answer.replace(/Date: .*\r\n/, "");
}

test("the answer tells of the pod and the request, each value as if in HTML", async (t) => {
  const port = await serve(t, { HOSTNAME: "echo-1", POD_NAME: "echo-1", POD_NAMESPACE: "echo" });
  const head = [
    "POST /a/b?c=d&e=<f> HTTP/1.0",
    "Host: Echo.local:80",
    "X-Two: 1",
    "x-two: 2",
    "X_Dropped: 3",
  ];
  const text = await say(port, `${head.join("\r\n")}\r\nContent-Length: 4\r\n\r\n"hi"`);
  assert.equal(
    text,
    `HTTP/1.1 200 OK\r
Server: echoserver\r
Content-Type: text/plain\r
Connection: close\r
\r


Hostname: echo-1

Pod Information:
\tnode name:\tN/A
\tpod name:\techo-1
\tpod namespace:\techo
\tpod IP:\tN/A

Server values:
\tserver_version=nginx: 1.14.2 - lua: 10015

Request Information:
\tclient_address=127.0.0.1
\tmethod=POST
\treal path=/a/b?c=d&amp;e=&lt;f&gt;
\tquery=c=d&amp;e=&lt;f&gt;
\trequest_version=1
\trequest_scheme=http
\trequest_uri=http://echo.local:${port}/a/b?c=d&amp;e=&lt;f&gt;

Request Headers:
\tcontent-length=4${"  "}
\thost=Echo.local:80${"  "}
\tx-two=1
\tx-two=2

Request Body:
&quot;hi&quot;

`,
  );
});

test("probes of any path succeed, and what is missing is said", async (t) => {
  const port = await serve(t, { NODE_NAME: "node" });
  const answer = await fetch(`http://127.0.0.1:${port}/healthz`);
  assert.deepEqual([answer.status, answer.headers.get("connection")], [200, "keep-alive"]);
  const text = await answer.text();
  assert.match(text, /^\n\nHostname: N\/A\n/);
  assert.match(text, /\n\t-no pod information available-\n/);
  assert.match(text, /\n\t-no body in request-\n\n$/);
});

test("long bodies are read and not shown, and those beyond the limit refused", async (t) => {
  const port = await serve(t, {});
  const post = (length: number) =>
    fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "a".repeat(length) });
  assert.match(await (await post(16 * 1024)).text(), /Body:\na{16384}\n\n$/);
  assert.match(await (await post(16 * 1024 + 1)).text(), /Body:\n\t-no body in request-\n\n$/);
  assert.equal((await post(10 * 1024 * 1024 + 1)).status, 413);
});
