// How many spans a second the collector takes: in the hot path alone, and over OTLP/HTTP with span metrics. With
// OTELCOL=/path/to/otelcol-contrib the same configuration is measured in the OpenTelemetry Collector beside it.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkProto, decodeJson, encodeProto, Payload } from "@tracegate/otlp";
import { Aggregator } from "../packages/collector/src/connectors/spanmetrics/aggregator.ts";
import { spanMetricsConfig } from "../packages/collector/src/connectors/spanmetrics/config.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const DIMENSIONS = [{ name: "hotrod.namespace" }, { name: "hotrod.pod.name" }, { name: "hotrod.pod.hash" }];
const SECONDS = 5;
const CONNECTIONS = 4;

export async function run(): Promise<void> {
  const requests = readFileSync(join(root, "tests/recordings/hotrod/spans.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => encodeProto("traces", decodeJson("traces", line)));
  const spans = requests.reduce((sum, request) => sum + checkProto("traces", request), 0);
  const bytes = requests.reduce((sum, request) => sum + request.length, 0);
  console.log(
    `HotROD's ${spans} spans in ${requests.length} requests, ${Math.round(bytes / spans)} bytes a span`,
  );
  hotPath(requests, spans);
  // One request of all of them, as a busy SDK would batch.
  const batch = Payload.join(
    "traces",
    requests.map((r) => Payload.fromProto("traces", r)),
  );
  const ours = [
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    join(root, "images/collector/src/main.ts"),
  ];
  const mine = await overHttp("tracegate", ours, batch.bytes(), batch.items);
  const peer = process.env["OTELCOL"];
  if (peer === undefined) {
    console.log("otelcol-contrib: not measured (set OTELCOL to its path)");
    return;
  }
  const theirs = await overHttp("otelcol-contrib", [peer], batch.bytes(), batch.items);
  console.log(`ratio: ${(mine / theirs).toFixed(2)}`);
}

function hotPath(requests: readonly Buffer[], spans: number): void {
  const aggregator = new Aggregator(spanMetricsConfig.read({ dimensions: DIMENSIONS }, "", []));
  const measure = (name: string, each: (request: Buffer) => void) => {
    for (let warm = 0; warm < 50; warm++) requests.forEach(each);
    const began = performance.now();
    let rounds = 0;
    for (; performance.now() - began < 2000; rounds++) requests.forEach(each);
    report(name, (rounds * spans * 1000) / (performance.now() - began));
  };
  measure("check the wire", (request) => void checkProto("traces", request));
  measure("aggregate span metrics", (request) => aggregator.add(request, 0));
}

/** Spans a second that a collector process takes over a few keep-alive connections. */
async function overHttp(
  name: string,
  command: readonly string[],
  body: Uint8Array,
  items: number,
): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), "bench-"));
  const [receiver, exposed] = [await freePort(), await freePort()];
  const config = {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${receiver}` } } } },
    connectors: { spanmetrics: { dimensions: DIMENSIONS, metrics_flush_interval: "1s" } },
    exporters: { prometheus: { endpoint: `127.0.0.1:${exposed}` } },
    service: {
      telemetry: { metrics: { level: "none" } },
      pipelines: {
        traces: { receivers: ["otlp"], exporters: ["spanmetrics"] },
        metrics: { receivers: ["spanmetrics"], exporters: ["prometheus"] },
      },
    },
  };
  // JSON is YAML.
  writeFileSync(join(directory, "config.yaml"), JSON.stringify(config));
  const [program = "", ...args] = command;
  const collector = spawn(program, [...args, `--config=${join(directory, "config.yaml")}`], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  try {
    await ready(collector);
    const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });
    const send = () => post(agent, receiver, body);
    for (let warm = 0; warm < 50; warm++) await send();
    const began = performance.now();
    let sent = 0;
    const client = async () => {
      for (; performance.now() - began < SECONDS * 1000; sent += items) await send();
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, client));
    const rate = (sent * 1000) / (performance.now() - began);
    report(`${name}: OTLP/HTTP with span metrics (${residentMb(collector)} MB resident)`, rate);
    agent.destroy();
    return rate;
  } finally {
    collector.kill("SIGTERM");
    rmSync(directory, { recursive: true });
  }
}

function report(what: string, perSecond: number): void {
  console.log(`${what}: ${Math.round(perSecond / 1000).toLocaleString("en")}k spans/s`);
}

function ready(collector: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    collector.stderr?.on("data", (data) => {
      said = (said + data).slice(-100_000);
      if (said.includes("Everything is ready")) resolve();
    });
    collector.once("exit", (code) => reject(new Error(`the collector ended with ${code}:\n${said}`)));
    collector.once("error", reject);
  });
}

function post(agent: http.Agent, port: number, body: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        agent,
        port,
        host: "127.0.0.1",
        path: "/v1/traces",
        method: "POST",
        headers: { "content-type": "application/x-protobuf", "content-length": body.length },
      },
      (response) => {
        response.resume();
        response.on("end", () =>
          response.statusCode === 200 ? resolve() : reject(new Error(`status ${response.statusCode}`)),
        );
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

function residentMb(child: ChildProcess): number {
  const found = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"));
  return Math.round(Number(found?.[1] ?? 0) / 1024);
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
