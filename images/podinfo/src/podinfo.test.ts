import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { createPodinfo } from "./podinfo.ts";
import { routeLabel } from "./request-metrics.ts";
import { parseSettings } from "./settings.ts";

interface Served {
  readonly get: (path: string, init?: RequestInit) => Promise<Response>;
  readonly slept: number[];
  readonly exits: number[];
}

async function serve(t: TestContext, argv: readonly string[], chances: number[] = []): Promise<Served> {
  const env = { PODINFO_UI_COLOR: "red" };
  const slept: number[] = [];
  const exits: number[] = [];
  let nowMs = 0;
  const { server } = createPodinfo({
    settings: parseSettings(argv, env, "6.9.3"),
    version: "6.9.3",
    hostname: "echo-1",
    env,
    chance: () => chances.shift() ?? 0.99,
    sleep: async (ms) => {
      slept.push(ms);
      nowMs += ms;
    },
    nowMs: () => nowMs,
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
  await get("/panic");
  assert.deepEqual(exits, [255]);
  const answer = await get("/cache/a", { method: "POST" });
  assert.equal(answer.status, 501);
  assert.match(await answer.text(), /\/cache is not implemented/);
});

test("flags win over the environment, and the port over a Service's link", () => {
  const env = { PODINFO_UI_COLOR: "red", PODINFO_PORT: "tcp://10.0.0.1:80", PODINFO_RANDOM_ERROR: "true" };
  const { ui, port, randomError } = parseSettings(["--ui-color", "blue"], env, "6.8.0");
  assert.deepEqual(
    [ui.color, ui.message, port, randomError],
    ["blue", "greetings from podinfo v6.8.0", 9898, true],
  );
  assert.equal(parseSettings([], { PODINFO_PORT: "8080" }, "6.8.0").port, 8080);
});

const mistakes: readonly [readonly string[], RegExp][] = [
  [["--nope"], /unknown flag: --nope/],
  [["serve"], /unknown argument: serve/],
  [["--port"], /flag needs an argument: --port/],
  [["--port=x"], /--port: expected a whole number/],
  [["--http-client-timeout=5"], /expected a duration/],
  [["--random-error=maybe"], /expected true or false/],
  [["--cache-server=tcp://redis:6379"], /--cache-server is not implemented/],
];
for (const [argv, message] of mistakes) {
  test(`refused: ${argv.join(" ")}`, () => assert.throws(() => parseSettings(argv, {}, "6.8.0"), message));
}

test("routes become labels", () => {
  assert.deepEqual(["/", "/api/info", "/readyz/enable", "delay"].map(routeLabel), [
    "root",
    "api_info",
    "readyz_enable",
    "delay",
  ]);
});
