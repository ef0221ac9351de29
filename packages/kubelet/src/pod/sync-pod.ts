import type { Container, ContainerState, Pod, PodStatus } from "@tracegate/kube";
import type { ImageLookup } from "../image-catalogue.ts";
import type { ContainerProcessState } from "../sandbox.ts";
import { afterTry, type BackOff, goSeconds, retryAt } from "./back-off.ts";
import { graceSecondsOf, isSidecar, type ObservedPod, podLabel, restartPolicyOf } from "./observed-pod.ts";
import { type ContainerView, containerId, podStatus } from "./pod-status.ts";

export type PodAction =
  | { readonly type: "startSandbox" }
  | {
      readonly type: "startContainer";
      readonly container: string;
      readonly attempt: number;
      readonly backOff?: BackOff;
    }
  | {
      readonly type: "failPull";
      readonly container: string;
      readonly message: string;
      readonly backOff: BackOff;
    }
  | {
      readonly type: "stopContainer";
      readonly container: string;
      readonly graceSeconds: number;
      readonly message: string;
    }
  | {
      readonly type: "event";
      readonly eventType: "Normal" | "Warning";
      readonly reason: string;
      readonly message: string;
      readonly container?: string;
    }
  /** After the status has been written. */
  | { readonly type: "removeSandbox" }
  | { readonly type: "deletePod" };

export interface SyncPlan {
  readonly status: PodStatus;
  readonly actions: readonly PodAction[];
  /** When to look again even if nothing changes. */
  readonly again?: number;
}

type ImageProblem = Extract<ImageLookup, { reason: string }>;

/** How long a failed pull shows as `ErrImagePull` before it shows as the wait for the next one. */
const showPullErrorMs = 3_000;
const retryConfigMs = 10_000;

/** What follows for a pod of this node from its object and what is observed of it. */
export function syncPod(pod: Pod, observed: ObservedPod, now: number): SyncPlan {
  const { phase } = pod.status ?? {};
  const isTerminal = phase === "Succeeded" || phase === "Failed";
  if (pod.metadata.deletionTimestamp !== undefined || isTerminal) return windDown(pod, observed, now, {});
  if (deadlineOf(pod) <= now) {
    return windDown(pod, observed, now, {
      phase: "Failed",
      reason: "DeadlineExceeded",
      message: "Pod was active on the node longer than the specified deadline",
    });
  }
  return keepRunning(pod, observed, now);
}

function deadlineOf({ spec, status }: Pod): number {
  if (spec.activeDeadlineSeconds === undefined || status?.startTime === undefined)
    return Number.POSITIVE_INFINITY;
  return Date.parse(status.startTime) + spec.activeDeadlineSeconds * 1000;
}

/** Stops what runs (sidecars last), reports how it ended, and then takes the sandbox and a deleted object away. */
function windDown(pod: Pod, observed: ObservedPod, now: number, outcome: Partial<PodStatus>): SyncPlan {
  const { sandbox } = observed;
  const deleted = pod.metadata.deletionTimestamp !== undefined;
  const finish: PodAction[] = deleted ? [{ type: "deletePod" }] : [];
  if (sandbox === undefined) {
    // A pod that ended, or never began here: what was last reported stays true.
    const status =
      outcome.phase === undefined
        ? (pod.status ?? {})
        : { ...podStatus(pod, viewsOf(pod, observed), observed, now), ...outcome };
    return { status, actions: finish };
  }
  const grace = graceSecondsOf(pod);
  const running = (container: Container) => {
    const run = sandbox.containers.get(container.name);
    return run !== undefined && run.state !== "exited" ? run : undefined;
  };
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar);
  const others = [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter((c) => !isSidecar(c))];
  const first = others.some((container) => running(container) !== undefined) ? others : sidecars;
  const actions = first.flatMap((container): PodAction[] => {
    const run = running(container);
    if (run === undefined || run.stoppingSince !== undefined) return [];
    return [stop(container, grace, `Stopping container ${container.name}`)];
  });
  const allEnded = [...others, ...sidecars].every((container) => running(container) === undefined);
  const views = viewsOf(pod, observed);
  const status = { ...podStatus(pod, views, observed, now, { ended: allEnded }), ...outcome };
  return { status, actions: allEnded ? [{ type: "removeSandbox" }, ...finish] : actions };
}

const stop = (container: Container, graceSeconds: number, message: string): PodAction => ({
  type: "stopContainer",
  container: container.name,
  graceSeconds,
  message,
});

function keepRunning(pod: Pod, observed: ObservedPod, now: number): SyncPlan {
  const { sandbox } = observed;
  const views = viewsOf(pod, observed);
  if (sandbox === undefined) {
    const lost = views.filter((view) => view.wasLost);
    // What ran is gone with its agent and is not to run again.
    const over = lost.length > 0 && restartPolicyOf(pod) === "Never";
    const status = podStatus(pod, views, observed, now, { ended: over });
    return { status, actions: over ? [] : [{ type: "startSandbox" }] };
  }
  const turn = new Turn(pod, observed, now);
  const mainsBegan = pod.spec.containers.some(({ name }) => sandbox.containers.has(name));
  let initialised = true;
  for (const view of views.filter((candidate) => candidate.isInit)) {
    if (mainsBegan && !isSidecar(view.container)) continue;
    turn.look(view);
    if (!mainsBegan && !passed(view)) {
      initialised = false;
      break;
    }
  }
  const failedInit =
    views.some((view) => view.isInit && !isSidecar(view.container) && hasFailed(view)) &&
    restartPolicyOf(pod) === "Never";
  if (initialised || mainsBegan) for (const view of views) if (!view.isInit) turn.look(view);
  const status = podStatus(pod, views, observed, now, { failedInit });
  const again = deadlineOf({ ...pod, status });
  return {
    status,
    actions: turn.actions,
    ...(Math.min(turn.again, again) === Number.POSITIVE_INFINITY
      ? {}
      : { again: Math.min(turn.again, again) }),
  };
}

const passed = ({ container, run, started }: ContainerView): boolean =>
  isSidecar(container) ? run?.state === "running" && started : run?.state === "exited" && run.exitCode === 0;

const hasFailed = ({ run }: ContainerView): boolean => run?.state === "exited" && run.exitCode !== 0;

/** One look at the containers of a pod: what each waits for or is to do next. Sets the views' states. */
class Turn {
  readonly actions: PodAction[] = [];
  again = Number.POSITIVE_INFINITY;
  readonly #pod: Pod;
  readonly #observed: ObservedPod;
  readonly #now: number;

  constructor(pod: Pod, observed: ObservedPod, now: number) {
    this.#pod = pod;
    this.#observed = observed;
    this.#now = now;
    if (observed.volumeProblem !== undefined) {
      this.again = now + retryConfigMs;
    }
  }

  look(view: ContainerView): void {
    const { run } = view;
    if (run === undefined) this.#start(view, view.restartCount);
    else if (run.state !== "exited") this.#mind(view, run);
    else if (this.#shouldRestart(view, run)) this.#restart(view, run);
  }

  /** A probe that failed for good ends the container; its restart follows when it has ended. */
  #mind({ container }: ContainerView, run: ContainerProcessState): void {
    const probed = this.#observed.probes.get(container.name);
    if (probed?.attempt !== run.attempt || probed.failed === undefined || run.stoppingSince !== undefined)
      return;
    const probe = probed.failed === "liveness" ? container.livenessProbe : container.startupProbe;
    const grace = probe?.terminationGracePeriodSeconds ?? graceSecondsOf(this.#pod);
    this.actions.push(
      stop(container, grace, `Container ${container.name} failed ${probed.failed} probe, will be restarted`),
    );
  }

  #shouldRestart({ container, isInit }: ContainerView, run: ContainerProcessState): boolean {
    if (isSidecar(container)) return true;
    const policy = restartPolicyOf(this.#pod);
    if (run.exitCode === 0) return policy === "Always" && !isInit;
    return policy !== "Never";
  }

  #restart(view: ContainerView, run: ContainerProcessState): void {
    const { container, prior } = view;
    const finishedAt = run.finishedAt ?? this.#now;
    const entry = this.#observed.restarts.get(container.name) ?? rememberedBackOff(run);
    const due = retryAt(entry, finishedAt);
    if (this.#now >= due) {
      this.#start(view, run.attempt + 1, afterTry(entry, finishedAt, this.#now));
      return;
    }
    this.again = Math.min(this.again, due);
    const message = `back-off ${goSeconds(entry?.delayMs ?? 0)} restarting failed container=${container.name} pod=${podLabel(this.#pod)}`;
    const known = prior?.state?.waiting;
    if (known?.reason !== "CrashLoopBackOff" || known.message !== message) {
      this.#tell(
        "Warning",
        "BackOff",
        `Back-off restarting failed container ${container.name} in pod ${podLabel(this.#pod)}`,
        container,
      );
    }
    view.wait("CrashLoopBackOff", message);
  }

  #start(view: ContainerView, attempt: number, backOff?: BackOff): void {
    const { container } = view;
    if (this.#observed.volumeProblem !== undefined) return;
    const lookup = this.#observed.images.get(container.name);
    if (lookup === undefined) return;
    if ("reason" in lookup) {
      const { reason, message } = this.#imageWait(view, lookup);
      view.wait(reason, message);
      return;
    }
    const problem = this.#observed.configProblems.get(container.name);
    if (problem !== undefined) {
      this.again = Math.min(this.again, this.#now + retryConfigMs);
      if (view.prior?.state?.waiting?.message !== problem)
        this.#tell("Warning", "Failed", `Error: ${problem}`, container);
      view.wait("CreateContainerConfigError", problem);
      return;
    }
    this.actions.push({
      type: "startContainer",
      container: container.name,
      attempt,
      ...(backOff === undefined ? {} : { backOff }),
    });
  }

  /** How a container waits for an image that no catalogue has; a due pull fails again. */
  #imageWait(view: ContainerView, lookup: ImageProblem): { reason: string; message: string } {
    const { container } = view;
    const shown = view.prior?.state?.waiting?.reason;
    if (lookup.reason === "InvalidImageName") {
      if (shown !== lookup.reason) this.#tell("Warning", "InspectFailed", lookup.message, container);
      return lookup;
    }
    if (container.imagePullPolicy === "Never") {
      const message = `Container image "${container.image}" is not present with pull policy of Never`;
      if (shown !== "ErrImageNeverPull") this.#tell("Warning", "ErrImageNeverPull", message, container);
      return { reason: "ErrImageNeverPull", message };
    }
    const pull = this.#observed.pulls.get(container.name);
    const due = pull === undefined ? this.#now : retryAt(pull.backOff, pull.failedAt);
    const failedAt = this.#now >= due ? this.#now : (pull?.failedAt ?? this.#now);
    if (this.#now >= due) {
      const backOff = afterTry(pull?.backOff, pull?.failedAt ?? this.#now, this.#now);
      this.actions.push({ type: "failPull", container: container.name, message: lookup.message, backOff });
    }
    if (this.#now < failedAt + showPullErrorMs) {
      this.again = Math.min(this.again, failedAt + showPullErrorMs);
      return { reason: "ErrImagePull", message: lookup.message };
    }
    this.again = Math.min(this.again, due);
    if (shown !== "ImagePullBackOff") {
      this.#tell("Normal", "BackOff", `Back-off pulling image "${container.image}"`, container);
      this.#tell("Warning", "Failed", "Error: ImagePullBackOff", container);
    }
    const message = `Back-off pulling image "${container.image}": ErrImagePull: ${lookup.message}`;
    return { reason: "ImagePullBackOff", message };
  }

  #tell(eventType: "Normal" | "Warning", reason: string, message: string, container: Container): void {
    this.actions.push({ type: "event", eventType, reason, message, container: container.name });
  }
}

/** After a restart of the control plane: what the count of restarts says the delay in force must be. */
function rememberedBackOff(run: ContainerProcessState): BackOff | undefined {
  if (run.attempt === 0) return undefined;
  return { delayMs: Math.min(10_000 * 2 ** (run.attempt - 1), 300_000), lastUpdate: run.startedAt };
}

/** Containers, init ones first, with what is observed of them joined to what was last reported. */
function viewsOf(pod: Pod, observed: ObservedPod): ContainerView[] {
  const view = (container: Container, isInit: boolean): ContainerView => {
    const statuses = isInit ? pod.status?.initContainerStatuses : pod.status?.containerStatuses;
    const prior = statuses?.find(({ name }) => name === container.name);
    const run = observed.sandbox?.containers.get(container.name);
    // The last start counted did happen, in a sandbox that is no more: what comes is another start.
    const isNew =
      run === undefined &&
      prior?.containerID !== undefined &&
      prior.containerID === containerId(pod, container.name, prior.restartCount);
    const probed = observed.probes.get(container.name);
    const current = run?.state === "running" && probed?.attempt === run.attempt ? probed : undefined;
    const started = run?.state === "running" && (current?.started ?? container.startupProbe === undefined);
    let waiting: ContainerState | undefined;
    return {
      container,
      isInit,
      prior,
      run,
      wasLost: isNew && prior?.state?.running !== undefined,
      restartCount: run?.attempt ?? (prior === undefined ? 0 : prior.restartCount + (isNew ? 1 : 0)),
      started,
      ready: started && (current?.ready ?? container.readinessProbe === undefined),
      wait(reason, message) {
        waiting = { waiting: { reason, message } };
      },
      get waiting() {
        return waiting;
      },
      containerId: containerId(pod, container.name, run?.attempt ?? 0),
    };
  };
  return [
    ...(pod.spec.initContainers ?? []).map((container) => view(container, true)),
    ...pod.spec.containers.map((container) => view(container, false)),
  ];
}
