import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, get as httpGet, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Labels } from "@tracegate/contracts";
import { HttpTarget, ManualClock } from "@tracegate/scrape/testing";
import type { PodForState } from "./kube-state-metrics.ts";
import { createMetrics, type Metrics } from "./metrics.ts";

const START = 1_700_000_000_000;
const clock = new ManualClock(START);
const target = new HttpTarget();
const dir = mkdtempSync(join(tmpdir(), "metrics-"));
let metrics: Metrics;
let base: string;
const server = createServer((request, response) => metrics.handler(request, response));

const pod: PodForState = {
  metadata: {
    name: "hotrod-1",
    namespace: "hotrod",
    labels: { "rollouts-pod-template-hash": "6f" },
    annotations: { "prometheus.io/scrape": "true", "prometheus.io/port": "8080" },
  },
  spec: { nodeName: "n", containers: [{ name: "c" }] },
  status: {
    podIP: "10.244.0.9",
    phase: "Running",
    conditions: [{ type: "Ready", status: "True" }],
    containerStatuses: [{ name: "c", ready: true, restartCount: 2, state: { running: {} } }],
  },
};

before(async () => {
  metrics = createMetrics({ clock, dir, dial: target.dial, scrapeIntervalMs: 15_000 });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  metrics.setPods([pod]);
  let served = 0;
  const settle = async () => {
    target.answer = {
      body: `# TYPE hotrod_requests_total counter\n# HELP hotrod_requests_total Requests.\nhotrod_requests_total{error="true"} ${served * 3}\nhotrod_requests_total{error="false"} ${served * 27}\n`,
    };
    for (let i = 0; i < 60; i++) await setImmediate();
    served = target.requests;
  };
  await settle();
  await clock.advanceTo(START + 180_000, settle);
});

after(() => {
  metrics.close();
  server.close();
  server.closeAllConnections();
  rmSync(dir, { recursive: true, force: true });
});

interface Reply {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers are read as a client in a dynamic language would
  json: any;
}

async function get(path: string, params: Record<string, string> = {}, method = "GET"): Promise<Reply> {
  const form = new URLSearchParams(params);
  const response =
    method === "GET"
      ? await fetch(`${base}${path}?${form}`)
      : await fetch(`${base}${path}`, { method, body: form });
  const text = await response.text();
  return { status: response.status, json: text.startsWith("{") ? JSON.parse(text) : text };
}

const NOW = String((START + 180_000) / 1000);

test("what a pod exposes is answered by /api/v1/query, by GET and POST alike", async () => {
  const query =
    'sum(rate(hotrod_requests_total{namespace="hotrod", rollouts_pod_template_hash="6f", error="true"}[2m])) / sum(rate(hotrod_requests_total{namespace="hotrod", rollouts_pod_template_hash="6f"}[2m]))';
  const expected = {
    status: "success",
    data: { resultType: "vector", result: [{ metric: {}, value: [Number(NOW), "0.1"] }] },
  };
  for (const method of ["GET", "POST"]) {
    const { status, json } = await get("/api/v1/query", { query, time: NOW }, method);
    assert.equal(status, 200);
    assert.deepEqual(json, expected);
  }
});

test("values travel as text, times as numbers with three decimals at most", async () => {
  const ask = async (query: string, time = NOW) => (await get("/api/v1/query", { query, time })).json.data;
  assert.deepEqual(await ask("1 / 0"), { resultType: "scalar", result: [Number(NOW), "+Inf"] });
  assert.deepEqual(await ask("0 / 0", "1.5"), { resultType: "scalar", result: [1.5, "NaN"] });
  assert.deepEqual(await ask("1e-7", "2023-11-14T22:13:20.123Z"), {
    resultType: "scalar",
    result: [1_700_000_000.123, "1e-07"],
  });
  assert.deepEqual(await ask('"text"', "0"), { resultType: "string", result: [0, "text"] });
  assert.deepEqual(await ask("sum(nothing)"), { resultType: "vector", result: [] });
  const matrix = await ask('up{job="kubernetes-pods"}[30s]');
  assert.equal(matrix.resultType, "matrix");
  assert.equal(matrix.result[0].values.length, 2);
  assert.equal(matrix.result[0].metric.job, "kubernetes-pods");
});

test("a range query answers a matrix on its grid", async () => {
  const params = {
    query: 'up{job="kubernetes-pods"}',
    start: String(START / 1000 + 60),
    end: NOW,
    step: "1m",
  };
  const { json } = await get("/api/v1/query_range", params);
  assert.equal(json.data.resultType, "matrix");
  assert.deepEqual(
    json.data.result[0].values.map(([time, value]: [number, string]) => [time - START / 1000, value]),
    [
      [60, "1"],
      [120, "1"],
      [180, "1"],
    ],
  );
});

const refusals: {
  name: string;
  path: string;
  params: Record<string, string>;
  status: number;
  type: string;
  error: string;
}[] = [
  {
    name: "a query that cannot be read",
    path: "/api/v1/query",
    params: { query: "sum(" },
    status: 400,
    type: "bad_data",
    error: 'invalid parameter "query": 1:5: parse error: unclosed left parenthesis',
  },
  {
    name: "no query at all",
    path: "/api/v1/query",
    params: {},
    status: 400,
    type: "bad_data",
    error: 'invalid parameter "query": unknown position: parse error: no expression found in input',
  },
  {
    name: "a time that is none",
    path: "/api/v1/query",
    params: { query: "up", time: "yesterday" },
    status: 400,
    type: "bad_data",
    error: `invalid parameter "time": invalid time value for 'time': cannot parse "yesterday" to a valid timestamp`,
  },
  {
    name: "a query that fails",
    path: "/api/v1/query",
    params: { query: 'label_replace(vector(1), "a", "b", "c", "(")' },
    status: 422,
    type: "execution",
    error: "invalid regular expression in label_replace(): (",
  },
  {
    name: "an end before the start",
    path: "/api/v1/query_range",
    params: { query: "up", start: "10", end: "5", step: "1" },
    status: 400,
    type: "bad_data",
    error: 'invalid parameter "end": end timestamp must not be before start time',
  },
  {
    name: "a step of nothing",
    path: "/api/v1/query_range",
    params: { query: "up", start: "0", end: "5", step: "0" },
    status: 400,
    type: "bad_data",
    error:
      'invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer',
  },
  {
    name: "too many points",
    path: "/api/v1/query_range",
    params: { query: "up", start: "0", end: "11001", step: "1" },
    status: 400,
    type: "bad_data",
    error:
      "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
  },
  {
    name: "a range vector over a range",
    path: "/api/v1/query_range",
    params: { query: "up[1m]", start: "0", end: "5", step: "1" },
    status: 400,
    type: "bad_data",
    error:
      'invalid parameter "query": invalid expression type "range vector" for range query, must be Scalar or instant Vector',
  },
  {
    name: "series without a selector",
    path: "/api/v1/series",
    params: {},
    status: 400,
    type: "bad_data",
    error: "no match[] parameter provided",
  },
  {
    name: "a selector of everything",
    path: "/api/v1/series",
    params: { "match[]": '{job=~".*"}' },
    status: 400,
    type: "bad_data",
    error: "match[] must contain at least one non-empty matcher",
  },
  {
    name: "a negative limit",
    path: "/api/v1/labels",
    params: { limit: "-1" },
    status: 400,
    type: "bad_data",
    error: 'invalid parameter "limit": limit must be non-negative',
  },
];

for (const { name, path, params, status, type, error } of refusals) {
  test(`refused: ${name}`, async () => {
    assert.deepEqual(await get(path, params), { status, json: { status: "error", errorType: type, error } });
  });
}

test("series, labels and values are listed", async () => {
  const { json: series } = await get("/api/v1/series", { "match[]": "hotrod_requests_total" });
  assert.deepEqual(
    series.data.map((labels: { error: string }) => labels.error),
    ["false", "true"],
  );
  const { json: labels } = await get("/api/v1/labels", { "match[]": "hotrod_requests_total" });
  assert.deepEqual(labels.data, [
    "__name__",
    "error",
    "instance",
    "job",
    "namespace",
    "node",
    "pod",
    "rollouts_pod_template_hash",
  ]);
  assert.deepEqual((await get("/api/v1/label/error/values")).json.data, ["false", "true"]);
  const limited = (await get("/api/v1/label/__name__/values", { limit: "1" })).json;
  assert.deepEqual([limited.data.length, limited.warnings], [1, ["results truncated due to limit"]]);
  const extremes = { start: "-292273086-05-16T16:47:06Z", end: "292277025-08-18T07:12:54.999999999Z" };
  assert.deepEqual((await get("/api/v1/label/pod/values", extremes)).json.data, ["hotrod-1"]);
});

test("targets and metadata tell what is scraped", async () => {
  const [active] = (await get("/api/v1/targets")).json.data.activeTargets;
  assert.equal(active.scrapeUrl, "http://10.244.0.9:8080/metrics");
  assert.deepEqual([active.health, active.lastError, active.scrapeInterval], ["up", "", "15s"]);
  assert.deepEqual((await get("/api/v1/metadata", { metric: "hotrod_requests_total" })).json.data, {
    hotrod_requests_total: [{ type: "counter", help: "Requests.", unit: "" }],
  });
});

test("the state of pods is there to be asked, as the gates of a release do", async () => {
  const ask = async (query: string) => (await get("/api/v1/query", { query, time: NOW })).json.data.result;
  const own = '{namespace="hotrod", pod=~"hotrod-.*"}';
  assert.equal((await ask(`sum(kube_pod_container_status_ready${own}) or vector(0)`))[0].value[1], "1");
  assert.equal(
    (await ask(`sum(increase(kube_pod_container_status_restarts_total${own}[1m])) or vector(0)`))[0].value[1],
    "0",
  );
  assert.deepEqual((await ask("kube_pod_container_status_restarts_total"))[0].metric, {
    __name__: "kube_pod_container_status_restarts_total",
    container: "c",
    instance: "prometheus-kube-state-metrics.prometheus.svc.cluster.local:8080",
    job: "kubernetes-service-endpoints",
    namespace: "hotrod",
    pod: "hotrod-1",
    service: "prometheus-kube-state-metrics",
  });
  const phases = await ask("kube_pod_status_phase == 1");
  assert.deepEqual(
    phases.map(({ metric }: { metric: { phase: string } }) => metric.phase),
    ["Running"],
  );
  assert.deepEqual(await ask("kube_pod_container_status_waiting_reason"), []);
});

test("annotations come beside the data", async () => {
  const { json } = await get("/api/v1/query", { query: "rate(up[1m])", time: NOW });
  assert.match(json.infos[0], /^PromQL info: metric might not be a counter.*\(1:6\)$/);
});

test("health, federation, own metrics and the page for people are served", async () => {
  assert.equal((await get("/-/healthy")).json, "Prometheus Server is Healthy.\n");
  assert.equal((await get("/-/ready")).json, "Prometheus Server is Ready.\n");
  assert.match(
    (await get("/federate", { "match[]": 'up{job="kubernetes-pods"}' })).json,
    /^# TYPE up untyped\nup\{.*job="kubernetes-pods".*\} 1 \d+\n$/,
  );
  assert.match((await get("/metrics")).json, /^prometheus_tsdb_head_series \d+$/m);
  assert.match((await get("/")).json, /<title>Metrics<\/title>/);
  assert.equal((await get("/api/v1/nothing")).status, 404);
  assert.equal((await fetch(`${base}/api/v1/targets`, { method: "POST" })).status, 405);
});

test("a target that is no URL is a bad request", async () => {
  const [answer] = (await once(httpGet(base, { path: "//" }), "response")) as [IncomingMessage];
  assert.equal(answer.resume().statusCode, 400);
});

test("a query that runs past its time ends as a timeout", async () => {
  let slowly = START;
  const slow = createMetrics({
    clock: { now: () => slowly++, after: clock.after.bind(clock) },
    dial: target.dial,
  });
  slow.tsdb.append(slow.tsdb.resolve(Labels.from({ __name__: "m" })), START, 1);
  const slowServer = createServer(slow.handler);
  await new Promise<void>((resolve) => slowServer.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${(slowServer.address() as AddressInfo).port}`;
  const response = await fetch(`${address}/api/v1/query?query=m%2Bm%2Bm&timeout=1ms&time=${START / 1000}`);
  assert.equal(response.status, 503);
  assert.deepEqual(await response.json(), {
    status: "error",
    errorType: "timeout",
    error: "query timed out in expression evaluation",
  });
  slowServer.close();
  slowServer.closeAllConnections();
  slow.close();
});
