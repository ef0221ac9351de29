import { formatTime, isAlreadyExists, isNotFound, Job, Pod, type ResourceClient } from "@tracegate/kube";
import type { MeasurementContext, MetricProvider } from "../provider.ts";
import type { Measurement } from "../types.ts";

const uidLabel = "analysisrun.argoproj.io/uid";
/** Waiting reasons that no amount of waiting mends. */
const terminalWaiting = new Set(["ErrImagePull", "ImagePullBackOff", "InvalidImageName"]);

/**
 * A measurement that is a Job: Complete is Successful, Failed is Failed. The Job's name follows from the run and the
 * attempt, so a controller that died after creating it finds it again instead of starting another.
 */
export function jobProvider(options: { client: ResourceClient; now: () => number }): MetricProvider {
  const { client, now } = options;
  return {
    async run(context) {
      const job = newJob(context);
      try {
        await client.create(Job, job);
      } catch (error) {
        if (!isAlreadyExists(error)) return failed(context, error);
        const found = await client.get(Job, ref(job));
        if (found.metadata.labels?.[uidLabel] !== context.run.metadata.uid) return failed(context, error);
      }
      return {
        phase: "Running",
        startedAt: formatTime(context.now),
        metadata: { "job-name": job.metadata.name, "job-namespace": job.metadata.namespace ?? "" },
      };
    },
    async resume(context, measurement) {
      const target = jobRef(measurement);
      let job: Job;
      try {
        job = await client.get(Job, target);
      } catch (error) {
        return {
          ...failed(context, error),
          ...(measurement.startedAt === undefined ? {} : { startedAt: measurement.startedAt }),
        };
      }
      for (const { type, status } of job.status?.conditions ?? []) {
        if (status !== "True") continue;
        if (type === "Complete")
          return { ...measurement, phase: "Successful", finishedAt: formatTime(now()) };
        if (type === "Failed") return { ...measurement, phase: "Failed", finishedAt: formatTime(now()) };
      }
      const stuck = await stuckPod(client, job);
      if (stuck !== undefined)
        return { ...measurement, phase: "Inconclusive", message: stuck, finishedAt: formatTime(now()) };
      return measurement;
    },
    async terminate(_context, measurement) {
      try {
        await client.delete(Job, jobRef(measurement), { propagationPolicy: "Foreground" });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      return { ...measurement, phase: "Inconclusive", finishedAt: formatTime(now()) };
    },
    async collect({ run, metric }, limit) {
      const mine = await client.list(Job, {
        namespace: run.metadata.namespace ?? "default",
        labelSelector: `${uidLabel}=${run.metadata.uid ?? ""}`,
      });
      const ofMetric = mine.items
        .filter(
          ({ metadata }) => metadata.annotations?.["analysisrun.argoproj.io/metric-name"] === metric.name,
        )
        .sort((a, b) =>
          (a.metadata.creationTimestamp ?? "").localeCompare(b.metadata.creationTimestamp ?? ""),
        );
      for (const job of ofMetric.slice(0, Math.max(0, ofMetric.length - limit)))
        await client.delete(Job, ref(job), { propagationPolicy: "Foreground" });
    },
  };
}

const failed = (context: MeasurementContext, error: unknown): Measurement => ({
  phase: "Error",
  message: error instanceof Error ? error.message : String(error),
  startedAt: formatTime(context.now),
  finishedAt: formatTime(context.now),
});

const ref = ({ metadata }: Job) => ({ namespace: metadata.namespace ?? "default", name: metadata.name });
const jobRef = ({ metadata }: Measurement) => ({
  namespace: metadata?.["job-namespace"] ?? "default",
  name: metadata?.["job-name"] ?? "",
});

function newJob({ run, metric, attempt }: MeasurementContext): Job {
  const given = metric.provider.job;
  const { uid = "", namespace = "default", name } = run.metadata;
  const suffix = `.${attempt}`;
  // A Job's name becomes a label of its pods: 63 characters at most.
  const jobName = `${uid}.${metric.name.slice(0, Math.max(0, 63 - uid.length - 1 - suffix.length))}${suffix}`;
  const template = given?.spec.template ?? { spec: { containers: [] } };
  const labels = { ...template.metadata?.labels, [uidLabel]: uid };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name: jobName,
      namespace,
      labels: { ...given?.metadata?.labels, [uidLabel]: uid },
      annotations: {
        ...given?.metadata?.annotations,
        "analysisrun.argoproj.io/name": name,
        "analysisrun.argoproj.io/namespace": namespace,
        "analysisrun.argoproj.io/metric-name": metric.name,
      },
      ownerReferences: [
        {
          apiVersion: "argoproj.io/v1alpha1",
          kind: "AnalysisRun",
          name,
          uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: { ...given?.spec, template: { ...template, metadata: { ...template.metadata, labels } } },
  };
}

async function stuckPod(client: ResourceClient, job: Job): Promise<string | undefined> {
  const pods = await client.list(Pod, {
    namespace: job.metadata.namespace ?? "default",
    labelSelector: `job-name=${job.metadata.name}`,
  });
  for (const pod of pods.items)
    for (const { name, state } of pod.status?.containerStatuses ?? []) {
      const { reason = "", message = "" } = state?.waiting ?? {};
      if (terminalWaiting.has(reason))
        return `Pod ${pod.metadata.name}, container ${name} has terminal error (${reason}): ${message}\n`;
    }
  return undefined;
}
