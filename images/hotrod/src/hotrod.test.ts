import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { InMemorySpanExporter, type ReadableSpan } from "@opentelemetry/sdk-trace";
import type { Chance } from "./chance.ts";
import { startHotrod } from "./hotrod.ts";
import { parseSettings } from "./settings.ts";

const recordings = new URL("../../../tests/recordings/hotrod/", import.meta.url);

let counter = 0;
/** No waiting, and a fixed sequence in place of chance. */
const chance: Chance = { uniform: () => ((counter++ * 7919) % 1000) / 1000, sleep: () => Promise.resolve() };
const exporter = new InMemorySpanExporter();
let hotrod: Awaited<ReturnType<typeof startHotrod>>;
let base = "";

before(async () => {
  const [frontend, customer, driver, route] = await freePorts(4);
  const argv = ["all", `-f${frontend}`, `-c${customer}`, `-d${driver}`, `-r${route}`];
  const settings = parseSettings(argv, "1.76.0");
  const env = {
    OTEL_RESOURCE_ATTRIBUTES: "hotrod.namespace=hotrod,hotrod.pod.name=p,hotrod.pod.hash=h",
    OTEL_BSP_SCHEDULE_DELAY: "5",
  };
  hotrod = await startHotrod({ settings, version: "1.76.0", env, chance, write: () => {}, exporter });
  base = `http://127.0.0.1:${frontend}`;
});
after(() => hotrod.close());

test("a dispatch leaves the span tree, names, kinds and attributes of the recorded one", async () => {
  exporter.reset();
  const answer = await fetch(`${base}/dispatch?customer=123`);
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /^\{"Driver":"T7\d{5}C","ETA":\d+\}$/);
  assert.match(answer.headers.get("traceresponse") ?? "", /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  const ours = describe(await spansOf("/dispatch"));
  assert.deepEqual(ours, recordedTree("0a1f089c8bcad45f17dd5d6f9ca6b96b"));
});

test("an unknown customer fails with the recorded statuses", async () => {
  exporter.reset();
  const answer = await fetch(`${base}/dispatch?customer=999`);
  assert.equal(answer.status, 500);
  assert.equal(await answer.text(), "invalid customer ID\n\n");
  assert.deepEqual(describe(await spansOf("/dispatch")), recordedTree("842b16a6be05df5597efac3bb0f5d694"));
});

test("a missing parameter is the caller's fault: 400, and no failed span", async () => {
  exporter.reset();
  const answer = await fetch(`${base}/dispatch`);
  assert.equal(answer.status, 400);
  assert.equal(await answer.text(), "Missing required 'customer' parameter\n");
  assert.deepEqual(describe(await spansOf("/dispatch")), recordedTree("602529895246390dfb89701a89e67d53"));
});

test("the page carries the title and the configuration its link", async () => {
  assert.match(await (await fetch(`${base}/`)).text(), /<title>HotROD - Rides On Demand<\/title>/);
  assert.deepEqual(await (await fetch(`${base}/config`)).json(), { jaeger: "http://localhost:16686" });
});

test("/metrics has the recorded names and labels", async () => {
  await spansOf("/config");
  const ours = seriesOf(await (await fetch(`${base}/metrics`)).text());
  const recorded = seriesOf(readFileSync(new URL("metrics.txt", recordings), "utf8"));
  assert.deepEqual(ours, recorded);
});

test("a tag ending in -faulty fails every look-up, one ending in -slow takes its time", () => {
  assert.equal(parseSettings(["all"], "1.76.0-faulty").failingLookups, 1);
  assert.equal(parseSettings(["all"], "1.76.0-slow").dbQueryDelayMs, 1500);
  assert.equal(parseSettings(["all"], "1.76.0").dbQueryDelayMs, 300);
});

test("a command or flag that HotROD does not have is refused", () => {
  assert.throws(() => parseSettings(["everything"], ""), /unknown command "everything"/);
  assert.throws(() => parseSettings(["all", "-Dsoon"], ""), /invalid duration "soon"/);
});

/** The spans of the newest trace whose root is `rootName`, once its root has ended. */
async function spansOf(rootName: string): Promise<ReadableSpan[]> {
  for (;;) {
    const spans = exporter.getFinishedSpans();
    const root = spans.findLast((span) => span.name === rootName && span.parentSpanContext === undefined);
    if (root !== undefined)
      return spans.filter((span) => span.spanContext().traceId === root.spanContext().traceId);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

interface Described {
  line: string;
  attributes: string[];
  events: string[];
}

/** Each distinct kind of span: service, name, kind, status, parent, attribute names, event names. */
function describe(spans: readonly ReadableSpan[]): Described[] {
  const names = new Map(spans.map((span) => [span.spanContext().spanId, span.name]));
  return distinct(
    spans.map((span) => ({
      service: String(span.resource.attributes["service.name"]),
      name: span.name,
      // OTLP counts kinds from 1 (INTERNAL), the API from 0.
      kind: span.kind + 1,
      status: span.status.code,
      parent: names.get(span.parentSpanContext?.spanId ?? "") ?? "",
      attributes: Object.keys(span.attributes),
      events: span.events.map((event) => event.name),
    })),
  );
}

function recordedTree(traceId: string): Described[] {
  const spans = readFileSync(new URL("spans.jsonl", recordings), "utf8")
    .trim()
    .split("\n")
    .flatMap((line) => (JSON.parse(line) as RecordedExport).resourceSpans)
    .flatMap(({ resource, scopeSpans }) =>
      scopeSpans.flatMap(({ spans }) =>
        spans.map((span) => ({
          ...span,
          service: resource.attributes.find(({ key }) => key === "service.name")?.value.stringValue ?? "",
        })),
      ),
    )
    .filter((span) => span.traceId === traceId);
  const names = new Map(spans.map((span) => [span.spanId, span.name]));
  return distinct(
    spans.map((span) => ({
      service: span.service,
      name: span.name,
      kind: span.kind,
      status: span.status?.code ?? 0,
      parent: names.get(span.parentSpanId ?? "") ?? "",
      attributes: (span.attributes ?? []).map(({ key }) => key),
      events: (span.events ?? []).map((event) => event.name),
    })),
  );
}

interface RecordedExport {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue?: string } }[] };
    scopeSpans: {
      spans: {
        traceId: string;
        spanId: string;
        parentSpanId?: string;
        name: string;
        kind: number;
        status?: { code?: number };
        attributes?: { key: string }[];
        events?: { name: string }[];
      }[];
    }[];
  }[];
}

function distinct(
  spans: {
    service: string;
    name: string;
    kind: number;
    status: number;
    parent: string;
    attributes: string[];
    events: string[];
  }[],
): Described[] {
  const described = new Map<string, Described>();
  for (const { service, name, kind, status, parent, attributes, events } of spans) {
    const line = `${parent} > ${service} ${name} kind=${kind} status=${status}`;
    described.set(line, { line, attributes: attributes.sort(), events: [...new Set(events)].sort() });
  }
  return [...described.values()].sort((a, b) => (a.line < b.line ? -1 : 1));
}

/** Series without their values; HotROD's own only, since a scrape counter's codes depend on what was scraped before. */
function seriesOf(exposition: string): string[] {
  const lines = exposition.split("\n").filter((line) => line.startsWith("hotrod_"));
  return lines.map((line) => line.slice(0, line.lastIndexOf(" "))).sort();
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  return servers.map((server) => {
    const address = server.address();
    server.close();
    return typeof address === "object" && address !== null ? address.port : 0;
  });
}
