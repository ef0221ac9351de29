import { listAt, type Manifest, numberAt, stringAt, valueAt } from "../manifest.ts";
import type { Health } from "../types/application.ts";

export function podHealth(live: Manifest): Health {
  const message = stringAt(live, "status", "message");
  const restart = stringAt(live, "spec", "restartPolicy") ?? "Always";
  const always =
    restart === "Always" ||
    live.metadata.annotations?.["argocd.argoproj.io/ignore-restart-policy"] === "true";
  const statuses = [
    ...listAt(live, "status", "initContainerStatuses"),
    ...listAt(live, "status", "containerStatuses"),
  ];
  if (always) {
    const stuck = statuses
      .map((status) => valueAt(status, "state", "waiting"))
      .filter((waiting) => /^Err|Error$|BackOff$/.test(stringAt(waiting, "reason") ?? ""));
    if (stuck.length > 0) {
      return {
        status: "Degraded",
        message: stuck.map((waiting) => stringAt(waiting, "message") ?? "").join(", "),
      };
    }
  }
  switch (stringAt(live, "status", "phase")) {
    case "Pending":
      return { status: "Progressing", ...(message === undefined ? {} : { message }) };
    case "Succeeded":
      return { status: "Healthy", ...(message === undefined ? {} : { message }) };
    case "Failed":
      return { status: "Degraded", message: message ?? failureOf(statuses) };
    case "Running": {
      if (!always) return { status: "Progressing", ...(message === undefined ? {} : { message }) };
      const ready = listAt(live, "status", "conditions").find((entry) => stringAt(entry, "type") === "Ready");
      if (stringAt(ready, "status") === "True")
        return { status: "Healthy", ...(message === undefined ? {} : { message }) };
      const crashed = statuses.some((status) => valueAt(status, "lastState", "terminated") !== undefined);
      return { status: crashed ? "Degraded" : "Progressing", ...(message === undefined ? {} : { message }) };
    }
    default:
      return { status: "Unknown", ...(message === undefined ? {} : { message }) };
  }
}

function failureOf(statuses: readonly unknown[]): string {
  for (const status of statuses) {
    const terminated = valueAt(status, "state", "terminated");
    if (terminated === undefined) continue;
    const message = stringAt(terminated, "message");
    if (message !== undefined && message !== "") return message;
    if (stringAt(terminated, "reason") === "OOMKilled") return "OOMKilled";
    const code = numberAt(terminated, "exitCode") ?? 0;
    if (code !== 0) return `container "${stringAt(status, "name")}" failed with exit code ${code}`;
  }
  return "";
}

/** ⚠ Only the condition's type counts, as upstream: a `Failed` that is False would fail the Job too. */
export function jobHealth(live: Manifest): Health {
  let failed: string | undefined;
  let complete: string | undefined;
  for (const condition of listAt(live, "status", "conditions")) {
    const message = stringAt(condition, "message") ?? "";
    if (stringAt(condition, "type") === "Failed") failed = message;
    if (stringAt(condition, "type") === "Complete") complete = message;
    if (stringAt(condition, "type") === "Suspended" && stringAt(condition, "status") === "True") {
      return { status: "Suspended", message };
    }
  }
  if (failed !== undefined) return { status: "Degraded", message: failed };
  if (complete !== undefined) return { status: "Healthy", message: complete };
  return { status: "Progressing", message: stringAt(live, "status", "message") ?? "" };
}
