import assert from "node:assert/strict";
import { test } from "node:test";
import { resourceHealth } from "./health.ts";

type Case = readonly [
  kind: string,
  fields: { spec?: object; status?: object; annotations?: Record<string, string> },
  health: string,
];
const seen = { observedGeneration: 2 };
const is = (type: string, status: string, reason = "Why", message = "why") => ({
  conditions: [{ type, status, reason, message }],
});

// What each kind's rules say, in the words of the original.
const cases: readonly Case[] = [
  [
    "apps/v1 Deployment",
    { spec: { replicas: 3 }, status: { ...seen, updatedReplicas: 1 } },
    "Progressing: Waiting for rollout to finish: 1 out of 3 new replicas have been updated...",
  ],
  [
    "apps/v1 Deployment",
    { spec: { replicas: 1 }, status: { ...seen, replicas: 1, updatedReplicas: 1 } },
    "Progressing: Waiting for rollout to finish: 0 of 1 updated replicas are available...",
  ],
  [
    "apps/v1 ReplicaSet",
    { status: { ...seen, ...is("ReplicaFailure", "True", "FailedCreate", "quota") } },
    "Degraded: quota",
  ],
  [
    "apps/v1 ReplicaSet",
    { spec: { replicas: 2 }, status: { ...seen, availableReplicas: 1 } },
    "Progressing: Waiting for rollout to finish: 1 out of 2 new replicas are available...",
  ],
  [
    "apps/v1 StatefulSet",
    { status: {} },
    "Progressing: Waiting for statefulset spec update to be observed...",
  ],
  [
    "apps/v1 StatefulSet",
    { spec: { replicas: 3 }, status: { ...seen, readyReplicas: 1 } },
    "Progressing: Waiting for 2 pods to be ready...",
  ],
  [
    "apps/v1 StatefulSet",
    {
      spec: { replicas: 3, updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 1 } } },
      status: { ...seen, readyReplicas: 3, updatedReplicas: 1 },
    },
    "Progressing: Waiting for partitioned roll out to finish: 1 out of 2 new pods have been updated...",
  ],
  [
    "apps/v1 StatefulSet",
    {
      spec: { replicas: 1, updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } } },
      status: { ...seen, readyReplicas: 1, updatedReplicas: 1 },
    },
    "Healthy: partitioned roll out complete: 1 new pods have been updated...",
  ],
  [
    "apps/v1 StatefulSet",
    { spec: { replicas: 1, updateStrategy: { type: "OnDelete" } }, status: { ...seen, readyReplicas: 1 } },
    "Healthy: statefulset has 1 ready pods",
  ],
  [
    "apps/v1 StatefulSet",
    {
      spec: { replicas: 1 },
      status: { ...seen, readyReplicas: 1, updatedReplicas: 0, updateRevision: "b", currentRevision: "a" },
    },
    "Progressing: waiting for statefulset rolling update to complete 0 pods at revision b...",
  ],
  [
    "apps/v1 DaemonSet",
    { status: { ...seen, desiredNumberScheduled: 2, updatedNumberScheduled: 1 } },
    'Progressing: Waiting for daemon set "x" rollout to finish: 1 out of 2 new pods have been updated...',
  ],
  [
    "apps/v1 DaemonSet",
    {
      spec: { updateStrategy: { type: "OnDelete" } },
      status: { ...seen, desiredNumberScheduled: 2, updatedNumberScheduled: 1 },
    },
    "Healthy: daemon set 1 out of 2 new pods have been updated",
  ],
  ["v1 PersistentVolumeClaim", { status: { phase: "Lost" } }, "Degraded: "],
  ["v1 PersistentVolumeClaim", { status: { phase: "Pending" } }, "Progressing: "],
  ["networking.k8s.io/v1 Ingress", { status: { loadBalancer: {} } }, "Progressing: "],
  [
    "networking.k8s.io/v1 Ingress",
    { status: { loadBalancer: { ingress: [{ ip: "10.0.0.1" }] } } },
    "Healthy: ",
  ],
  ["batch/v1 Job", { status: is("Suspended", "True", "JobSuspended", "Job suspended") }, "Suspended: "],
  [
    "batch/v1 Job",
    { status: is("Complete", "True", "CompletionsReached", "Reached expected number of succeeded pods") },
    "Healthy: Reached expected number of succeeded pods",
  ],
  ["v1 Pod", { spec: { restartPolicy: "Never" }, status: { phase: "Running" } }, "Progressing: "],
  [
    "v1 Pod",
    {
      status: { phase: "Failed", containerStatuses: [{ name: "c", state: { terminated: { exitCode: 3 } } }] },
    },
    'Degraded: container "c" failed with exit code 3',
  ],
  ["autoscaling/v2 HorizontalPodAutoscaler", { status: {} }, "Progressing: Waiting to Autoscale"],
  [
    "autoscaling/v2 HorizontalPodAutoscaler",
    { status: is("ScalingActive", "False", "FailedGetResourceMetric", "no metrics") },
    "Degraded: no metrics",
  ],
  [
    "autoscaling/v1 HorizontalPodAutoscaler",
    {
      annotations: {
        "autoscaling.alpha.kubernetes.io/conditions": JSON.stringify([
          { type: "AbleToScale", status: "True", message: "ready" },
        ]),
      },
    },
    "Healthy: ready",
  ],
  ["apiregistration.k8s.io/v1 APIService", { status: {} }, "Progressing: Waiting to be processed"],
  [
    "apiregistration.k8s.io/v1 APIService",
    { status: is("Available", "False", "FailedDiscovery", "gone") },
    "Progressing: FailedDiscovery: gone",
  ],
  [
    "apiregistration.k8s.io/v1 APIService",
    { status: is("Available", "True", "Passed", "fine") },
    "Healthy: Passed: fine",
  ],
  ["argoproj.io/v1alpha1 Workflow", { status: { phase: "Error", message: "boom" } }, "Degraded: boom"],
  [
    "argoproj.io/v1alpha1 Rollout",
    {
      spec: { workloadRef: {} },
      annotations: { "rollout.argoproj.io/workload-generation": "3" },
      status: { observedGeneration: "2", workloadObservedGeneration: "2", phase: "Healthy" },
    },
    "Progressing: Waiting for rollout spec update to be observed",
  ],
  [
    "argoproj.io/v1alpha1 AnalysisRun",
    { status: { phase: "Running" } },
    "Progressing: Analysis run is running",
  ],
  [
    "argoproj.io/v1alpha1 AnalysisRun",
    { status: { phase: "Failed", message: "Metric failed" } },
    "Degraded: Metric failed",
  ],
  ["argoproj.io/v1alpha1 Experiment", { status: { phase: "Error" } }, "Degraded: Experiment had an error"],
  [
    "argoproj.io/v1alpha1 ApplicationSet",
    { status: is("ResourcesUpToDate", "True", "UpToDate", "all there") },
    "Healthy: all there",
  ],
  ["policy/v1 PodDisruptionBudget", {}, "Progressing: Waiting for status"],
  [
    "policy/v1 PodDisruptionBudget",
    { status: is("DisruptionAllowed", "False", "InsufficientPods", "") },
    "Healthy: PodDisruptionBudget has InsufficientPods",
  ],
  [
    "policy/v1 PodDisruptionBudget",
    { status: is("DisruptionAllowed", "False", "SyncFailed", "") },
    "Degraded: PodDisruptionBudget has SyncFailed",
  ],
  [
    "apiextensions.k8s.io/v1 CustomResourceDefinition",
    { status: is("NamesAccepted", "False", "Conflict", "taken") },
    "Degraded: CRD names have not been accepted: taken",
  ],
  [
    "apiextensions.k8s.io/v1 CustomResourceDefinition",
    { status: is("Established", "True", "InitialNamesAccepted", "") },
    "Healthy: CRD is healthy",
  ],
];

for (const [index, [kind, { spec = {}, status = {}, annotations = {} }, health]] of cases.entries()) {
  test(`${index + 1}. ${kind} → ${health}`, () => {
    const [apiVersion = "", name = ""] = kind.split(" ");
    const metadata = { name: "x", generation: 2, annotations };
    const judged = resourceHealth({ apiVersion, kind: name, metadata, spec, status });
    assert.equal(`${judged?.status}: ${judged?.message ?? ""}`, health);
  });
}
