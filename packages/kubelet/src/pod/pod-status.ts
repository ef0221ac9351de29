import { createHash } from "node:crypto";
import {
  type Condition,
  type Container,
  type ContainerState,
  type ContainerStatus,
  compareQuantities,
  formatTime,
  type Pod,
  type PodStatus,
  parseQuantity,
} from "@tracegate/kube";
import type { ContainerProcessState } from "../sandbox.ts";
import { isSidecar, type ObservedPod, restartPolicyOf } from "./observed-pod.ts";

/** A container as it is decided about and reported. */
export interface ContainerView {
  readonly container: Container;
  readonly isInit: boolean;
  /** As last reported. */
  readonly prior: ContainerStatus | undefined;
  readonly run: ContainerProcessState | undefined;
  /** It was running, and its sandbox is gone. */
  readonly wasLost: boolean;
  readonly restartCount: number;
  readonly started: boolean;
  readonly ready: boolean;
  readonly containerId: string;
  readonly waiting: ContainerState | undefined;
  wait(reason: string, message: string): void;
}

/** A stable name for one start of a container, in the form of a runtime's. */
export const containerId = (pod: Pod, name: string, attempt: number): string =>
  `tracegate://${createHash("sha256").update(`${pod.metadata.uid}/${name}/${attempt}`).digest("hex")}`;

/** The status that the node reports. `ended`: nothing runs any more, nor will it. */
export function podStatus(
  pod: Pod,
  views: readonly ContainerView[],
  observed: ObservedPod,
  now: number,
  facts: { ended?: boolean; failedInit?: boolean } = {},
): PodStatus {
  const initStatuses: ContainerStatus[] = [];
  const statuses: ContainerStatus[] = [];
  const initialised =
    views.every((view) => !view.isInit || isInitDone(view)) || views.some((view) => !view.isInit && view.run);
  for (const view of views)
    (view.isInit ? initStatuses : statuses).push(
      containerStatus(view, views, observed, facts.ended ?? false),
    );
  statuses.sort((a, b) => (a.name < b.name ? -1 : 1));
  const phase = facts.failedInit
    ? "Failed"
    : phaseOf(pod, initStatuses, statuses, initialised, facts.ended ?? false);
  const ip = observed.sandbox?.ip ?? pod.status?.podIP;
  // What others have put there (conditions of readiness gates, nominatedNodeName) stays.
  const { reason: _reason, message: _message, ...kept } = pod.status ?? {};
  return {
    ...kept,
    phase,
    conditions: conditionsOf(pod, {
      phase,
      initialised,
      initStatuses,
      statuses,
      hasSandbox: observed.sandbox !== undefined,
      now,
    }),
    hostIP: observed.hostIP,
    hostIPs: [{ ip: observed.hostIP }],
    ...(ip === undefined ? {} : { podIP: ip, podIPs: [{ ip }] }),
    startTime: pod.status?.startTime ?? formatTime(now),
    qosClass: qosClassOf(pod),
    ...(initStatuses.length > 0 ? { initContainerStatuses: initStatuses } : {}),
    containerStatuses: statuses,
  } as PodStatus;
}

function isInitDone({ container, run, started }: ContainerView): boolean {
  if (isSidecar(container)) return started;
  return run?.state === "exited" && run.exitCode === 0;
}

function containerStatus(
  view: ContainerView,
  all: readonly ContainerView[],
  observed: ObservedPod,
  ended: boolean,
): ContainerStatus {
  const { container, run, prior, isInit } = view;
  const now = run === undefined ? undefined : runState(view, run);
  const before = formerState(view);
  const state =
    view.waiting ??
    (run === undefined || run.state === "starting" ? notStarted(view, all, observed, ended) : (now ?? {}));
  const lastState = view.waiting !== undefined && run?.state === "exited" ? (now ?? {}) : before;
  const completed = isInit && !isSidecar(container) && run?.state === "exited" && run.exitCode === 0;
  const id = run === undefined ? prior?.containerID : view.containerId;
  return {
    name: container.name,
    image: container.image,
    imageID: run === undefined ? (prior?.imageID ?? "") : `tracegate://${container.image}`,
    ...(id === undefined ? {} : { containerID: id }),
    ready: completed || view.ready,
    started: view.started,
    restartCount: view.restartCount,
    state,
    lastState,
  };
}

function runState(view: ContainerView, run: ContainerProcessState): ContainerState {
  const startedAt = formatTime(run.startedAt);
  if (run.state !== "exited") return { running: { startedAt } };
  const exitCode = run.exitCode ?? 255;
  const message =
    run.startError === undefined ? run.terminationMessage : `failed to start container: ${run.startError}`;
  return {
    terminated: {
      exitCode,
      reason: endReason(run, exitCode),
      ...(message === undefined ? {} : { message }),
      startedAt,
      finishedAt: formatTime(run.finishedAt ?? run.startedAt),
      containerID: view.containerId,
    },
  };
}

function endReason({ startError, oomKilled }: ContainerProcessState, exitCode: number): string {
  if (startError !== undefined) return "StartError";
  if (oomKilled === true) return "OOMKilled";
  return exitCode === 0 ? "Completed" : "Error";
}

/** How the start before the present one ended. */
function formerState({ prior, run, restartCount, wasLost }: ContainerView): ContainerState {
  if (prior === undefined) return {};
  if (wasLost) return lostState(prior);
  if (run === undefined || prior.restartCount < restartCount) {
    return prior.state?.terminated === undefined
      ? (prior.lastState ?? {})
      : { terminated: prior.state.terminated };
  }
  // It waits for its next start: what it last reported as its end is shown as `lastState`.
  if (prior.state?.waiting !== undefined && run.state === "exited") return prior.lastState ?? {};
  return prior.lastState ?? {};
}

const lostState = ({ containerID, state }: ContainerStatus): ContainerState => ({
  terminated: {
    exitCode: 137,
    reason: "ContainerStatusUnknown",
    message: "The container could not be located: the node agent it ran under is gone",
    ...(state?.running?.startedAt === undefined ? {} : { startedAt: state.running.startedAt }),
    ...(containerID === undefined ? {} : { containerID }),
  },
});

function notStarted(
  { isInit, prior, wasLost }: ContainerView,
  all: readonly ContainerView[],
  observed: ObservedPod,
  ended: boolean,
): ContainerState {
  if (wasLost && ended && prior !== undefined) return lostState(prior);
  const initialising = all.some((view) => view.isInit && !isInitDone(view)) && observed.sandbox !== undefined;
  const hasInit = all.some((view) => view.isInit);
  return {
    waiting: { reason: hasInit && (isInit || initialising) ? "PodInitializing" : "ContainerCreating" },
  };
}

/** The kubelet's rules (`getPhase`). */
function phaseOf(
  pod: Pod,
  initStatuses: readonly ContainerStatus[],
  statuses: readonly ContainerStatus[],
  initialised: boolean,
  ended: boolean,
): NonNullable<PodStatus["phase"]> {
  const exitCodes = statuses.map(
    ({ state, lastState }) =>
      state?.terminated?.exitCode ?? (state?.waiting ? lastState?.terminated?.exitCode : undefined),
  );
  if (ended) {
    const all = [...exitCodes, ...initStatuses.map(({ state }) => state?.terminated?.exitCode ?? 0)];
    return all.every((code) => code === 0) ? "Succeeded" : "Failed";
  }
  if (!initialised) return "Pending";
  const running = statuses.filter(({ state }) => state?.running !== undefined).length;
  const stopped = exitCodes.filter((code) => code !== undefined);
  if (running + stopped.length < statuses.length) return "Pending";
  if (running > 0 || restartPolicyOf(pod) === "Always") return "Running";
  if (stopped.every((code) => code === 0)) return "Succeeded";
  return restartPolicyOf(pod) === "Never" ? "Failed" : "Running";
}

function conditionsOf(
  pod: Pod,
  facts: {
    phase: string;
    initialised: boolean;
    initStatuses: readonly ContainerStatus[];
    statuses: readonly ContainerStatus[];
    hasSandbox: boolean;
    now: number;
  },
): Condition[] {
  const { phase, initialised, initStatuses, statuses, now } = facts;
  const before = pod.status?.conditions ?? [];
  const unready = statuses.filter(({ ready }) => !ready).map(({ name }) => name);
  const incomplete = initStatuses
    .filter(({ ready, started, state }) => !ready && !(started && state?.running !== undefined))
    .map(({ name }) => name);
  const readiness =
    phase === "Succeeded"
      ? { reason: "PodCompleted" }
      : phase === "Failed"
        ? { reason: "PodFailed" }
        : unready.length > 0
          ? {
              reason: "ContainersNotReady",
              message: `containers with unready status: [${unready.join(" ")}]`,
            }
          : undefined;
  const gates = (pod.spec.readinessGates ?? [])
    .map(({ conditionType }) => conditionType)
    .filter((type) => before.find((condition) => condition.type === type)?.status !== "True");
  const gated =
    gates.length === 0
      ? undefined
      : {
          reason: "ReadinessGatesNotReady",
          message: gates
            .map((type) => `corresponding condition of pod readiness gate "${type}" does not exist.`)
            .join(", "),
        };
  const hasInitialised = initialised || phase === "Succeeded";
  const own: Omit<Condition, "lastTransitionTime">[] = [
    { type: "PodReadyToStartContainers", status: facts.hasSandbox ? "True" : "False" },
    hasInitialised
      ? { type: "Initialized", status: "True" }
      : {
          type: "Initialized",
          status: "False",
          reason: "ContainersNotInitialized",
          message: `containers with incomplete status: [${incomplete.join(" ")}]`,
        },
    { type: "Ready", status: (readiness ?? gated) ? "False" : "True", ...(readiness ?? gated) },
    { type: "ContainersReady", status: readiness ? "False" : "True", ...readiness },
    { type: "PodScheduled", status: "True" },
  ];
  const ownTypes = new Set(own.map(({ type }) => type));
  return [
    ...own.map((condition) => {
      const known = before.find(({ type }) => type === condition.type);
      const since = known?.status === condition.status ? known.lastTransitionTime : undefined;
      return { ...condition, lastProbeTime: null, lastTransitionTime: since ?? formatTime(now) };
    }),
    ...before.filter(({ type }) => !ownTypes.has(type)),
  ];
}

/** Guaranteed: every container limits cpu and memory to what it requests; BestEffort: none asks for anything. */
function qosClassOf(pod: Pod): string {
  if (pod.status?.qosClass !== undefined) return pod.status.qosClass;
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const asks = containers.some(({ resources }) =>
    ["cpu", "memory"].some(
      (name) => (resources?.limits?.[name] ?? resources?.requests?.[name]) !== undefined,
    ),
  );
  if (!asks) return "BestEffort";
  const guaranteed = containers.every(({ resources }) =>
    ["cpu", "memory"].every((name) => {
      const limit = resources?.limits?.[name];
      const request = resources?.requests?.[name] ?? limit;
      return (
        limit !== undefined &&
        request !== undefined &&
        compareQuantities(parseQuantity(limit), parseQuantity(request)) === 0
      );
    }),
  );
  return guaranteed ? "Guaranteed" : "Burstable";
}
