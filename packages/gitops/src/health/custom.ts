import { listAt, type Manifest, stringAt, valueAt } from "../manifest.ts";
import type { Health, HealthStatusCode } from "../types/application.ts";

export function rolloutHealth(live: Manifest): Health {
  // Written as text by the controller of Rollouts.
  const observed = valueAt(live, "status", "observedGeneration");
  const generation = live.metadata.generation ?? 0;
  if (observed === undefined || Number(observed) < generation || !isWorkloadObserved(live)) {
    return { status: "Progressing", message: "Waiting for rollout spec update to be observed" };
  }
  const phase = stringAt(live, "status", "phase");
  const message = stringAt(live, "status", "message") ?? "";
  if (phase === undefined)
    return {
      status: "Progressing",
      message: "Waiting for rollout to finish: status has not been reconciled.",
    };
  return { status: phase === "Paused" ? "Suspended" : (phase as HealthStatusCode), message }; // Healthy, Progressing, Degraded
}

/** Of a Rollout that refers to a Deployment, the Deployment's newest template counts too. */
function isWorkloadObserved(live: Manifest): boolean {
  if (valueAt(live, "spec", "workloadRef") === undefined) return true;
  const wanted = Number.parseInt(
    live.metadata.annotations?.["rollout.argoproj.io/workload-generation"] ?? "",
    10,
  );
  const observed = Number(valueAt(live, "status", "workloadObservedGeneration"));
  return Number.isNaN(wanted) || Number.isNaN(observed) || wanted === observed;
}

export function analysisRunHealth(live: Manifest): Health {
  const own = stringAt(live, "status", "message");
  const say = (status: HealthStatusCode, text: string): Health => ({
    status,
    message: own !== undefined && own !== "" ? own : text,
  });
  switch (stringAt(live, "status", "phase")) {
    case undefined:
      return {
        status: "Progressing",
        message: "Waiting for analysis run to finish: status has not been reconciled.",
      };
    case "Successful":
      return say("Healthy", "Analysis run completed successfully");
    case "Failed":
      return say("Degraded", "Analysis run failed");
    case "Error":
      return say("Degraded", "Analysis run had an error");
    case "Inconclusive":
      return say("Unknown", "Analysis run was inconclusive");
    default:
      return say("Progressing", "Analysis run is running");
  }
}

export function experimentHealth(live: Manifest): Health {
  switch (stringAt(live, "status", "phase")) {
    case undefined:
      return {
        status: "Progressing",
        message: "Waiting for experiment to finish: status has not been reconciled.",
      };
    case "Pending":
      return { status: "Progressing", message: "Experiment is pending" };
    case "Successful":
      return { status: "Healthy", message: "Experiment is successful" };
    case "Failed":
      return { status: "Degraded", message: "Experiment has failed" };
    case "Error":
      return { status: "Degraded", message: "Experiment had an error" };
    default:
      return { status: "Progressing", message: "Experiment is running" };
  }
}

export function applicationSetHealth(live: Manifest): Health {
  const rules: readonly (readonly [type: string, status: string, health: HealthStatusCode])[] = [
    ["ErrorOccurred", "True", "Degraded"],
    ["ResourcesUpToDate", "False", "Degraded"],
    ["RolloutProgressing", "True", "Progressing"],
    ["ResourcesUpToDate", "True", "Healthy"],
  ];
  const conditions = listAt(live, "status", "conditions");
  for (const [type, status, health] of rules) {
    const found = conditions.find(
      (entry) => stringAt(entry, "type") === type && stringAt(entry, "status") === status,
    );
    if (found !== undefined) return { status: health, message: stringAt(found, "message") ?? "" };
  }
  return { status: "Progressing", message: "Waiting for the status to be reported" };
}

export function cronJobHealth(live: Manifest): Health {
  if (valueAt(live, "spec", "suspend") === true)
    return { status: "Healthy", message: "CronJob is Suspended" };
  const scheduled = stringAt(live, "status", "lastScheduleTime");
  if (scheduled === undefined) return { status: "Healthy", message: "CronJob has not been scheduled yet" };
  const succeeded = stringAt(live, "status", "lastSuccessfulTime");
  if (succeeded === undefined) {
    return { status: "Healthy", message: "The CronJob never completed successfully. It may not be healthy" };
  }
  if (listAt(live, "status", "active").length > 0) {
    return {
      status: "Healthy",
      message: "The job is running. Its last execution may not have been successful",
    };
  }
  if (Date.parse(succeeded) < Date.parse(scheduled)) {
    return { status: "Degraded", message: "CronJob has not completed its last execution successfully" };
  }
  return { status: "Healthy" };
}

/** Of Argo Workflows. */
export function workflowHealth(live: Manifest): Health {
  const states: Readonly<Record<string, HealthStatusCode>> = {
    "": "Progressing",
    Pending: "Progressing",
    Running: "Progressing",
    Succeeded: "Healthy",
    Failed: "Degraded",
    Error: "Degraded",
  };
  const status = states[stringAt(live, "status", "phase") ?? ""] ?? "Unknown";
  return { status, message: stringAt(live, "status", "message") ?? "" };
}
