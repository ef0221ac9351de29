import { Labels } from "@tracegate/contracts";
import { type RelabelRule, relabeller } from "./relabel.ts";

/** One scrape job: what is the same for all its targets. */
export interface ScrapeJob {
  readonly name: string;
  readonly intervalMs: number;
  /** Default 10 s, and never more than the interval or 5 s, whichever is longer. */
  readonly timeoutMs?: number;
  /** Keep a sample's own label where the target has one of the same name; else it becomes `exported_…`. */
  readonly honorLabels?: boolean;
  /** Take a sample's own timestamp. Default true. */
  readonly honorTimestamps?: boolean;
  /** Samples past this fail the scrape; 0 is no limit. */
  readonly sampleLimit?: number;
  /** Body bytes (unpacked) past this fail the scrape. Default 64 MiB. */
  readonly bodyLimit?: number;
  readonly metricsPath?: string;
  readonly scheme?: "http" | "https";
  readonly relabel?: readonly RelabelRule[];
  readonly metricRelabel?: readonly RelabelRule[];
}

/** What discovery found: labels before relabelling, `__address__` and `__meta_…` among them. */
export type Discovered = Readonly<Record<string, string>>;

/** A target to be scraped. Two with the same labels and address are one. */
export interface Target {
  readonly job: ScrapeJob;
  readonly discovered: Discovered;
  readonly labels: Labels;
  readonly url: string;
  readonly key: string;
}

export interface ResolvedTargets {
  readonly active: readonly Target[];
  /** What the rules dropped. */
  readonly dropped: readonly Discovered[];
}

/** Applies a job's relabelling to what was discovered; the rules are compiled once. */
export function targetResolver(job: ScrapeJob): (discovered: readonly Discovered[]) => ResolvedTargets {
  const rewrite = relabeller(job.relabel ?? []);
  return (discovered) => resolveTargets(job, rewrite, discovered);
}

function resolveTargets(
  job: ScrapeJob,
  rewrite: ReturnType<typeof relabeller>,
  discovered: readonly Discovered[],
): ResolvedTargets {
  const active = new Map<string, Target>();
  const dropped: Discovered[] = [];
  for (const found of discovered) {
    const before: Record<string, string> = {
      job: job.name,
      __scheme__: job.scheme ?? "http",
      __metrics_path__: job.metricsPath ?? "/metrics",
      __scrape_interval__: `${job.intervalMs}ms`,
      __scrape_timeout__: `${timeoutOf(job)}ms`,
      ...found,
    };
    const after = rewrite(Object.entries(before));
    const target = after === undefined ? undefined : targetOf(job, before, after);
    if (target === undefined) dropped.push(before);
    else active.set(target.key, target);
  }
  return { active: [...active.values()], dropped };
}

/** Unlike Prometheus' it may outlast intervals below it: at a pace for demonstrations a target that is slow is not gone. */
const LEAST_TIMEOUT_MS = 5000;

export const timeoutOf = ({ timeoutMs = 10_000, intervalMs }: ScrapeJob): number =>
  Math.min(timeoutMs, Math.max(intervalMs, LEAST_TIMEOUT_MS));

function targetOf(job: ScrapeJob, discovered: Discovered, labels: Map<string, string>): Target | undefined {
  const address = labels.get("__address__");
  if (address === undefined) return undefined;
  const query = new URLSearchParams();
  for (const [name, value] of labels) {
    if (name.startsWith("__param_")) query.set(name.slice("__param_".length), value);
  }
  const path = labels.get("__metrics_path__") ?? "/metrics";
  const search = query.size === 0 ? "" : `?${query}`;
  const url = `${labels.get("__scheme__") ?? "http"}://${address}${path.startsWith("/") ? "" : "/"}${path}${search}`;
  const kept = [...labels].filter(([name]) => !name.startsWith("__"));
  const own = Labels.from([["instance", address], ...kept]);
  return { job, discovered, labels: own, url, key: `${own.key}\uffff${url}` };
}
