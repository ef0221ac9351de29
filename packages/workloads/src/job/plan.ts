import { type Condition, formatTime, type Job, type Pod, parseTime } from "@tracegate/kube";
import { deletionOrder } from "../pods/deletion-order.ts";
import { isActive, isReady, restartCount } from "../pods/pod-state.ts";

/** Keeps a pod until the Job has counted it, so that none is counted twice or lost. */
export const JOB_TRACKING = "batch.kubernetes.io/job-tracking";

/** `batch/v1` status with the fields that the counting needs. */
export type JobStatus = NonNullable<Job["status"]> & {
  terminating?: number;
  /** Ended pods whose finalizer is being removed: they count, and move to the counters once it is gone. */
  uncountedTerminatedPods?: { succeeded?: string[]; failed?: string[] };
};

export interface JobSnapshot {
  readonly job: Job;
  /** Its own pods, ended ones included. */
  readonly pods: readonly Pod[];
}

export interface JobPlan {
  readonly status: JobStatus;
  /** Pods that the status counts; to be let go after it was written. */
  readonly counted: readonly Pod[];
  readonly create: number;
  readonly delete: readonly Pod[];
  /** The Job's time after its end is over. */
  readonly deleteJob: boolean;
  readonly event?: { readonly type: "Normal" | "Warning"; readonly reason: string; readonly message: string };
  readonly requeueAfterMs?: number;
}

const FIRST_BACKOFF_MS = 10_000;
const MAX_BACKOFF_MS = 600_000;

/** What follows for a Job from its pods (kube-controller-manager's `syncJob`, completion mode NonIndexed). */
export function planJob({ job, pods }: JobSnapshot, now: number): JobPlan {
  const ended = endOf(job);
  const counting = countEnded(job, pods);
  if (ended !== undefined) return afterEnd(job, counting, ended, now);
  const { spec } = job;
  const before: JobStatus = job.status ?? {};
  const suspended = spec.suspend === true;
  const startTime = before.startTime ?? (suspended ? undefined : formatTime(now));
  const running = pods.filter(isActive);
  const { succeeded, failed } = counting;
  const failure = failureOf(job, running, failed, startTime, now);
  const isDone = succeeded >= wantedCompletions(job, running.length);
  const stops = failure !== undefined || isDone || suspended;
  const wanted = stops ? 0 : wantedPods(job, running.length, succeeded);
  const surplus = Math.max(0, running.length - wanted);
  const backoff = stops ? 0 : backoffMs(pods, now);
  const create = backoff > 0 ? 0 : Math.max(0, wanted - running.length);
  const terminating = pods.filter((pod) => !isActive(pod) && !isEnded(pod)).length;
  const remaining = running.length - surplus;
  let conditions: readonly Condition[] = before.conditions ?? [];
  const add = (type: string, reason: string, message: string) => {
    conditions = withCondition(conditions, { type, status: "True", reason, message }, now);
  };
  // The verdict is written first; the end itself once no pod is left and all are counted.
  const isOver = running.length === 0 && terminating === 0 && counting.open.length === 0;
  let event: JobPlan["event"];
  if (failure !== undefined) {
    add("FailureTarget", failure.reason, failure.message);
    if (isOver) {
      add("Failed", failure.reason, failure.message);
      event = { type: "Warning", ...failure };
    }
  } else if (isDone) {
    add("SuccessCriteriaMet", COMPLETED.reason, COMPLETED.message);
    if (isOver) {
      add("Complete", COMPLETED.reason, COMPLETED.message);
      event = { type: "Normal", reason: "Completed", message: "Job completed" };
    }
  } else {
    const change = suspension(conditions, suspended);
    if (change !== undefined) {
      conditions = withCondition(conditions, change, now);
      event = suspended
        ? { type: "Normal", reason: "Suspended", message: "Job suspended" }
        : { type: "Normal", reason: "Resumed", message: "Job resumed" };
    }
  }
  const counters = {
    active: remaining + create,
    ready: running.filter(isReady).length,
    terminating: terminating + surplus,
  };
  const status: JobStatus = {
    ...(startTime !== undefined && { startTime }),
    ...counting.counters,
    ...(counters.active > 0 && { active: counters.active }),
    ready: counters.ready,
    terminating: counters.terminating,
    ...(conditions.length > 0 && { conditions: [...conditions] }),
    ...(isDone && isOver && { completionTime: formatTime(now) }),
  };
  // What has passed already needs no waking.
  const wake = stops ? undefined : soonest(backoff || undefined, deadlineMs(job, startTime, now));
  return {
    status,
    counted: counting.release,
    create,
    delete: surplus === 0 ? [] : deletionOrder(running, () => 0, now).slice(0, surplus),
    deleteJob: false,
    ...(event !== undefined && { event }),
    ...(wake !== undefined && { requeueAfterMs: wake }),
  };
}

const COMPLETED = { reason: "CompletionsReached", message: "Reached expected number of succeeded pods" };

const isEnded = ({ status }: Pod) => status?.phase === "Succeeded" || status?.phase === "Failed";

function endOf({ status }: Job): Condition | undefined {
  return status?.conditions?.find(
    ({ type, status: holds }) => (type === "Complete" || type === "Failed") && holds === "True",
  );
}

/** Takes ended pods into the status: those still held by the finalizer first as uncounted, by uid. */
function countEnded({ status }: Job, pods: readonly Pod[]) {
  const before: JobStatus = status ?? {};
  const known = before.uncountedTerminatedPods ?? {};
  const held = pods.filter(({ metadata }) => metadata.finalizers?.includes(JOB_TRACKING) ?? false);
  // A pod that is being deleted counts as failed at once, unless it ended well (podReplacementPolicy TerminatingOrFailed).
  const fate = (pod: Pod) => {
    if (pod.status?.phase === "Succeeded") return "succeeded";
    return pod.status?.phase === "Failed" || pod.metadata.deletionTimestamp !== undefined
      ? "failed"
      : "running";
  };
  const open = (outcome: "succeeded" | "failed") =>
    held.filter((pod) => fate(pod) === outcome || known[outcome]?.includes(pod.metadata.uid ?? ""));
  const result = (["succeeded", "failed"] as const).map((outcome) => {
    const openPods = open(outcome);
    const openUids = openPods.map(({ metadata }) => metadata.uid ?? "");
    // Listed before and without its finalizer now: it belongs to the counter for good.
    const settled = (known[outcome] ?? []).filter((uid) => !openUids.includes(uid)).length;
    return { count: (before[outcome] ?? 0) + settled, openPods, openUids };
  });
  const [succeeded, failed] = result;
  const uncounted = {
    ...(succeeded?.openUids.length && { succeeded: succeeded.openUids }),
    ...(failed?.openUids.length && { failed: failed.openUids }),
  };
  const openPods = result.flatMap((outcome) => outcome.openPods);
  return {
    succeeded: (succeeded?.count ?? 0) + (succeeded?.openUids.length ?? 0),
    failed: (failed?.count ?? 0) + (failed?.openUids.length ?? 0),
    open: openPods,
    release: openPods,
    counters: {
      ...(succeeded?.count && { succeeded: succeeded.count }),
      ...(failed?.count && { failed: failed.count }),
      uncountedTerminatedPods: uncounted,
    },
  };
}

function wantedCompletions({ spec }: Job, running: number): number {
  if (spec.completions !== undefined) return spec.completions;
  // Without a number the first success means the work is done, once the others have ended, too.
  return running > 0 ? Number.POSITIVE_INFINITY : 1;
}

function wantedPods({ spec }: Job, running: number, succeeded: number): number {
  const parallelism = spec.parallelism ?? 1;
  if (spec.completions === undefined) return succeeded > 0 ? running : parallelism;
  return Math.min(parallelism, Math.max(0, spec.completions - succeeded));
}

function failureOf(
  { spec, status }: Job,
  running: readonly Pod[],
  failed: number,
  startTime: string | undefined,
  now: number,
): { reason: string; message: string } | undefined {
  const told = status?.conditions?.find(({ type }) => type === "FailureTarget");
  if (told !== undefined) return { reason: told.reason ?? "", message: told.message ?? "" };
  const limit = spec.backoffLimit ?? 6;
  const restarts =
    spec.template.spec.restartPolicy === "OnFailure"
      ? running.reduce((total, pod) => total + restartCount(pod), 0)
      : 0;
  if (failed > limit || (restarts > 0 && restarts >= limit)) {
    return { reason: "BackoffLimitExceeded", message: "Job has reached the specified backoff limit" };
  }
  const left = spec.suspend === true ? undefined : deadlineMs({ spec } as Job, startTime, now); // only the spec is read
  if (left === undefined || left > 0) return undefined;
  return { reason: "DeadlineExceeded", message: "Job was active longer than specified deadline" };
}

function deadlineMs({ spec }: Job, startTime: string | undefined, now: number): number | undefined {
  const start = parseTime(startTime ?? "");
  if (spec.activeDeadlineSeconds === undefined || start === undefined) return undefined;
  return Math.max(0, start + spec.activeDeadlineSeconds * 1000 - now);
}

/** How long the next pod has to wait after failures in a row: 10 s, doubled for each, from the last one's end. */
function backoffMs(pods: readonly Pod[], now: number): number {
  const ended = pods
    .filter((pod) => isEnded(pod) || pod.metadata.deletionTimestamp !== undefined)
    .map((pod) => ({ failed: pod.status?.phase !== "Succeeded", at: endedAt(pod) ?? now }))
    .sort((a, b) => a.at - b.at);
  const failures = ended.length - 1 - ended.findLastIndex(({ failed }) => !failed);
  const last = ended.at(-1);
  if (failures <= 0 || last === undefined) return 0;
  const wait = Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 1), MAX_BACKOFF_MS);
  return Math.max(0, last.at + wait - now);
}

function endedAt({ metadata, status }: Pod): number | undefined {
  const times = (status?.containerStatuses ?? [])
    .map(({ state }) => parseTime(state?.terminated?.finishedAt ?? ""))
    .filter((time) => time !== undefined);
  return times.length > 0 ? Math.max(...times) : parseTime(metadata.deletionTimestamp ?? "");
}

function suspension(conditions: readonly Condition[], suspended: boolean) {
  const told = conditions.find(({ type }) => type === "Suspended");
  if (suspended === (told?.status === "True")) return undefined;
  return suspended
    ? ({ type: "Suspended", status: "True", reason: "JobSuspended", message: "Job suspended" } as const)
    : ({ type: "Suspended", status: "False", reason: "JobResumed", message: "Job resumed" } as const);
}

function withCondition(
  conditions: readonly Condition[],
  condition: Condition,
  now: number,
): readonly Condition[] {
  const current = conditions.find(({ type }) => type === condition.type);
  if (current?.status === condition.status && current.reason === condition.reason) return conditions;
  const time = formatTime(now);
  const told = { ...condition, lastProbeTime: time, lastTransitionTime: time };
  return [...conditions.filter(({ type }) => type !== condition.type), told];
}

/** An ended Job only waits for its time to be over. */
function afterEnd(
  job: Job,
  counting: ReturnType<typeof countEnded>,
  { lastTransitionTime }: Condition,
  now: number,
): JobPlan {
  const status: JobStatus = { ...job.status, ...counting.counters };
  const plan = { status, counted: counting.release, create: 0, delete: [] };
  const { ttlSecondsAfterFinished: ttl } = job.spec;
  const end = parseTime(lastTransitionTime ?? "");
  if (ttl === undefined || end === undefined) return { ...plan, deleteJob: false };
  const left = end + ttl * 1000 - now;
  return left > 0 ? { ...plan, deleteJob: false, requeueAfterMs: left } : { ...plan, deleteJob: true };
}

function soonest(...times: readonly (number | undefined)[]): number | undefined {
  const set = times.filter((time) => time !== undefined);
  return set.length === 0 ? undefined : Math.min(...set);
}
