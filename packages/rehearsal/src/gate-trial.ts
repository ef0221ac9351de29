import {
  type Argument,
  type HttpClient,
  type Measurement,
  type Metric,
  prometheusProvider,
  substituteArgs,
} from "@tracegate/analysis";
import { answerQueryRequest } from "@tracegate/metrics";
import { type SyntheticSeries, syntheticSource } from "./synthetic-series.ts";

/** Longer than any window that a gate asks for. */
const historyMs = 3_600_000;

/**
 * Asks a gate of series that never were: one measurement, by the provider and the conditions that a release would meet.
 * Pure but for its promise; `now` is any time. Metrics of other providers than Prometheus cannot be tried.
 * @returns the measurement; an Error phase also where arguments are missing.
 */
export async function tryGate(
  metric: Metric,
  args: readonly Argument[],
  series: readonly SyntheticSeries[],
  now = historyMs,
): Promise<Measurement> {
  const filled = substituteArgs(metric, args);
  if ("error" in filled) return { phase: "Error", message: filled.error };
  if (filled.resolved.provider.prometheus === undefined)
    return { phase: "Error", message: "only Prometheus metrics can be tried on series" };
  const source = syntheticSource(series, { from: now - historyMs, to: now });
  const clock = { now: () => now, after: () => Promise.resolve() };
  const http: HttpClient = ({ url, body = "" }) => {
    const path = new URL(url).pathname.endsWith("/query_range") ? "query_range" : "query";
    const settings = { source, clock, timeoutMs: 30_000, maxSamples: 10_000_000 };
    return Promise.resolve(answerQueryRequest(path, new URLSearchParams(body), settings));
  };
  return prometheusProvider({ http, now: () => now }).run({
    run: {
      apiVersion: "argoproj.io/v1alpha1",
      kind: "AnalysisRun",
      metadata: { name: "" },
      spec: { metrics: [] },
    },
    metric: filled.resolved,
    now,
    signal: new AbortController().signal,
    attempt: 1,
  });
}
