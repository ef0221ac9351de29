import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { parseTime } from "../values/time.ts";
import {
  AGE,
  ageOf,
  type Cell,
  column,
  NAME,
  nameOf,
  orNone,
  since,
  type TablePrinter,
  wide,
} from "./table.ts";

export const podPrinter: TablePrinter = {
  columns: [
    NAME,
    column("Ready"),
    column("Status"),
    column("Restarts"),
    AGE,
    wide("IP"),
    wide("Node"),
    wide("Nominated Node"),
    wide("Readiness Gates"),
  ],
  cells(pod, now) {
    const { reason, ready, total, restarts, lastRestart } = podState(pod);
    const ago = restarts > 0 && lastRestart !== undefined ? ` (${since(lastRestart, now)} ago)` : "";
    const address = stringAt(listAt(pod["status"], "podIPs")[0], "ip");
    return [
      nameOf(pod),
      `${ready}/${total}`,
      reason,
      `${restarts}${ago}`,
      ageOf(pod, now),
      orNone(address),
      orNone(stringAt(pod["spec"], "nodeName")),
      orNone(stringAt(pod["status"], "nominatedNodeName")),
      readinessGates(pod),
    ] satisfies Cell[];
  },
  conditions(pod) {
    const phase = stringAt(pod["status"], "phase");
    if (phase !== "Succeeded" && phase !== "Failed") return [];
    const message = phase === "Succeeded" ? "The pod has completed successfully." : "The pod failed.";
    return [{ type: "Completed", status: "True", reason: phase, message }];
  },
};

interface PodState {
  readonly reason: string;
  readonly ready: number;
  readonly total: number;
  readonly restarts: number;
  readonly lastRestart: string | undefined;
}

/** What the STATUS column says, with the counts beside it (upstream's `printPod`). */
export function podState(pod: JsonObject): PodState {
  const [spec, status] = [objectAt(pod, "spec"), objectAt(pod, "status")];
  const conditions = listAt(status, "conditions").filter(isObject);
  const phase = stringAt(status, "phase");
  const inits = initState(spec, status);
  const sidecars = listAt(spec, "initContainers").filter(isRestartable);
  let reason = stringAt(status, "reason") || phase;
  if (conditions.some((c) => c["type"] === "PodScheduled" && c["reason"] === "SchedulingGated")) {
    reason = "SchedulingGated";
  }
  let { ready } = inits;
  let tally: Restarts = inits.all;
  const initialized = conditions.some((c) => c["type"] === "Initialized" && c["status"] === "True");
  if (inits.reason !== undefined) reason = inits.reason;
  if (inits.reason === undefined || initialized) {
    const main = mainState(status, inits.sidecars);
    reason = main.reason ?? reason;
    ready += main.ready;
    tally = main.restarts;
    if (reason === "Completed" && main.ready > 0) {
      reason = conditions.some((c) => c["type"] === "Ready" && c["status"] === "True")
        ? "Running"
        : "NotReady";
    }
  }
  if (objectAt(pod, "metadata")?.["deletionTimestamp"] !== undefined) {
    if (stringAt(status, "reason") === "NodeLost") reason = "Unknown";
    else if (phase !== "Succeeded" && phase !== "Failed") reason = "Terminating";
  }
  return {
    reason,
    ready,
    total: listAt(spec, "containers").length + sidecars.length,
    restarts: tally.count,
    lastRestart: tally.last,
  };
}

interface Restarts {
  readonly count: number;
  readonly last: string | undefined;
}

const NO_RESTARTS: Restarts = { count: 0, last: undefined };

/** How far initialization is: the reason to show while it is not done, and how many sidecars are ready. */
function initState(spec: JsonObject | undefined, status: JsonObject | undefined) {
  const containers = listAt(spec, "initContainers").filter(isObject);
  let [all, sidecars, ready]: [Restarts, Restarts, number] = [NO_RESTARTS, NO_RESTARTS, 0];
  for (const [i, container] of listAt(status, "initContainerStatuses").filter(isObject).entries()) {
    const isSidecar = isRestartable(containers.find(({ name }) => name === container["name"]));
    all = withRestarts(all, container);
    if (isSidecar) sidecars = withRestarts(sidecars, container);
    const terminated = objectAt(container["state"], "terminated");
    const waiting = stringAt(objectAt(container["state"], "waiting"), "reason");
    if (terminated !== undefined && (numberAt(terminated, "exitCode") ?? 0) === 0) continue;
    if (isSidecar && container["started"] === true) {
      if (container["ready"] === true) ready++;
      continue;
    }
    let reason = `${i}/${containers.length}`;
    if (terminated !== undefined) reason = endedReason(terminated);
    else if (waiting !== "" && waiting !== "PodInitializing") reason = waiting;
    return { all, sidecars, ready, reason: `Init:${reason}` };
  }
  return { all, sidecars, ready, reason: undefined };
}

/** The regular containers, from last to first: the first one has the last word. */
function mainState(status: JsonObject | undefined, before: Restarts) {
  let [restarts, reason, ready]: [Restarts, string | undefined, number] = [before, undefined, 0];
  for (const container of listAt(status, "containerStatuses").filter(isObject).reverse()) {
    restarts = withRestarts(restarts, container);
    const waiting = stringAt(objectAt(container["state"], "waiting"), "reason");
    const terminated = objectAt(container["state"], "terminated");
    if (waiting !== "") reason = waiting;
    else if (terminated !== undefined) reason = endedReason(terminated);
    else if (container["ready"] === true && objectAt(container["state"], "running") !== undefined) ready++;
  }
  return { restarts, reason, ready };
}

function endedReason(terminated: JsonObject): string {
  const signal = numberAt(terminated, "signal") ?? 0;
  const number = signal === 0 ? `ExitCode:${numberAt(terminated, "exitCode") ?? 0}` : `Signal:${signal}`;
  return stringAt(terminated, "reason") || number;
}

function withRestarts({ count, last }: Restarts, container: JsonObject): Restarts {
  const finished = stringAt(objectAt(container["lastState"], "terminated"), "finishedAt");
  const isLater =
    finished !== "" && (last === undefined || (parseTime(finished) ?? 0) > (parseTime(last) ?? 0));
  return { count: count + (numberAt(container, "restartCount") ?? 0), last: isLater ? finished : last };
}

/** A sidecar: an init container that is restarted for as long as the pod lives. */
function isRestartable(container: unknown): boolean {
  return stringAt(container, "restartPolicy") === "Always";
}

function readinessGates(pod: JsonObject): string {
  const gates = listAt(pod["spec"], "readinessGates");
  if (gates.length === 0) return "<none>";
  const conditions = listAt(pod["status"], "conditions");
  const isTrue = (gate: unknown) =>
    conditions.some(
      (c) => stringAt(c, "type") === stringAt(gate, "conditionType") && stringAt(c, "status") === "True",
    );
  return `${gates.filter(isTrue).length}/${gates.length}`;
}
