import type { Value } from "@tracegate/judge";
import type { AnalysisRun, Measurement, Metric } from "./types.ts";

/**
 * Where a metric's answers come from. A provider that answers at once finishes the measurement in `run`; one that takes
 * its time (a Job) leaves it unfinished, with `resumeAt` where it knows when to look again. Everything needed to go on is
 * in the measurement, so that a controller that died in between finds the same Job again.
 */
export interface MetricProvider {
  run(context: MeasurementContext): Promise<Measurement>;
  resume(context: MeasurementContext, measurement: Measurement): Promise<Measurement>;
  terminate(context: MeasurementContext, measurement: Measurement): Promise<Measurement>;
  /** Facts about the metric for the result's `metadata`, from the metric without secrets. */
  metadata?(metric: Metric): Record<string, string>;
  /** Removes what lies around of measurements beyond the newest `limit`. */
  collect?(context: MeasurementContext, limit: number): Promise<void>;
}

export interface MeasurementContext {
  readonly run: AnalysisRun;
  /** With arguments and secrets filled in. */
  readonly metric: Metric;
  readonly now: number;
  readonly signal: AbortSignal;
  /** Which attempt this is, from 1: finished measurements and errors before, plus one. */
  readonly attempt: number;
}

/** What a provider that answers at once got. */
export type Answer =
  | { readonly result: Value; readonly text: string; readonly metadata?: Record<string, string> }
  | { readonly error: string };
