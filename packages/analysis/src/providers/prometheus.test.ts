import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { after, test } from "node:test";
import { type ClusterNetwork, wallClock } from "@tracegate/contracts";
import { clusterHttp } from "../http-client.ts";
import type { AnalysisRun, Measurement, Metric, PrometheusMetric } from "../types.ts";
import { prometheusProvider } from "./prometheus.ts";
import { webProvider } from "./web.ts";

let answer: (request: IncomingMessage, response: ServerResponse, body: string) => void = () => undefined;
const server = createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  answer(request, response, body);
}).listen(0, "127.0.0.1");
await once(server, "listening");
after(() => server.close());
const address = server.address();
const port = typeof address === "object" && address !== null ? address.port : 0;

const network: ClusterNetwork = {
  resolve: () => Promise.resolve(["127.0.0.1"]),
  async dial(host) {
    if (host === "nowhere.test") throw new Error("lookup nowhere.test on 10.96.0.10:53: no such host");
    if (host === "refused.test") throw new Error("dial tcp 10.0.0.9:80: connect: connection refused");
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return socket;
  },
};
const http = clusterHttp(network, wallClock);
const now = () => Date.parse("2030-01-01T00:00:00Z");

function measure(metric: Metric): Promise<Measurement> {
  const run: AnalysisRun = {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "AnalysisRun",
    metadata: { name: "r", uid: "u" },
    spec: { metrics: [metric] },
  };
  const provider =
    metric.provider.web === undefined ? prometheusProvider({ http, now }) : webProvider({ http, now });
  return provider.run({ run, metric, now: now(), signal: new AbortController().signal, attempt: 1 });
}
const ask = (config: PrometheusMetric = {}, condition = "result[0] < 0.5"): Promise<Measurement> =>
  measure({
    name: "m",
    successCondition: condition,
    provider: { prometheus: { address: "http://prometheus.test", query: "up", ...config } },
  });
const reply = (status: number, json: unknown): void => {
  answer = (_request, response) => {
    response.statusCode = status;
    response.end(typeof json === "string" ? json : JSON.stringify(json));
  };
};
const vector = (...values: string[]) => ({
  status: "success",
  data: { resultType: "vector", result: values.map((value) => ({ metric: {}, value: [0, value] })) },
});

test("a query is posted as a form, and a vector's text is its numbers", async () => {
  let seen: string | undefined;
  answer = (request, response, body) => {
    seen = `${request.method ?? ""} ${request.url ?? ""} ${request.headers.host ?? ""} ${body}`;
    response.end(JSON.stringify(vector("0.123", "NaN", "1e-7")));
  };
  const measurement = await ask();
  assert.equal(seen, "POST /api/v1/query prometheus.test query=up&time=1893456000");
  assert.deepEqual(measurement, {
    phase: "Successful",
    startedAt: "2030-01-01T00:00:00Z",
    finishedAt: "2030-01-01T00:00:00Z",
    value: "[0.123,NaN,0.0000001]",
  });
});

test("an empty vector is an error of the condition, and its value is not kept", async () => {
  reply(200, vector());
  const { phase, message, value } = await ask();
  assert.deepEqual(
    { phase, message, value },
    { phase: "Error", message: "reflect: slice index out of range", value: undefined },
  );
});

test("refusals and failures read as the official client's", async () => {
  const message = async (): Promise<string | undefined> => (await ask()).message;
  reply(400, {
    status: "error",
    errorType: "bad_data",
    error: 'invalid parameter "query": 1:5: parse error',
  });
  assert.equal(await message(), 'bad_data: invalid parameter "query": 1:5: parse error');
  reply(500, "broken");
  assert.equal(await message(), "server_error: server error: 500");
  reply(404, "none");
  assert.equal(await message(), "client_error: client error: 404");
});

test("what cannot be reached is named with method and address", async () => {
  assert.equal(
    (await ask({ address: "http://nowhere.test" })).message,
    'Post "http://nowhere.test/api/v1/query": dial tcp: lookup nowhere.test on 10.96.0.10:53: no such host',
  );
  assert.equal(
    (await ask({ address: "http://refused.test/" })).message,
    'Post "http://refused.test/api/v1/query": dial tcp 10.0.0.9:80: connect: connection refused',
  );
});

test("a server that hangs up is an EOF", async () => {
  answer = (request) => request.socket.destroy();
  assert.equal((await ask()).message, 'Post "http://prometheus.test/api/v1/query": EOF');
});

test("where POST is not allowed, GET is used", async () => {
  answer = (request, response) => {
    response.statusCode = request.method === "POST" ? 405 : 200;
    response.end(JSON.stringify({ status: "success", data: { resultType: "scalar", result: [0, "0.25"] } }));
  };
  assert.equal((await ask({}, "result < 0.5")).value, "0.25");
});

test("a range query flattens the samples of all series", async () => {
  reply(200, {
    status: "success",
    data: {
      resultType: "matrix",
      result: [
        {
          values: [
            [0, "1"],
            [1, "2"],
          ],
        },
        { values: [[0, "3"]] },
      ],
    },
  });
  const range = { start: 'now() - duration("10m")', end: "now()", step: "1m" };
  assert.equal((await ask({ rangeQuery: range }, "len(result) == 3")).value, "[1,2,3]");
  assert.equal(
    (await ask({ rangeQuery: { ...range, start: "1.5" } })).message,
    "failed to parse rangeQuery.start as time: expected time.Time, but got float64",
  );
  assert.equal(
    (await ask({ rangeQuery: { ...range, step: "often" } })).message,
    'failed to parse rangeQuery.step as duration: time: invalid duration "often"',
  );
});

test("configuration that cannot work is refused before anything is sent", async () => {
  const message = async (config: PrometheusMetric): Promise<string | undefined> =>
    (await ask(config)).message;
  assert.equal(await message({ address: "" }), "prometheus address is not configured");
  assert.equal(await message({ address: "prometheus:9090" }), "prometheus address is not is url format");
  assert.equal(await message({ timeout: -1 }), "prometheus timeout should not be negative");
  assert.equal(
    await message({ authentication: { basicAuth: { username: "u" } } }),
    "missing mandatory parameter in metric for basic auth setup: password",
  );
  assert.equal(
    await message({ authentication: { oauth2: { tokenUrl: "x" } } }),
    "prometheus authentication oauth2 is not supported",
  );
});

test("a web metric is judged by the part that its path names", async () => {
  reply(200, { data: { ok: true, n: 3 } });
  const web = (over: object = {}): Promise<Measurement> =>
    measure({
      name: "w",
      successCondition: "result.ok == true && result.n >= 3",
      provider: { web: { url: "http://web.test/x", jsonPath: "{$.data}", ...over } },
    });
  const { phase, value } = await web();
  assert.deepEqual({ phase, value }, { phase: "Successful", value: '{"n":3,"ok":true}' });
  assert.equal(
    (await web({ jsonPath: "{$.none}" })).message,
    "Could not find JSONPath in body: none is not found",
  );
  reply(503, "no");
  assert.equal((await web()).message, "received non 2xx response code: 503");
});
