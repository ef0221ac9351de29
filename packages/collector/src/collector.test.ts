import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import type { MetricsData, Payload, TracesData } from "@tracegate/otlp";
import { keptSurroundings, ManualClock, settle } from "../testing/index.ts";
import { Collector, readConfig } from "./collector.ts";
import type { Components, ExporterFactory } from "./component.ts";
import { components } from "./components.ts";
import { struct } from "./config/fields.ts";
import { isSignal } from "./payload-signal.ts";

const recordings = new URL("../../../tests/recordings/hotrod/", import.meta.url);
const recorded = (name: string) => readFileSync(new URL(name, recordings), "utf8");

/** A collector of this configuration, started, its ports known. */
async function run(yaml: string, clock = new ManualClock(), available: Components = components) {
  const surroundings = keptSurroundings(clock);
  const access = { env: {}, readFile: () => yaml, warn: () => undefined };
  const collector = new Collector(readConfig(["c.yaml"], [], access, available), available, surroundings);
  await collector.start(1);
  const url = (component: string, path: string) =>
    `http://127.0.0.1:${surroundings.ports.get(component)}${path}`;
  const post = (body: string) =>
    fetch(url("receiver/otlp", "/v1/traces"), {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    });
  return { clock, collector, url, post, lines: surroundings.lines, ports: surroundings.ports };
}

const SPAN =
  '{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]},"scopeSpans":[{"spans":[{"name":"a"}]}]}]}';

function tracesOf(payload: Payload | undefined): TracesData {
  if (payload === undefined || !isSignal(payload, "traces")) throw new Error("no traces were kept");
  return payload.model();
}

function metricsOf(payload: Payload | undefined): MetricsData {
  if (payload === undefined || !isSignal(payload, "metrics")) throw new Error("no metrics were kept");
  return payload.model();
}

/** Components with an exporter that keeps what it gets. */
function keeping(kept: Payload[]): Components {
  const none = struct({});
  const keep: ExporterFactory<unknown> = {
    type: "keep",
    config: none,
    signals: ["traces", "metrics", "logs"],
    create: () => ({ consume: async (payload) => void kept.push(payload) }),
  };
  return { ...components, exporters: [...components.exporters, keep] };
}

describe("a collector", () => {
  test("exposes on /metrics, flush by flush, what was recorded for HotROD's spans", async () => {
    const { clock, collector, url, post } = await run(`
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
connectors:
  spanmetrics:
    metrics_flush_interval: 2s
    dimensions: [{name: hotrod.namespace}, {name: hotrod.pod.name}, {name: hotrod.pod.hash}]
exporters:
  debug: {verbosity: detailed}
  prometheus: {endpoint: "127.0.0.1:0"}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [debug, spanmetrics]}
    metrics: {receivers: [spanmetrics], exporters: [debug, prometheus]}
`);
    const metrics = async () => (await fetch(url("exporter/prometheus", "/metrics"))).text();
    for (const line of recorded("spans.jsonl").trim().split("\n"))
      assert.equal((await post(line)).status, 200);
    assert.equal(await metrics(), "");
    await clock.advance(2000);
    assert.equal(await metrics(), recorded("spanmetrics.first.txt"));
    await clock.advance(2000);
    assert.equal(await metrics(), recorded("spanmetrics.txt"));
    assert.equal((await fetch(url("exporter/prometheus", "/"))).status, 404);
    await collector.shutdown();
  });

  test("is ready when all pipelines run, and not any more when it stops", async () => {
    const { collector, url, clock, lines } = await run(`
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
exporters: {nop: }
extensions: {health_check: {endpoint: "127.0.0.1:0"}}
service: {extensions: [health_check], pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}
`);
    await clock.advance(1500);
    const health = await fetch(url("extension/health_check", "/"));
    assert.deepEqual(
      [health.status, await health.json()],
      [200, { status: "Server available", upSince: "1970-01-01T00:00:00.000Z", uptime: "1.5s" }],
    );
    await collector.shutdown();
    const messages = lines.map((line) => line.split("\t")[3]);
    const order = [
      "Starting otelcol-contrib...",
      "Everything is ready. Begin running and processing data.",
      "Starting shutdown...",
      "Shutdown complete.",
    ];
    assert.deepEqual(
      messages.filter((m) => order.includes(m ?? "")),
      order,
    );
  });

  test("passes on, when it stops, what batches and span metrics still hold", async () => {
    const kept: Payload[] = [];
    const { collector, post } = await run(
      `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors: {batch: {timeout: 1h}}
connectors: {spanmetrics: {namespace: "", histogram: {disable: true}}}
exporters: {keep: }
service:
  pipelines:
    traces: {receivers: [otlp], processors: [batch], exporters: [spanmetrics, keep]}
    metrics: {receivers: [spanmetrics], exporters: [keep]}
`,
      new ManualClock(),
      keeping(kept),
    );
    await post(SPAN);
    await post(SPAN);
    assert.equal(kept.length, 0);
    await collector.shutdown();
    const [traces, metrics] = kept;
    assert.equal(tracesOf(traces).resourceSpans.length, 2);
    assert.equal(metricsOf(metrics).resourceMetrics[0]?.scopeMetrics[0]?.metrics[0]?.name, "calls");
  });

  test("sends over gRPC to another one, byte for byte", async () => {
    const kept: Payload[] = [];
    const receiving = await run(
      `
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}
exporters: {keep: }
service: {pipelines: {traces: {receivers: [otlp], exporters: [keep]}}}
`,
      new ManualClock(),
      keeping(kept),
    );
    const sending = await run(`
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
exporters: {otlp: {endpoint: "127.0.0.1:${receiving.ports.get("receiver/otlp")}", tls: {insecure: true}}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}}
`);
    await sending.post(SPAN);
    // Shutdown waits for what is queued.
    await sending.collector.shutdown();
    assert.equal(tracesOf(kept[0]).resourceSpans[0]?.scopeSpans[0]?.spans[0]?.name, "a");
    await receiving.collector.shutdown();
  });

  test("joins what comes in time, and edits attributes on the way", async () => {
    const kept: Payload[] = [];
    const { clock, collector, post } = await run(
      `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors:
  batch: {timeout: 1s, send_batch_size: 3, send_batch_max_size: 3}
  attributes: {actions: [{key: x, action: insert, value: 5}, {key: x, action: hash}]}
  resource: {attributes: [{key: service.name, action: update, value: t}, {key: gone, action: delete}]}
exporters: {keep: }
service: {pipelines: {traces: {receivers: [otlp], processors: [resource, attributes, batch], exporters: [keep]}}}
`,
      new ManualClock(),
      keeping(kept),
    );
    await post(SPAN);
    await clock.advance(999);
    assert.equal(kept.length, 0);
    await clock.advance(1);
    assert.equal(kept[0]?.items, 1);
    const [first] = tracesOf(kept[0]).resourceSpans;
    assert.deepEqual(first?.resource.attributes, [{ key: "service.name", value: { stringValue: "t" } }]);
    assert.match(first?.scopeSpans[0]?.spans[0]?.attributes[0]?.value.stringValue ?? "", /^[0-9a-f]{64}$/);
    for (let i = 0; i < 3; i++) await post(SPAN);
    await settle();
    assert.deepEqual(
      kept.map((p) => p.items),
      [1, 3],
    );
    await collector.shutdown();
  });

  test("answers 503 when its exporter cannot take more, and serves no signal without a pipeline", async () => {
    const full: ExporterFactory<unknown> = {
      type: "full",
      config: struct({}),
      signals: ["traces"],
      create: () => ({ consume: () => Promise.reject(new Error("sending queue is full")) }),
    };
    const { collector, post, url } = await run(
      `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
exporters: {full: }
service: {pipelines: {traces: {receivers: [otlp], exporters: [full]}}}
`,
      new ManualClock(),
      { ...components, exporters: [full] },
    );
    const refused = await post(SPAN);
    assert.deepEqual(
      [refused.status, await refused.json()],
      [503, { code: 14, message: "sending queue is full" }],
    );
    assert.equal((await fetch(url("receiver/otlp", "/v1/metrics"), { method: "POST" })).status, 404);
    await collector.shutdown();
  });

  test("counts what it takes, and serves the counts", async () => {
    const { collector, post, url } = await run(`
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
exporters: {nop: }
service:
  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]}}
  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}
`);
    await post(SPAN);
    await post(SPAN);
    const text = await (await fetch(url("telemetry/metrics", "/metrics"))).text();
    assert.match(
      text,
      /^otelcol_receiver_accepted_spans_total\{receiver="otlp",service_instance_id="test",.*\} 2$/m,
    );
    await collector.shutdown();
  });

  test("stops what it started when a port is taken", async () => {
    const { collector, ports } = await run(`
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
exporters: {nop: }
service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}
`);
    const port = ports.get("receiver/otlp");
    await assert.rejects(
      run(`
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:${port}"}}}}
exporters: {nop: }
extensions: {health_check: {endpoint: "127.0.0.1:0"}}
service: {extensions: [health_check], pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}
`),
      {
        message: `cannot start pipelines: failed to start "otlp" receiver: listen tcp 127.0.0.1:${port}: bind: address already in use`,
      },
    );
    await collector.shutdown();
  });
});
