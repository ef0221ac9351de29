import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import type { Clock } from "@tracegate/contracts";
import { decodeJson, Payload } from "@tracegate/otlp";
import { createTraces } from "../index.ts";

// Every answer is compared with Jaeger 1.62's. Differences on purpose:
// - the order of traces, spans, services, operations and dependencies is not fixed in Jaeger; ours is sorted;
// - process ids follow from the order of spans, so spans are compared with their process instead;
// - /api/v3 answers carry a content type, which Jaeger leaves out when it compresses.

interface Exchange {
  readonly request: string;
  readonly response: { readonly code: number; readonly contentType: string | null; readonly body: unknown };
}

const recordings = new URL("../../../../tests/recordings/", import.meta.url);
const exchanges: readonly Exchange[] = JSON.parse(
  readFileSync(new URL("jaeger/requests.json", recordings), "utf8"),
);

/** A clock that stands still at the recording's time. */
const clock: Clock = { now: () => 1795210453087, after: () => new Promise(() => undefined) };

describe("Jaeger's query API", () => {
  const traces = createTraces({ clock, path: ":memory:" });
  const server = createServer(traces.handler);
  let base = "";

  before(async () => {
    const lines = readFileSync(new URL("hotrod/spans.jsonl", recordings), "utf8").trim().split("\n");
    await Promise.all(
      lines.map((line) => traces.ingest(Payload.fromModel("traces", decodeJson("traces", line)))),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  after(async () => {
    server.close();
    await traces.close();
  });

  for (const { request, response } of exchanges) {
    test(`answers ${request} as recorded`, async () => {
      const got = await fetch(base + request);
      assert.equal(got.status, response.code);
      if (response.contentType !== null) assert.equal(got.headers.get("content-type"), response.contentType);
      assert.deepEqual(normal(await got.json()), normal(response.body));
    });
  }
});

/** The same answer with everything unordered put in order. */
function normal(value: unknown): unknown {
  if (Array.isArray(value))
    return value.map(normal).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (typeof value !== "object" || value === null) return value;
  const record = value as Record<string, unknown>;
  const withProcesses = "processes" in record ? inlineProcesses(record) : record;
  const keys = Object.keys(withProcesses).sort();
  return Object.fromEntries(keys.map((key) => [key, normal(withProcesses[key])]));
}

function inlineProcesses(trace: Record<string, unknown>): Record<string, unknown> {
  const processes = trace["processes"] as Record<string, unknown>;
  const spans = trace["spans"] as Record<string, unknown>[];
  return {
    ...trace,
    spans: spans.map((span) => ({ ...span, processID: processes[String(span["processID"])] })),
    processes: Object.values(processes),
  };
}
