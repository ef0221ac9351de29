import { judgeMeasurement } from "@tracegate/judge";
import { formatTime } from "@tracegate/kube";
import type { Answer, MeasurementContext, MetricProvider } from "../provider.ts";
import type { Measurement, Metric } from "../types.ts";

/** A provider that asks once and has its answer: the measurement is finished when `run` returns. */
export function immediateProvider(
  ask: (context: MeasurementContext) => Promise<Answer>,
  now: () => number,
  metadata?: (metric: Metric) => Record<string, string>,
): MetricProvider {
  return {
    async run(context) {
      const startedAt = formatTime(context.now);
      const answer = await ask(context);
      const finishedAt = formatTime(now());
      if ("error" in answer) return { phase: "Error", message: answer.error, startedAt, finishedAt };
      const { phase, message } = judgeMeasurement(context.metric, answer.result, context.now);
      // As upstream: when the conditions cannot be evaluated, the value is not kept.
      if (phase === "Error") return { phase, message: message ?? "", startedAt, finishedAt };
      return {
        phase,
        startedAt,
        finishedAt,
        value: answer.text,
        ...(answer.metadata === undefined ? {} : { metadata: answer.metadata }),
      };
    },
    resume: (_context, measurement) => Promise.resolve(measurement),
    terminate: (_context, measurement): Promise<Measurement> =>
      Promise.resolve({ ...measurement, phase: "Successful" }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}
