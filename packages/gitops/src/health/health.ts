import { groupOf, type Manifest } from "../manifest.ts";
import type { Health, HealthStatusCode } from "../types/application.ts";
import {
  analysisRunHealth,
  applicationSetHealth,
  definitionHealth,
  disruptionBudgetHealth,
  experimentHealth,
  rolloutHealth,
  workflowHealth,
} from "./custom.ts";
import { jobHealth, podHealth } from "./pods.ts";
import {
  apiServiceHealth,
  horizontalPodAutoscalerHealth,
  ingressHealth,
  persistentVolumeClaimHealth,
  serviceHealth,
} from "./services.ts";
import { daemonSetHealth, deploymentHealth, replicaSetHealth, statefulSetHealth } from "./workloads.ts";

type Check = (live: Manifest) => Health;

/** Checks by `group/Kind`. Kinds without one have no health and count as nothing. */
const checks: Readonly<Record<string, Check>> = {
  "apps/Deployment": deploymentHealth,
  "apps/ReplicaSet": replicaSetHealth,
  "apps/StatefulSet": statefulSetHealth,
  "apps/DaemonSet": daemonSetHealth,
  "/Service": serviceHealth,
  "/PersistentVolumeClaim": persistentVolumeClaimHealth,
  "/Pod": podHealth,
  "networking.k8s.io/Ingress": ingressHealth,
  "extensions/Ingress": ingressHealth,
  "batch/Job": jobHealth,
  "autoscaling/HorizontalPodAutoscaler": horizontalPodAutoscalerHealth,
  "apiregistration.k8s.io/APIService": apiServiceHealth,
  "argoproj.io/Workflow": workflowHealth,
};

/** Checks that upstream writes as scripts: the kinds are judged while they live, but do not count as missing. */
const scripted: Readonly<Record<string, Check>> = {
  "argoproj.io/Rollout": rolloutHealth,
  "argoproj.io/AnalysisRun": analysisRunHealth,
  "argoproj.io/Experiment": experimentHealth,
  "argoproj.io/ApplicationSet": applicationSetHealth,
  "apiextensions.k8s.io/CustomResourceDefinition": definitionHealth,
  "policy/PodDisruptionBudget": disruptionBudgetHealth,
};

/** The health of a live object, or undefined for kinds that have none. */
export function resourceHealth(live: Manifest): Health | undefined {
  const { metadata } = live;
  if (metadata.deletionTimestamp !== undefined && !metadata.finalizers?.includes(hookFinalizer)) {
    return { status: "Progressing", message: "Pending deletion" };
  }
  const name = `${groupOf(live)}/${live.kind}`;
  return (checks[name] ?? scripted[name])?.(live);
}

/** Whether an absent object of the kind makes its Application `Missing`. */
export function countsWhenMissing(group: string, kind: string): boolean {
  return `${group}/${kind}` in checks;
}

export const hookFinalizer = "argocd.argoproj.io/hook-finalizer";

const fromBest: readonly HealthStatusCode[] = [
  "Healthy",
  "Suspended",
  "Progressing",
  "Missing",
  "Degraded",
  "Unknown",
];

/** The worst of them; nothing at all is healthy. */
export function worstHealth(statuses: Iterable<HealthStatusCode>): HealthStatusCode {
  let worst = 0;
  for (const status of statuses) worst = Math.max(worst, fromBest.indexOf(status));
  return fromBest[worst] ?? "Unknown";
}
