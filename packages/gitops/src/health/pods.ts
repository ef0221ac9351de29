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
    const stuck = listAt(live, "status", "containerStatuses")
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
      const crashed = listAt(live, "status", "containerStatuses").some(
        (status) => valueAt(status, "lastState", "terminated") !== undefined,
      );
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

/** ⚠ Of Failed, Complete and an ended suspension only the condition's type counts, as upstream. */
export function jobHealth(live: Manifest): Health {
  let failed: string | undefined;
  let complete: string | undefined;
  let suspended = false;
  for (const condition of listAt(live, "status", "conditions")) {
    const type = stringAt(condition, "type");
    const message = stringAt(condition, "message") ?? "";
    if (type === "Failed") failed = message;
    if (type === "Complete" || type === "Suspended") complete = message;
    if (type === "Suspended" && stringAt(condition, "status") === "True") suspended = true;
  }
  if (failed !== undefined) return { status: "Degraded", message: failed };
  if (suspended) return { status: "Suspended", message: "" };
  if (complete !== undefined) return { status: "Healthy", message: complete };
  return { status: "Progressing", message: "" };
}
