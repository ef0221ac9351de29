// Compares the bundled podinfo with the real one, where PEERS names a directory that `bench/peers/build DIR podinfo` filled.
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Client, credentials } from "@grpc/grpc-js";
import { WebSocket } from "ws";
import { decode, encode, type Value } from "../src/wire.ts";
import { type Exchange, exchange, type Request } from "./exchange.ts";
import { requests, secret } from "./requests.ts";

const real = process.env["PEERS"] && join(process.env["PEERS"], "podinfo");
const skip = real && existsSync(real) ? false : "PEERS names no directory with podinfo";
const program = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const uiPath = real ? `${real}-ui` : "";

test("every request is answered as the real one answers it", { skip }, async (t) => {
  const [theirs, ours] = await startBoth(t, []);
  const differences: unknown[] = [];
  for (const request of requests) {
    const [expected, actual] = await Promise.all([theirs, ours].map((port) => exchange(port, request)));
    assert.ok(expected && actual);
    const [want, have] = [comparable(request, expected), comparable(request, actual)];
    try {
      assert.deepEqual(have, want);
    } catch {
      differences.push({ request, want, have });
    }
  }
  assert.deepEqual(differences, []);
  // The metrics of all these requests: which there are, and how many of each.
  const [want, have] = await Promise.all(
    [theirs, ours].map((port) => exchange(port, { target: "/metrics" })),
  );
  assert.deepEqual(have?.headers["content-type"], want?.headers["content-type"]);
  assert.deepEqual(counts(have), counts(want));
  assert.deepEqual(names(have), names(want));
});

for (const flags of [
  ["--unready", "--unhealthy"],
  ["--random-delay", "--random-delay-max=0"],
]) {
  test(`probes with ${flags.join(" ")}`, { skip }, async (t) => {
    const ports = await startBoth(t, flags);
    for (const target of ["/healthz", "/readyz", "/version"]) {
      const [want, have] = await Promise.all(ports.map((port) => exchange(port, { target })));
      assert.deepEqual(have && comparable({ target }, have), want && comparable({ target }, want));
    }
  });
}

test("an answer that takes longer than --http-server-timeout is not sent", { skip }, async (t) => {
  const ports = await startBoth(t, ["--http-server-timeout=500ms"]);
  const answers = await Promise.all(ports.map((port) => exchange(port, { target: "/delay/1" })));
  assert.deepEqual(
    answers.map(({ status, body }) => [status, body.length]),
    [
      ["", 0],
      ["", 0],
    ],
  );
});

test("backends are asked, and their failures told", { skip }, async (t) => {
  const [backend] = await startBoth(t, []);
  const closed = await freePort();
  const urls = ["/echo", "/headers", "/status/404"].map((path) => `http://127.0.0.1:${backend}${path}`);
  const flags = [...urls, `http://127.0.0.1:${closed}`, "bad url"].map((url) => `--backend-url=${url}`);
  const request = { target: "/echo", method: "POST", body: "hi", headers: ["X-Request-Id: 7", "X-Else: 8"] };
  const answers = await Promise.all((await startBoth(t, flags)).map((port) => exchange(port, request)));
  const [want, have] = answers.map(({ status, headers, body }) => {
    const [first, second, ...failures] = JSON.parse(body.toString());
    const id = second === "" ? "" : JSON.parse(second || "{}")["X-Request-Id"];
    return [status, headers["x-color"], first, id, failures];
  });
  assert.deepEqual(have, want);
});

test("a WebSocket's messages come back", { skip }, async (t) => {
  const conversation = async (port: number) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/echo`);
    const said: unknown[] = [];
    socket.on("message", (data, binary) => {
      const { ts, ...rest } = JSON.parse(data.toString());
      said.push([rest, binary, Number.isNaN(Date.parse(ts)), data.toString().endsWith("}\n")]);
      if (said.length === 3) socket.close(1000);
    });
    socket.on("open", () =>
      ["hi", '<&\u2028>"', Buffer.from([1, 2, 255])].forEach((text) => void socket.send(text)),
    );
    const [code] = await once(socket, "close");
    const metrics = await exchange(port, { target: "/metrics" });
    return [said, code, counts(metrics)];
  };
  const [want, have] = await Promise.all((await startBoth(t, [])).map(conversation));
  assert.deepEqual(have, want);
});

test("gRPC's services answer as the real ones", { skip }, async (t) => {
  const conversation = async (peer: boolean) => {
    const [port, grpcPort] = [await freePort(), await freePort()];
    const child = start(
      peer,
      [`--port=${port}`, `--grpc-port=${grpcPort}`, "--grpc-service-name=pods"],
      tmpdir(),
    );
    t.after(() => child.kill("SIGKILL"));
    await serving(port);
    const client = new Client(`127.0.0.1:${grpcPort}`, credentials.createInsecure());
    t.after(() => client.close());
    // A moment far away: the test's own time limit ends the wait.
    await new Promise<unknown>((resolve) => client.waitForReady(Number.POSITIVE_INFINITY, resolve));
    const answers: unknown[] = [];
    for (const [path, fields] of grpcCalls) answers.push(await unary(client, path, fields));
    const watch = client.makeServerStreamRequest("/grpc.health.v1.Health/Watch", encode, decode, {
      1: "nope",
    });
    watch.on("error", () => {});
    const [first] = await once(watch, "data");
    watch.cancel();
    return [...answers, first];
  };
  const [want, have] = await Promise.all([true, false].map(conversation));
  assert.deepEqual(have, want);
});

const grpcCalls: readonly (readonly [string, Readonly<Record<number, Value>>])[] = [
  ...["", "pods", "nope"].map((service) => ["/grpc.health.v1.Health/Check", { 1: service }] as const),
  ["/version.VersionService/Version", {}],
  ["/info.InfoService/Info", {}],
  ["/echo.EchoService/Echo", { 1: "hi" }],
  ...[0, 1].map((seconds) => ["/delay.DelayService/Delay", { 1: seconds }] as const),
  ...["Ok", "NotFound", "Unauthenticated"].map(
    (code) => ["/status.StatusService/Status", { 1: code }] as const,
  ),
  ["/nope.Nope/Nope", {}],
];

/** A call's answer by field, but for the runtime's; or its failure. */
function unary(client: Client, path: string, fields: Readonly<Record<number, Value>>): Promise<unknown> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, encode, decode, fields, (error, answer) => {
      const told = [...(answer ?? [])].filter(
        ([field]) => !path.includes("Info") || ![9, 10].includes(field),
      );
      const details = path.startsWith("/nope") ? undefined : error?.details;
      resolve(error ? [error.code, details] : told.map(([field, value]) => [field, String(value)]));
    });
  });
}

const commandLines: readonly (readonly string[])[] = [
  ...["--version", "-v", "--help", "-h", "--nope", "--port", "--port=x", "-x", "-vx", "---x", "--=x"].map(
    (a) => [a],
  ),
  ...["--random-error=maybe", "--http-client-timeout=5", "--http-client-timeout=5y", "--level="].map((a) => [
    a,
    "-v",
  ]),
  ...[
    "--http-client-timeout=",
    "--random-delay-max=99999999999999999999",
    "--grpc-port=0x",
    "--version=x",
  ].map((a) => [a]),
  ["serve", "--random-error", "no", "--version"],
  ["--nope", "--version"],
  ["--version", "--help"],
];
for (const argv of commandLines) {
  test(`podinfo ${argv.join(" ")}`, { skip }, async () => {
    const [want, have] = [[real ?? ""], [process.execPath, program]].map(([file = "", ...first]) => {
      const env = {
        ...process.env,
        TRACEGATE_TAG: version(),
        NODE_OPTIONS: "--disable-warning=ExperimentalWarning",
      };
      const { status, stdout, stderr } = spawnSync(file, [...first, ...argv], { encoding: "utf8", env });
      // Of the usage, what each flag is and where its column ends; the words are our own.
      const lines = stderr.split("\n").map((line) => /^ {2}.{2,}?--\S+( \w+)? {2,}/.exec(line)?.[0] ?? line);
      const defaults = [...stderr.matchAll(/\(default [^)]*\)$/gm)].map(([text]) => text);
      return [status, stdout, lines, defaults];
    });
    assert.deepEqual(have, want);
  });
}

test("the log is of JSON lines on stderr", { skip }, async () => {
  const [want, have] = await Promise.all(
    [true, false].map(async (peer) => {
      const port = await freePort();
      const child = start(peer, [`--port=${port}`, "--level=debug"], tmpdir());
      let log = "";
      child.stderr?.on("data", (chunk) => {
        log += chunk;
      });
      await serving(port);
      child.kill("SIGTERM");
      const [code] = await once(child, "close");
      const lines = log
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      return [
        code,
        lines.map(({ ts, caller, port: at, addr, ...rest }) => [
          Object.keys({ ts, caller }),
          rest,
          typeof at,
          typeof addr,
        ]),
      ];
    }),
  );
  assert.deepEqual(have, want);
});

/** What of an answer is to be the same. Times, the runtime, the page's and the description's words are not. */
function comparable(request: Request, { status, early, headers, body }: Exchange): unknown {
  const kept: Record<string, unknown> = { ...headers, early };
  const type = headers["content-type"] ?? "";
  if (type.startsWith("text/html") && request.method === undefined && status === "200") {
    for (const name of ["content-length", "transfer-encoding"]) delete kept[name];
    return { status, kept };
  }
  // Go's server ends this answer with the connection, without a length.
  if (request.target.includes("%zz")) delete kept["content-length"];
  if (request.target === "/" || request.target === "/api/info") delete kept["content-length"];
  const text = body.toString("latin1");
  if (text.startsWith("{") || text.startsWith("[")) {
    const value: unknown = safely(() => JSON.parse(body.toString()));
    if (value !== undefined)
      return { status, kept, indented: !/^ {4}/m.test(text), value: withoutTimes(value) };
  }
  return { status, kept, text };
}

const differing = ["runtime", "num_goroutine", "expires_at", "token"];

function withoutTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTimes);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "description" && key !== "summary")
      .map(([key, inner]) => [
        key,
        differing.includes(key) && typeof inner === "string" ? typeof inner : withoutTimes(inner),
      ]),
  );
}

function safely<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The counts of requests, of which the slow ones are in the same buckets. */
function counts(answer: Exchange | undefined): string[] {
  const lines = answer?.body.toString().split("\n") ?? [];
  return lines.filter((line) =>
    /^(http_requests_total|http_request_duration_seconds_count|promhttp)/.test(line),
  );
}

/** The names and types of the families, but for those of Go's runtime. */
function names(answer: Exchange | undefined): string[] {
  const lines = answer?.body.toString().split("\n") ?? [];
  return lines.filter((line) => line.startsWith("# TYPE ") && !line.startsWith("# TYPE go_"));
}

/** The real one and ours with the same flags, each in a folder of its own; serving. */
async function startBoth(t: TestContext, flags: readonly string[]): Promise<[number, number]> {
  const folder = await mkdtemp(join(tmpdir(), "podinfo-peer-"));
  await mkdir(join(folder, "conf", "sub"), { recursive: true });
  await writeFile(join(folder, "conf", "greeting"), "hello");
  await writeFile(join(folder, "conf", ".hidden"), "<seen>");
  await cp(uiPath, join(folder, "ui"), { recursive: true });
  const ports = [await freePort(), await freePort()] as const;
  const children = ports.map((port, i) =>
    start(i === 0, [`--port=${port}`, "--data-path=.", "--config-path=conf", ...flags], folder),
  );
  t.after(async () => {
    for (const child of children) child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });
  for (const port of ports) await serving(port);
  return [...ports];
}

function start(peer: boolean, flags: readonly string[], cwd: string): ChildProcess {
  const env = {
    PATH: process.env["PATH"],
    PODINFO_JWT_SECRET: secret,
    PODINFO_UI_COLOR: "red",
    PODINFO_PORT: "tcp://10.0.0.1:80",
    ...(peer ? {} : { TRACEGATE_TAG: version(), HOSTNAME: hostname() }),
  };
  const [file, ...first] = peer
    ? [real ?? ""]
    : [process.execPath, "--disable-warning=ExperimentalWarning", program];
  return spawn(file ?? "", [...first, ...flags], { cwd, env, stdio: ["ignore", "inherit", "pipe"] });
}

/** The release that the real one is of: ours takes its tag. */
function version(): string {
  return spawnSync(real ?? "", ["--version"], { encoding: "utf8" }).stdout.trim();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}

/** Waits until something listens; the test's own time limit ends the wait. */
async function serving(port: number): Promise<void> {
  for (;;) {
    const answer = await exchange(port, { target: "/nope" }).catch(() => undefined);
    if (answer?.status === "404") return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
