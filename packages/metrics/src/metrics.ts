import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "@tracegate/contracts";
import {
  type Dial,
  type Discovered,
  discoverPods,
  inProcess,
  kubernetesPodsJob,
  overHttp,
  type ScrapeJob,
  ScrapePool,
} from "@tracegate/scrape";
import { Tsdb } from "@tracegate/tsdb";
import {
  type PodForState,
  podStateMetrics,
  STATE_METRICS_TARGET,
  stateMetricsJob,
} from "./kube-state-metrics.ts";
import { prometheusHandler } from "./prometheus-handler.ts";

export interface MetricsOptions {
  readonly clock: Clock;
  /** Where samples are kept; without it in memory only. */
  readonly dir?: string;
  /** Opens connections to scrape targets. */
  readonly dial: Dial;
  /** Default 15 s. */
  readonly scrapeIntervalMs?: number;
  readonly retentionMs?: number;
  readonly retentionBytes?: number;
  readonly maxSeries?: number;
  /** Default 2 min. */
  readonly queryTimeoutMs?: number;
  /** Samples one query may hold. Default 50 million. */
  readonly maxQuerySamples?: number;
}

/** Scraping, the store, and Prometheus' HTTP API over it. */
export interface Metrics {
  /** For a `node:http` server. Never throws, never rejects. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
  /** The store itself, for writers and readers in the same thread. */
  readonly tsdb: Tsdb;
  /**
   * All pods as they are now: those annotated for it are scraped as job `kubernetes-pods`, and the state of all of them
   * is told in the series of kube-state-metrics.
   */
  setPods(pods: readonly PodForState[]): void;
  /** The targets of another job as they are now; the job is made at its first mention. */
  setTargets(job: ScrapeJob, discovered: readonly Discovered[]): void;
  /** Stops scraping, writes what is to be written. Safe to call twice. */
  close(): void;
}

export function createMetrics(options: MetricsOptions): Metrics {
  const { clock, dial } = options;
  const tsdb = new Tsdb(options);
  const intervalMs = options.scrapeIntervalMs ?? 15_000;
  let podsNow: readonly PodForState[] = [];
  const pods = new ScrapePool(kubernetesPodsJob(intervalMs), tsdb, clock, overHttp(dial));
  const state = new ScrapePool(
    stateMetricsJob(intervalMs),
    tsdb,
    clock,
    inProcess(() => podStateMetrics(podsNow)),
  );
  state.setDiscovered([STATE_METRICS_TARGET]);
  const pools = new Map([pods, state].map((pool) => [pool.job.name, pool]));
  const handler = prometheusHandler({
    clock,
    tsdb,
    pools: () => [...pools.values()],
    timeoutMs: options.queryTimeoutMs ?? 120_000,
    maxSamples: options.maxQuerySamples ?? 50_000_000,
  });
  return {
    handler,
    tsdb,
    setPods(all) {
      podsNow = all;
      pods.setDiscovered(discoverPods(all));
    },
    setTargets(job, discovered) {
      let pool = pools.get(job.name);
      if (pool === undefined) {
        pool = new ScrapePool(job, tsdb, clock, overHttp(dial));
        pools.set(job.name, pool);
      }
      pool.setDiscovered(discovered);
    },
    close() {
      for (const pool of pools.values()) pool.close();
      tsdb.close();
    },
  };
}
