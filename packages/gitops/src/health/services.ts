import { listAt, type Manifest, stringAt } from "../manifest.ts";
import type { Health } from "../types/application.ts";

export function serviceHealth(live: Manifest): Health {
  const addressed = listAt(live, "status", "loadBalancer", "ingress").length > 0;
  return {
    status: stringAt(live, "spec", "type") === "LoadBalancer" && !addressed ? "Progressing" : "Healthy",
  };
}

export function ingressHealth(live: Manifest): Health {
  return { status: listAt(live, "status", "loadBalancer", "ingress").length > 0 ? "Healthy" : "Progressing" };
}

export function persistentVolumeClaimHealth(live: Manifest): Health {
  switch (stringAt(live, "status", "phase")) {
    case "Bound":
      return { status: "Healthy" };
    case "Pending":
      return { status: "Progressing" };
    case "Lost":
      return { status: "Degraded" };
    default:
      return { status: "Unknown" };
  }
}

const scalingFailures = new Set([
  "AbleToScale/FailedGetScale",
  "AbleToScale/FailedUpdateScale",
  "ScalingActive/FailedGetResourceMetric",
  "ScalingActive/InvalidSelector",
]);

export function horizontalPodAutoscalerHealth(live: Manifest): Health {
  const conditions = autoscalerConditions(live);
  for (const condition of conditions) {
    if (scalingFailures.has(`${stringAt(condition, "type")}/${stringAt(condition, "reason")}`)) {
      return { status: "Degraded", message: stringAt(condition, "message") ?? "" };
    }
    const type = stringAt(condition, "type");
    if ((type === "AbleToScale" || type === "ScalingLimited") && stringAt(condition, "status") === "True") {
      return { status: "Healthy", message: stringAt(condition, "message") ?? "" };
    }
  }
  return { status: "Progressing", message: "Waiting to Autoscale" };
}

/** `autoscaling/v1` keeps its conditions in an annotation. */
function autoscalerConditions(live: Manifest): readonly unknown[] {
  if (live.apiVersion !== "autoscaling/v1") return listAt(live, "status", "conditions");
  try {
    const noted: unknown = JSON.parse(
      live.metadata.annotations?.["autoscaling.alpha.kubernetes.io/conditions"] ?? "[]",
    );
    return Array.isArray(noted) ? noted : [];
  } catch {
    return []; // somebody edited it; nothing is known then
  }
}

export function apiServiceHealth(live: Manifest): Health {
  const available = listAt(live, "status", "conditions").find(
    (condition) => stringAt(condition, "type") === "Available",
  );
  if (available === undefined) return { status: "Progressing", message: "Waiting to be processed" };
  const message = `${stringAt(available, "reason") ?? ""}: ${stringAt(available, "message") ?? ""}`;
  return { status: stringAt(available, "status") === "True" ? "Healthy" : "Progressing", message };
}
