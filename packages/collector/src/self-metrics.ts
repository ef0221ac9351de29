import { createServer, type Server } from "node:http";
import type { Clock } from "@tracegate/contracts";
import { CONTENT_TYPES, exposition } from "./exporters/prometheus/exposition.ts";
import type { Family, Labels } from "./exporters/prometheus/families.ts";
import type { MetricKind } from "./exporters/prometheus/names.ts";
import { closeServer, listen } from "./network-address.ts";

type LabelSet = Readonly<Record<string, string>>;

/** What components tell about themselves. Names are given without `otelcol_` and suffixes. */
export interface Meter {
  /** Adds to a counter; a counter exists from its first increase on. */
  add(name: string, by: number, labels: LabelSet): void;
  /** A value that is read at each scrape. */
  gauge(name: string, labels: LabelSet, read: () => number): void;
}

interface Instrument {
  readonly name: string;
  readonly kind: MetricKind;
  readonly labels: LabelSet;
  read: () => number;
}

/** The collector's own metrics, by the names that the Collector gives them. */
export class SelfMetrics implements Meter {
  readonly #instruments = new Map<string, Instrument>();
  readonly #counts = new Map<string, number>();
  readonly #common: LabelSet;
  /** Counters end in `_total` only where readers were configured, as in the Collector. */
  readonly #typeSuffix: boolean;

  constructor(clock: Clock, common: LabelSet, typeSuffix: boolean) {
    this.#common = common;
    this.#typeSuffix = typeSuffix;
    const began = clock.now();
    this.#instrument("process_uptime", "counter", {}, () => (clock.now() - began) / 1000);
    this.gauge("process_memory_rss", {}, () => process.memoryUsage.rss());
    this.gauge("process_runtime_heap_alloc_bytes", {}, () => process.memoryUsage().heapUsed);
    this.#instrument("process_cpu_seconds", "counter", {}, () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    });
  }

  add(name: string, by: number, labels: LabelSet): void {
    const key = identity(name, labels);
    if (!this.#instruments.has(key))
      this.#instrument(name, "counter", labels, () => this.#counts.get(key) ?? 0);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + by);
  }

  gauge(name: string, labels: LabelSet, read: () => number): void {
    this.#instrument(name, "gauge", labels, read);
  }

  exposition(): string {
    const families = new Map<string, Family>();
    for (const { name, kind, labels, read } of this.#instruments.values()) {
      const full = `otelcol_${name}${kind === "counter" && this.#typeSuffix ? "_total" : ""}`;
      const family = families.get(full) ?? { name: full, kind, help: "", samples: [] };
      families.set(full, family);
      const value = { kind: "number", value: read(), exemplar: undefined } as const;
      family.samples.push({
        labels: sortedLabels({ ...this.#common, ...labels }),
        timestampMs: undefined,
        value,
      });
    }
    return exposition(
      [...families.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
      "text",
    );
  }

  #instrument(name: string, kind: MetricKind, labels: LabelSet, read: () => number): void {
    this.#instruments.set(identity(name, labels), { name, kind, labels, read });
  }
}

function identity(name: string, labels: LabelSet): string {
  return JSON.stringify([name, sortedLabels(labels)]);
}

function sortedLabels(labels: LabelSet): Labels {
  return Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Serves them on `/metrics`. */
export class SelfMetricsServer {
  readonly #server: Server;

  constructor(metrics: SelfMetrics) {
    this.#server = createServer((request, response) => {
      const found = (request.url ?? "").split("?", 1)[0] === "/metrics";
      response.writeHead(found ? 200 : 404, { "content-type": CONTENT_TYPES.text });
      response.end(found ? metrics.exposition() : "404 page not found\n");
    });
  }

  listen(endpoint: string, bindHost: (host: string) => string): Promise<number> {
    return listen(this.#server, endpoint, bindHost);
  }

  close(): Promise<void> {
    return closeServer(this.#server);
  }
}
