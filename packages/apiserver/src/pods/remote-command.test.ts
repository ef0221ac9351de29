import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough, Readable, Writable } from "node:stream";
import { after, before, test } from "node:test";
import { wallClock } from "@tracegate/contracts";
import { StatusError } from "@tracegate/kube";
import { memoryStore } from "@tracegate/store";
import { WebSocket } from "ws";
import { createApi } from "../core/api.ts";
import { type ApiServer, startApiServer } from "../http/api-server.ts";
import type { PodAccess, PodAttachRequest, PodProcess, TerminalSize } from "./pod-access.ts";
import { serveRemoteCommand, terminalSizeIn } from "./remote-command.ts";

let server: ApiServer;
before(async () => {
  const api = createApi({ store: memoryStore(), clock: wallClock });
  const admin = { token: "admin", user: { name: "admin", groups: ["system:masters"] } };
  server = await startApiServer({ api, port: 0, tokens: [admin] });
});
after(() => server.close());

const empty = (): Readable => Readable.from([]);

function serve(pods: Partial<PodAccess>): void {
  const none = () => Promise.reject(new Error("not asked for"));
  server.usePodAccess({ logs: none, exec: none, attach: none, portForward: none, ...pods });
}

/** What a client gets from each channel until the connection closes. */
async function talk(path: string, messages: readonly Uint8Array[] = []): Promise<Map<number, string>> {
  const peer = new WebSocket(
    `ws://127.0.0.1:${server.port}/api/v1/namespaces/default/pods/p/${path}`,
    ["v5.channel.k8s.io"],
    { headers: { Authorization: "Bearer admin" } },
  );
  const received = new Map<number, string>();
  peer.on("message", (data: Buffer) => {
    const channel = data[0] ?? 0;
    received.set(channel, (received.get(channel) ?? "") + data.subarray(1).toString("utf8"));
  });
  await once(peer, "open");
  for (const message of messages) peer.send(message);
  await once(peer, "close");
  return received;
}

const ended = (stdout: Readable, exitCode = 0): PodProcess => ({
  ...{ stdin: new PassThrough(), stdout, stderr: empty(), exitCode: Promise.resolve(exitCode) },
  resize() {},
  kill() {},
});

test("a client that takes its time has taken everything when it is told how the command ended", async () => {
  const pods = { exec: async () => ended(Readable.from(["one", "two", "three"])) } as Partial<PodAccess>;
  const taken: string[] = [];
  const whenTold = new Promise<string[]>((resolve) => {
    const stdout = new Writable({
      write(chunk: Buffer, _encoding, done) {
        setImmediate(() => {
          taken.push(chunk.toString());
          done();
        });
      },
    });
    const wire = { stdout, onResize() {}, gone: new Promise(() => {}), finish: () => resolve([...taken]) };
    const query = new URLSearchParams("command=x&stdout=true");
    const path = { group: "", version: "v1", plural: "pods", namespace: "d", name: "p", subresource: "exec" };
    // Of a node, all that this asks for.
    void serveRemoteCommand(pods as PodAccess, path, query, async () => wire);
  });
  assert.deepEqual(await whenTold, ["one", "two", "three"]);
});

test("all that a command printed comes before how it ended", async () => {
  const lines = Array.from({ length: 300 }, (_, i) => Buffer.alloc(20_000, `${i} `));
  serve({ exec: async () => ended(Readable.from(lines), 3) });
  const received = await talk("exec?command=x&stdout=true&stderr=true");
  assert.equal(received.get(1)?.length, 300 * 20_000);
  assert.match(received.get(3) ?? "", /"reason":"ExitCode","message":"3"/);
});

test("a stream that was not asked for is read to its end and not sent", async () => {
  serve({ exec: async () => ended(Readable.from([Buffer.alloc(1_000_000)])) });
  const received = await talk("exec?command=x&stderr=true");
  assert.deepEqual([...received], [[3, '{"metadata":{},"status":"Success"}']]);
});

test("attach hands on input, its end, and the sizes of a terminal", async () => {
  const sizes: TerminalSize[] = [];
  let asked: PodAttachRequest | undefined;
  serve({
    async attach(request) {
      asked = request;
      const stdin = new PassThrough();
      const exitCode = once(stdin, "end").then(() => 0);
      return {
        stdin,
        stdout: stdin,
        stderr: empty(),
        exitCode,
        resize: (size) => sizes.push(size),
        kill() {},
      };
    },
  });
  const received = await talk("attach?container=c&stdin=true&stdout=true&tty=true", [
    Buffer.from('\u0004{"Width":80,"Height":24}\n'),
    Buffer.from("\u0004no size"),
    Buffer.from("\u0000typed"),
    Buffer.from([255, 0]),
  ]);
  assert.deepEqual(asked, { namespace: "default", name: "p", container: "c", stdin: true });
  assert.deepEqual(sizes, [{ width: 80, height: 24 }]);
  assert.equal(received.get(1), "typed");
});

test("what the node cannot do is told on the stream; what the request gets wrong is refused before", async () => {
  const message = "Internal error occurred: no such program";
  serve({ exec: () => Promise.reject(new StatusError({ code: 500, reason: "InternalError", message })) });
  const received = await talk("exec?command=x&stdout=true");
  assert.equal(JSON.parse(received.get(3) ?? "{}").message, message);
  for (const [path, words] of [
    ["exec?command=x", "you must specify at least 1 of stdin, stdout, stderr"],
    ["exec?stdout=true", "you must specify a command to execute"],
  ] as const) {
    await assert.rejects(talk(path), /Unexpected server response: 400/, words);
  }
});

test("a client that leaves ends its command", async () => {
  const killed = Promise.withResolvers<void>();
  serve({
    exec: async () => ({
      ...ended(new PassThrough()),
      exitCode: new Promise<number>(() => {}),
      kill: () => killed.resolve(),
    }),
  });
  const peer = new WebSocket(
    `ws://127.0.0.1:${server.port}/api/v1/namespaces/default/pods/p/exec?command=x&stdout=true`,
    { headers: { Authorization: "Bearer admin" } },
  );
  await once(peer, "open");
  peer.terminate();
  await killed.promise;
});

test("only a whole, sensible size is one", () => {
  assert.deepEqual(terminalSizeIn('{"Width":1,"Height":65535}'), { width: 1, height: 65535 });
  for (const text of [
    "",
    "[]",
    "null",
    "{}",
    '{"Width":0,"Height":1}',
    '{"Width":1.5,"Height":1}',
    '{"Width":"1; reboot","Height":1}',
  ]) {
    assert.equal(terminalSizeIn(text), undefined, text);
  }
});
