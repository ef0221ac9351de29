import type { Clock } from "@tracegate/contracts";
import { type Controller, controllerOf } from "@tracegate/controller-runtime";
import { isCompleted } from "@tracegate/judge";
import {
  formatTime,
  isConflict,
  isNotFound,
  Job,
  type KubeObject,
  type ResourceClient,
  Secret,
} from "@tracegate/kube";
import type { RunOutcome, Task } from "./assess.ts";
import { retentionOf } from "./metric-rules.ts";
import { expiresAt, failedRun, planAnalysisRun, settleAnalysisRun } from "./plan.ts";
import type { MeasurementContext, MetricProvider } from "./provider.ts";
import { substituteArgs } from "./templates.ts";
import { AnalysisRun, type Argument, type Measurement, type Metric } from "./types.ts";

/** Where Events go; the runtime's recorder fits. */
export interface EventSink {
  event(about: KubeObject, type: "Normal" | "Warning", reason: string, message: string): Promise<void> | void;
}

export interface AnalysisRunControllerOptions {
  readonly client: ResourceClient;
  readonly clock: Clock;
  readonly events: EventSink;
  /** By the name of the provider's field: `prometheus`, `web`, `job`. Others are refused by name. */
  readonly providers: Readonly<Record<string, MetricProvider>>;
}

/**
 * Takes the measurements of AnalysisRuns. All of a run's state is in its status: it is written with the resourceVersion
 * that was read, so of two writers one starts over, and a measurement is counted once or not at all.
 */
export function analysisRunController({
  client,
  clock,
  events,
  providers,
}: AnalysisRunControllerOptions): Controller<AnalysisRun> {
  return {
    name: "analysisruns",
    kind: AnalysisRun,
    watches: [{ kind: Job, map: controllerOf(AnalysisRun) }],
    async reconcile(ref, signal) {
      let run: AnalysisRun;
      try {
        run = await client.get(AnalysisRun, ref);
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
      if (run.metadata.deletionTimestamp !== undefined) return undefined;
      if (isCompleted(run.status?.phase)) return expire(client, run, clock.now());
      const outcome = await advance(run, signal);
      if (!same(run.status, outcome.status)) {
        try {
          await client.patch(AnalysisRun, ref, {
            type: "merge",
            body: {
              metadata: { resourceVersion: run.metadata.resourceVersion },
              status: replacing(run.status, outcome.status),
            },
          });
        } catch (error) {
          if (isConflict(error)) return { requeueAfterMs: 0 };
          throw error;
        }
      }
      for (const { type, reason, message } of outcome.events) await events.event(run, type, reason, message);
      return outcome.wakeAt === undefined
        ? undefined
        : { requeueAfterMs: Math.max(0, outcome.wakeAt - clock.now()) };
    },
  };

  async function advance(run: AnalysisRun, signal: AbortSignal): Promise<RunOutcome> {
    const plan = planAnalysisRun(run, clock.now());
    if ("outcome" in plan) return plan.outcome;
    const secrets = plan.tasks.length === 0 ? [] : await secretArgs(client, run);
    if ("error" in secrets)
      return failedRun(run.status ?? { phase: "" }, `Unable to resolve metric arguments: ${secrets.error}`);
    const taken = await Promise.all(plan.tasks.map((task) => measure(run, task, secrets, signal)));
    return settleAnalysisRun(run, plan.metrics, taken, clock.now());
  }

  async function measure(run: AnalysisRun, task: Task, secrets: readonly Argument[], signal: AbortSignal) {
    const name = providerName(task);
    const provider = Object.hasOwn(providers, name) ? providers[name] : undefined;
    const filled = withSecrets(run, task.metric, secrets);
    if ("error" in filled) return { task, measurement: notTaken(filled.error, clock.now()) };
    if (provider === undefined) {
      const refusal = `no valid provider in metric '${task.metric.name}': ${name} is not supported here`;
      return { task, measurement: notTaken(refusal, clock.now()) };
    }
    const context = { run, metric: filled.resolved, now: clock.now(), signal, attempt: task.attempt };
    const measurement = redacted(await take(provider, task, context), secrets);
    if (isCompleted(measurement.phase))
      await provider.collect?.(context, retentionOf(run.spec, task.metric.name));
    const metadata = provider.metadata?.(task.metric);
    return { task, measurement, ...(metadata === undefined ? {} : { metadata }) };
  }
}

function take(provider: MetricProvider, { action, measurement }: Task, context: MeasurementContext) {
  if (action === "run" || measurement === undefined) return provider.run(context);
  return action === "resume"
    ? provider.resume(context, measurement)
    : provider.terminate(context, measurement);
}

/** The metric as it was written, filled in anew with what Secrets say. */
function withSecrets(run: AnalysisRun, metric: Metric, secrets: readonly Argument[]) {
  if (secrets.length === 0) return { resolved: metric };
  const written = run.spec.metrics.find(({ name }) => name === metric.name) ?? metric;
  const args = (run.spec.args ?? []).map((arg) => secrets.find(({ name }) => name === arg.name) ?? arg);
  return substituteArgs(written, args);
}

const notTaken = (message: string, now: number): Measurement => ({
  phase: "Error",
  message,
  startedAt: formatTime(now),
  finishedAt: formatTime(now),
});

const providerName = ({ metric }: Task): string =>
  Object.entries(metric.provider).find(([, config]) => config !== undefined && config !== null)?.[0] ?? "";

async function expire(client: ResourceClient, run: AnalysisRun, now: number) {
  const at = expiresAt(run);
  if (at === undefined) return undefined;
  if (at > now) return { requeueAfterMs: at - now };
  try {
    await client.delete(AnalysisRun, {
      namespace: run.metadata.namespace ?? "default",
      name: run.metadata.name,
    });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  return undefined;
}

/** Arguments whose values come from Secrets, read at every measurement. */
async function secretArgs(
  client: ResourceClient,
  run: AnalysisRun,
): Promise<Argument[] | { readonly error: string }> {
  const args: Argument[] = [];
  for (const { name, valueFrom } of run.spec.args ?? []) {
    const source = valueFrom?.secretKeyRef;
    if (source === undefined) continue;
    try {
      const secret = await client.get(Secret, {
        namespace: run.metadata.namespace ?? "default",
        name: source.name,
      });
      const encoded = secret.data?.[source.key];
      if (encoded === undefined)
        return { error: `key '${source.key}' does not exist in secret '${source.name}'` };
      args.push({ name, value: Buffer.from(encoded, "base64").toString("utf8") });
    } catch (error) {
      if (isNotFound(error) && error instanceof Error) return { error: error.message };
      throw error;
    }
  }
  return args;
}

/** Secrets must not reach the status. */
function redacted(measurement: Measurement, secrets: readonly Argument[]): Measurement {
  if (measurement.message === undefined) return measurement;
  const message = secrets.reduce(
    (text, { value }) => (value === undefined || value === "" ? text : text.replaceAll(value, "*****")),
    measurement.message,
  );
  return { ...measurement, message };
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** A merge patch that makes `before` into `after` also where fields went away. */
function replacing(before: AnalysisRun["status"], after: AnalysisRun["status"]): Record<string, unknown> {
  const gone = Object.keys(before ?? {}).filter((key) => !Object.hasOwn(after ?? {}, key));
  // Summaries are merged key by key, so a count that went back must be written as gone.
  return { ...Object.fromEntries(gone.map((key) => [key, null])), ...after };
}
