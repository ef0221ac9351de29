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
  const decisive = listAt(live, "status", "conditions").find(
    (condition) =>
      stringAt(condition, "status") === "True" &&
      ["ErrorOccurred", "ResourcesUpToDate"].includes(stringAt(condition, "type") ?? ""),
  );
  if (decisive === undefined)
    return { status: "Progressing", message: "Waiting for the status to be reported" };
  const status = stringAt(decisive, "type") === "ErrorOccurred" ? "Degraded" : "Healthy";
  return { status, message: stringAt(decisive, "message") ?? "" };
}

export function definitionHealth(live: Manifest): Health {
  const conditions = listAt(live, "status", "conditions");
  if (conditions.length === 0) return { status: "Progressing", message: "Status conditions not found" };
  const rules: readonly (readonly [type: string, status: string, HealthStatusCode, text: string])[] = [
    ["Terminating", "True", "Progressing", "CRD is terminating"],
    ["NamesAccepted", "False", "Degraded", "CRD names have not been accepted"],
    ["NonStructuralSchema", "True", "Degraded", "Schema violations found"],
  ];
  for (const condition of conditions) {
    const [type, status] = [stringAt(condition, "type"), stringAt(condition, "status")];
    const rule = rules.find(([ofType, value]) => ofType === type && value === status);
    if (rule !== undefined)
      return { status: rule[2], message: `${rule[3]}: ${stringAt(condition, "message") ?? ""}` };
  }
  const established = conditions.some(
    (condition) => stringAt(condition, "type") === "Established" && stringAt(condition, "status") === "True",
  );
  return established
    ? { status: "Healthy", message: "CRD is healthy" }
    : { status: "Degraded", message: "CRD is not established" };
}

/** Too few pods is how a budget works, not a fault of it. */
export function disruptionBudgetHealth(live: Manifest): Health {
  const conditions = listAt(live, "status", "conditions");
  const fault = conditions.find(
    (condition) =>
      stringAt(condition, "status") === "False" && stringAt(condition, "reason") !== "InsufficientPods",
  );
  const told = fault ?? conditions.at(-1);
  if (told === undefined) return { status: "Progressing", message: "Waiting for status" };
  const message = `PodDisruptionBudget has ${stringAt(told, "reason") ?? ""}`;
  return { status: fault === undefined ? "Healthy" : "Degraded", message };
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
