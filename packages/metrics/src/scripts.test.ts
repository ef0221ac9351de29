import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { isStale, Labels } from "@tracegate/contracts";
import type { QueryResult, Value } from "@tracegate/promql";
import { runCommands, type ScriptTarget } from "@tracegate/promql/testing";
import { createMetrics, type Metrics } from "./metrics.ts";

// The scripts that specify PromQL, asked through the store and the HTTP API instead of the bare engine.

const clock = { now: () => 0, after: () => new Promise<void>(() => {}) };
const start = () =>
  createMetrics({ clock, dial: () => Promise.reject(new Error("nothing is scraped here")) });
let metrics: Metrics = start();
const server = createServer((request, response) => metrics.handler(request, response));
let base = "";

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`;
});

after(() => {
  metrics.close();
  server.close();
  server.closeAllConnections();
});

interface JsonSeries {
  readonly metric: Record<string, string>;
  readonly value: [number, string];
  readonly values: [number, string][];
}

interface Answer {
  readonly status: string;
  readonly error: string;
  readonly data: { readonly resultType: string; readonly result: unknown };
  readonly warnings?: string[];
  readonly infos?: string[];
}

const floatOf = (text: string) => Number(text.replace(/^([+-]?)Inf$/, "$1Infinity"));
const msOf = (seconds: number) => Math.round(seconds * 1000);

/** The answer's data as the engine's own value. */
function asValue({ resultType, result }: Answer["data"]): Value {
  if (resultType === "vector") {
    const samples = (result as JsonSeries[]).map(({ metric, value }) => ({
      labels: Labels.from(metric),
      value: floatOf(value[1]),
    }));
    return { type: "vector", time: 0, samples };
  }
  if (resultType === "matrix") {
    const series = (result as JsonSeries[]).map(({ metric, values }) => ({
      labels: Labels.from(metric),
      times: Float64Array.from(values, ([seconds]) => msOf(seconds)),
      values: Float64Array.from(values, ([, text]) => floatOf(text)),
    }));
    return { type: "matrix", series };
  }
  const [seconds, text] = result as [number, string];
  if (resultType === "scalar") return { type: "scalar", time: msOf(seconds), value: floatOf(text) };
  return { type: "string", time: msOf(seconds), text };
}

async function ask(path: string, params: Record<string, string>): Promise<QueryResult> {
  const response = await fetch(`${base}${path}`, { method: "POST", body: new URLSearchParams(params) });
  const answer = (await response.json()) as Answer;
  if (answer.status !== "success") throw new Error(answer.error.replace(/^invalid parameter "query": /, ""));
  return { value: asValue(answer.data), warnings: answer.warnings ?? [], infos: answer.infos ?? [] };
}

const seconds = (ms: number) => String(ms / 1000);

const overHttp: ScriptTarget = {
  clear() {
    metrics.close();
    metrics = start();
  },
  load(series, stepMs) {
    for (const { labels, slots, values } of series) {
      const ref = metrics.tsdb.resolve(labels);
      slots.forEach((slot, i) => {
        if (isStale(values, i)) metrics.tsdb.appendStale(ref, slot * stepMs);
        else metrics.tsdb.append(ref, slot * stepMs, values[i] ?? 0);
      });
    }
  },
  instant: (query, time) => ask("/query", { query, time: seconds(time) }),
  range: (query, { start, end, stepMs }) =>
    ask("/query_range", { query, start: seconds(start), end: seconds(end), step: seconds(stepMs) }),
};

const folder = new URL("../../promql/testdata/", import.meta.url);

for (const file of readdirSync(folder).filter((name) => name.endsWith(".test"))) {
  test(`the script ${file} holds over HTTP`, async () => {
    const broken: string[] = [];
    overHttp.clear();
    await runCommands(readFileSync(new URL(file, folder), "utf8"), overHttp, ({ message }) =>
      broken.push(message),
    );
    // A default server refuses what Prometheus has behind a flag; the scripts use some of it.
    const unexpected = broken.filter((message) => !/is not enabled|must be enabled with/.test(message));
    assert.deepEqual(unexpected, []);
  });
}
