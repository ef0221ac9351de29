import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { WebSocket } from "ws";
import { contentTypeOf } from "./content-type.ts";
import { goFloat } from "./exposition.ts";
import { durationMs, parseFlags } from "./flags.ts";
import { createPodinfo } from "./podinfo.ts";
import { routeLabel } from "./request-metrics.ts";
import { readTarget, type Target } from "./request-path.ts";
import { readSettings } from "./settings.ts";
import { decode, encode, textOf } from "./wire.ts";

interface Served {
  readonly get: (path: string, init?: RequestInit) => Promise<Response>;
  readonly slept: number[];
  readonly exits: number[];
}

const noFile: ReadonlyMap<string, string> = new Map();

function settingsOf(argv: readonly string[], env: NodeJS.ProcessEnv, version = "6.9.3", file = noFile) {
  const flags = parseFlags(argv);
  assert.ok(flags !== "help");
  return readSettings({ flags, env, file }, version);
}

async function serve(t: TestContext, argv: readonly string[], chances: number[] = []): Promise<Served> {
  const env = { PODINFO_UI_COLOR: "red" };
  const slept: number[] = [];
  const exits: number[] = [];
  let nowMs = 0;
  const { server } = createPodinfo({
    settings: settingsOf(argv, env),
    version: "6.9.3",
    hostname: "echo-1",
    env,
    chance: () => chances.shift() ?? 0.99,
    sleep: async (ms) => {
      slept.push(ms);
      nowMs += ms;
    },
    every: () => () => {},
    nowMs: () => nowMs,
    now: () => new Date("2025-01-01T00:00:00Z"),
    log: () => {},
    processMetrics: async () => [],
    exit: (code) => void exits.push(code),
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  // A TCP server's address is an object.
  const { port } = server.address() as AddressInfo;
  return { get: (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init), slept, exits };
}

test("the root tells programs of the release in JSON, and browsers in a page", async (t) => {
  const { get } = await serve(t, ["--ui-message=a < b"]);
  const answer = await get("/", { headers: { "user-agent": "curl/8" } });
  assert.equal(answer.headers.get("content-type"), "application/json; charset=utf-8");
  assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
  const text = await answer.text();
  assert.equal(answer.headers.get("content-length"), String(text.length));
  assert.match(text, /^\{\n {2}"hostname": "echo-1",\n {2}"version": "6\.9\.3",/);
  const { color, message, num_cpu } = JSON.parse(text);
  assert.deepEqual([color, message, typeof num_cpu], ["red", "a < b", "string"]);
  const shown = await get("/", { headers: { "user-agent": "Mozilla/5.0" } });
  assert.match(shown.headers.get("content-type") ?? "", /^text\/html/);
  assert.match(await shown.text(), /<h1>a &#60; b<\/h1>/);
});

test("readiness is switched off and on, health is not touched by it", async (t) => {
  const { get } = await serve(t, []);
  const statuses = async () => [(await get("/healthz")).status, (await get("/readyz")).status];
  assert.deepEqual(await statuses(), [200, 200]);
  assert.equal((await get("/readyz/disable", { method: "POST" })).status, 202);
  assert.deepEqual(await statuses(), [200, 503]);
  assert.equal((await get("/readyz/enable", { method: "POST" })).status, 202);
  assert.deepEqual(await (await get("/readyz")).json(), { status: "OK" });
  assert.equal((await get("/readyz/disable")).status, 405);
});

test("--unhealthy and --unready fail the probes", async (t) => {
  const { get } = await serve(t, ["--unhealthy", "--unready=true"]);
  assert.deepEqual([(await get("/healthz")).status, (await get("/readyz")).status], [503, 503]);
});

test("requests are counted by status, and timed by method, route and status", async (t) => {
  const { get, slept } = await serve(t, []);
  await get("/status/503");
  await get("/delay/2");
  await get("/nowhere");
  assert.deepEqual(slept, [2000]);
  const lines = (await (await get("/metrics")).text()).split("\n");
  for (const line of [
    'http_requests_total{status="503"} 1',
    'http_requests_total{status="200"} 1',
    'http_request_duration_seconds_count{method="GET",path="status",status="503"} 1',
    'http_request_duration_seconds_bucket{method="GET",path="delay",status="200",le="1"} 0',
    'http_request_duration_seconds_bucket{method="GET",path="delay",status="200",le="2.5"} 1',
    'http_request_duration_seconds_bucket{method="GET",path="delay",status="200",le="+Inf"} 1',
    'http_request_duration_seconds_sum{method="GET",path="delay",status="200"} 2',
  ]) {
    assert.ok(lines.includes(line), line);
  }
  assert.ok(!lines.some((line) => line.includes("404")));
});

test("echo gives the body back, or the answers of its backends", async (t) => {
  const plain = await serve(t, []);
  const answer = await plain.get("/api/echo", { method: "POST", body: "hi" });
  assert.deepEqual([answer.status, answer.headers.get("x-color"), await answer.text()], [202, "red", "hi"]);
  const { url } = await plain.get("/echo");
  const front = await serve(t, [
    `--backend-url=${url}`,
    "--backend-url",
    url.replace("/echo", "/status/500"),
  ]);
  const forwarded = await front.get("/echo", { method: "POST", body: "hi" });
  assert.deepEqual(await forwarded.json(), [
    "hi",
    `backend ${url.replace("/echo", "/status/500")} response status code 500`,
  ]);
});

test("headers come back under Go's names, with the version", async (t) => {
  const { get } = await serve(t, []);
  const headers = JSON.parse(await (await get("/headers", { headers: { "x-one-two": "3" } })).text());
  assert.deepEqual(
    [headers["X-One-Two"], headers["X-Api-Version"], headers["Host"]],
    [["3"], ["6.9.3"], undefined],
  );
});

test("--random-error fails a third of the requests", async (t) => {
  const { get } = await serve(t, ["--random-error"], [0.3, 0.5, 0.4]);
  assert.equal((await get("/version")).status, 400);
  assert.deepEqual(await (await get("/version")).json(), { commit: "unknown", version: "6.9.3" });
});

test("--random-delay waits within its bounds", async (t) => {
  const { get, slept } = await serve(
    t,
    ["--random-delay", "--random-delay-unit=ms", "--random-delay-min=100", "--random-delay-max=200"],
    [0.5],
  );
  await get("/version");
  assert.deepEqual(slept, [150]);
});

test("/panic ends the process, what is left out says so", async (t) => {
  const { get, exits } = await serve(t, []);
  // No answer comes: the process is gone.
  await assert.rejects(get("/panic"));
  assert.deepEqual(exits, [255]);
  const answer = await get("/debug/pprof/heap");
  assert.equal(answer.status, 501);
  assert.match(await answer.text(), /\/debug\/pprof is not implemented/);
});

test("flags win over the environment, and the port over a Service's link", () => {
  const env = { PODINFO_UI_COLOR: "red", PODINFO_PORT: "tcp://10.0.0.1:80", PODINFO_RANDOM_ERROR: "true" };
  const { ui, port, randomError } = settingsOf(["--ui-color", "blue"], env, "6.8.0");
  assert.deepEqual(
    [ui.color, ui.message, port, randomError],
    ["blue", "greetings from podinfo v6.8.0", 9898, true],
  );
  assert.equal(settingsOf([], { PODINFO_PORT: "8080" }).port, 8080);
});

test("a file's settings lose to the environment, and win over the defaults", () => {
  const file = new Map([
    ["ui-color", "green"],
    ["random-error", "true"],
    ["jwt-secret", "s"],
  ]);
  const { ui, randomError, jwtSecret } = settingsOf([], { PODINFO_UI_COLOR: "red" }, "6.9.3", file);
  assert.deepEqual([ui.color, randomError, jwtSecret], ["red", true, "s"]);
});

const mistakes: readonly [readonly string[], RegExp][] = [
  [["--nope"], /^unknown flag: --nope$/],
  [["-vx"], /^unknown shorthand flag: 'x' in -x$/],
  [["--port"], /^flag needs an argument: --port$/],
  [["--port=x"], /^invalid argument "x" for "--port" flag: strconv.ParseInt: parsing "x": invalid syntax$/],
  [["--http-client-timeout=5"], /missing unit in duration "5"$/],
  [["--random-error=maybe"], /strconv.ParseBool: parsing "maybe": invalid syntax$/],
  [["--random-delay-min=6"], /should be greater than/],
  [["--random-delay-unit=h"], /accepted values are: s\|ms/],
  [["--cache-server=tcp://redis:6379"], /--cache-server is not implemented/],
];
for (const [argv, message] of mistakes) {
  test(`refused: ${argv.join(" ")}`, () => assert.throws(() => settingsOf(argv, {}), { message }));
}

test("durations are read as Go writes them", () => {
  assert.deepEqual(
    ["1m30s", "1.5h", "100ms", "0", "2us"].map(durationMs),
    [90_000, 5_400_000, 100, 0, 0.002],
  );
});

test("numbers are written as Go's %g writes them", () => {
  const numbers = [0, 1, 0.0001, 0.00009524, 123456, 1234567, 1e6, 2 ** 64, Number.POSITIVE_INFINITY];
  const texts = [
    "0",
    "1",
    "0.0001",
    "9.524e-05",
    "123456",
    "1.234567e+06",
    "1e+06",
    "1.8446744073709552e+19",
    "+Inf",
  ];
  assert.deepEqual(numbers.map(goFloat), texts);
});

test("a token holds for a minute, and only under its secret", async (t) => {
  const { get } = await serve(t, []);
  const { token, expires_at } = JSON.parse(
    await (await get("/token", { method: "POST", body: "jane" })).text(),
  );
  assert.equal(expires_at, "2025-01-01T00:01:00Z");
  const validate = async (text: string) =>
    JSON.parse(await (await get("/token/validate", { headers: { authorization: `Bearer ${text}` } })).text());
  assert.deepEqual(await validate(token), { token_name: "jane", expires_at });
  assert.deepEqual(await validate(`${token.slice(0, -4)}AAAA`), {
    code: 401,
    message: "signature is invalid",
  });
});

test("the store gives back what it was given, by its SHA-1", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "podinfo-store-"));
  t.after(() => rm(folder, { recursive: true }));
  const { get } = await serve(t, [`--data-path=${folder}`]);
  const { hash } = JSON.parse(await (await get("/store", { method: "POST", body: "stored" })).text());
  assert.equal(hash, "ab514b9a49fba12b7f30c6780f4398fe0100a38d");
  assert.equal(await (await get(`/store/${hash}`)).text(), "stored");
  const missing = await get("/store/..%2f..%2fetc%2fpasswd", { redirect: "manual" });
  assert.deepEqual([missing.status, missing.headers.get("location")], [301, "/etc/passwd"]);
});

test("bodies beyond the limit are refused", async (t) => {
  const { get } = await serve(t, []);
  for (const path of ["/echo", "/store", "/token"]) {
    assert.equal((await get(path, { method: "POST", body: "a".repeat(1024 * 1024 + 1) })).status, 413);
  }
});

test("a late answer is not sent", async (t) => {
  const { get } = await serve(t, ["--http-server-timeout=1s"]);
  assert.equal((await get("/delay/1")).status, 200);
  await assert.rejects(get("/delay/2"), { message: "fetch failed" });
});

test("a page's WebSocket of another origin is refused", async (t) => {
  const { url } = await (await serve(t, [])).get("/ws/echo");
  const socket = new WebSocket(url.replace("http", "ws"), { origin: "http://elsewhere" });
  const [error] = await once(socket, "error");
  assert.match(error.message, /403/);
});

test("a body's type is seen in its first bytes", () => {
  const typeOf = (text: string) => contentTypeOf(Buffer.from(text, "latin1")).split(";")[0];
  assert.deepEqual(["hi", " <p>", "<pre>", "%PDF-1", "\0"].map(typeOf), [
    "text/plain",
    "text/html",
    "text/plain",
    "application/pdf",
    "application/octet-stream",
  ]);
});

test("any target has a clean path, a redirect to one, or wrong escapes", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("/", ".", "a", "%2f", "%2e", "%", "\u00e9", "?") }),
      (text) => {
        const target = readTarget(`/${text}`);
        if (target === "malformed") return;
        const path = "path" in target ? target.path : new URL(target.redirect, "http://x").pathname;
        assert.ok(!path.split("/").includes(".."), path);
        if ("redirect" in target)
          assert.ok("path" in onlyObject(readTarget(target.redirect)), target.redirect);
      },
    ),
  );
});

function onlyObject(target: Target): Exclude<Target, string> {
  assert.ok(typeof target === "object");
  return target;
}

test("messages survive being written and read", () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1 }),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      (text, number) => {
        const fields = decode(encode({ 1: text, 20: number }));
        assert.equal(textOf(fields.get(1)), Buffer.from(text).toString());
        assert.equal(fields.get(20) ?? 0n, number);
      },
    ),
  );
  assert.throws(() => decode(Buffer.from([0x0a, 5, 1])), RangeError);
});

test("routes become labels", () => {
  assert.deepEqual(["/", "/api/info", "/readyz/enable", "delay"].map(routeLabel), [
    "root",
    "api_info",
    "readyz_enable",
    "delay",
  ]);
});
