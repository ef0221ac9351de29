import type { Clock } from "@tracegate/contracts";
import type { Controller, Requeue } from "@tracegate/controller-runtime";
import { isNotFound, type Kind, type Ref, type ResourceClient, refKey, StatusError } from "@tracegate/kube";
import { type ApplicationState, type StateReader, stateReader } from "./application-state.ts";
import { fieldManager } from "./apply.ts";
import { deleteApplication } from "./deletion.ts";
import { finalizersFor } from "./deletion-plan.ts";
import { type GitRepositories, SourceError } from "./git/repositories.ts";
import { builtInKinds } from "./kinds.ts";
import { type PassOutcome, runSyncPass, terminateSync } from "./operation.ts";
import { OwnerIndex } from "./owner-index.ts";
import { hydrateAnnotation, type RefreshLevel, refreshAnnotation, refreshLevel } from "./refresh.ts";
import { sourceOf } from "./spec.ts";
import { comparedStatus, mergePatch, replaceConditions, withDeployment } from "./status.ts";
import { decideAutoSync } from "./sync/auto-sync.ts";
import { afterFailure, retryAt, wholeSeconds } from "./sync/retry.ts";
import { Application, type ApplicationStatus, type OperationState } from "./types/application.ts";

export interface ApplicationControllerOptions {
  readonly client: ResourceClient;
  readonly clock: Clock;
  readonly git: GitRepositories;
  /** How often Git is asked for new commits, in milliseconds (upstream: 120 s). An unchanged revision costs nothing more. */
  readonly pollIntervalMs?: number;
  /** How often `status.reconciledAt` is renewed where nothing changes. */
  readonly resyncIntervalMs?: number;
  /** How long a repository that cannot be reached is kept quiet about (180 s), unless someone asked for a refresh. */
  readonly repoErrorGraceMs?: number;
  /** Between two waves of a sync (2 s). */
  readonly waveDelayMs?: number;
  /** Kinds whose changes are noticed at once; others are seen at the next poll. */
  readonly watchedKinds?: readonly Kind[];
  /** Writes Events on Applications. */
  readonly recordEvent?: (
    application: Application,
    type: "Normal" | "Warning",
    reason: string,
    message: string,
  ) => void;
}

/** What is remembered of one Application. Losing it costs a comparison, never a decision. */
interface Hints {
  polledAt?: number;
  requested?: RefreshLevel;
  /** The next pass of the running sync may begin. */
  nextPassAt?: number;
  repoErrorSince?: number;
}

/** How often a running operation is looked at where no watched object tells of it. */
const operationPollMs = 5000;

/** Keeps Applications as Git says: compares, synchronises, prunes, heals, and writes down what it found. */
export function applicationController(options: ApplicationControllerOptions): Controller<Application> {
  const { client, clock, git } = options;
  const pollIntervalMs = options.pollIntervalMs ?? 120_000;
  const resyncIntervalMs = options.resyncIntervalMs ?? 120_000;
  const graceMs = options.repoErrorGraceMs ?? 180_000;
  const waveDelayMs = options.waveDelayMs ?? 2000;
  const record = options.recordEvent ?? (() => {});
  const states: StateReader = stateReader({ client, git });
  const remembered = new Map<string, Hints>();
  const owners = new OwnerIndex();

  /** A timer may fire a little early, and watch events come in between: the poll keeps its own time. */
  const untilPoll = ({ polledAt }: Hints): number =>
    polledAt === undefined ? pollIntervalMs : Math.max(1, polledAt + pollIntervalMs - clock.now());

  /** Compares, writes what changed, and starts a sync where the policy asks for one. */
  async function refresh(
    application: Application,
    hints: Hints,
  ): Promise<{ application: Application; state: ApplicationState; waitMs: number }> {
    const now = clock.now();
    const level = refreshLevel(application, hints, now, pollIntervalMs);
    const asksGit = level !== "recent";
    if (asksGit) hints.polledAt = now;
    delete hints.requested;
    const recent = application.status?.sync?.revision;
    const state = await states.read(application, {
      ...(level === "recent" && recent !== undefined ? { revision: recent } : {}),
      fresh: level === "forced" || level === "hard",
      render: level === "hard",
      everyKind: asksGit && level !== "latest",
    });
    owners.set(refKey(application.metadata), application.metadata, state.live.uids);

    // Upstream keeps quiet about every first error; here only about one that may pass: a mistake in a commit is told at once.
    if (state.unreachable === true && level !== "forced" && level !== "hard") {
      hints.repoErrorSince ??= now;
      if (now - hints.repoErrorSince < graceMs) return { application, state, waitMs: untilPoll(hints) };
    } else if (state.unreachable !== true) delete hints.repoErrorSince;

    let current = application;
    let waitMs = untilPoll(hints);
    let complaint: string | undefined;
    if (state.refused === undefined && state.revision !== undefined && state.targets !== undefined) {
      const decision = decideAutoSync({
        application,
        status: state.comparison.status,
        revision: state.revision,
        source: state.source,
        resources: state.comparison.resources.map(({ status }) => status),
        now,
      });
      if (decision.do === "complain") complaint = decision.message;
      if (decision.do === "wait") waitMs = Math.min(waitMs, decision.ms);
      if (decision.do === "start") {
        // Someone may be asking for a sync at this very moment: then this write is refused and all is looked at again.
        const { resourceVersion } = application.metadata;
        current = await patch(application, {
          metadata: { resourceVersion },
          operation: decision.operation,
          status: { operationState: null },
        });
        record(application, "Normal", "OperationStarted", `Initiated automated sync to '${state.revision}'`);
      }
    }
    const before = current.status ?? {};
    const status = comparedStatus(current, state, complaint, wholeSeconds(now));
    const changed =
      mergePatch({ ...before, reconciledAt: "" }, { ...status, reconciledAt: "" }) !== undefined;
    const stale =
      before.reconciledAt === undefined || now - Date.parse(before.reconciledAt) >= resyncIntervalMs;
    const asked = application.metadata.annotations?.[refreshAnnotation] !== undefined;
    if (asksGit && (changed || stale || asked)) status.reconciledAt = wholeSeconds(now);
    const finalizers =
      state.deletionHooks === undefined ? undefined : finalizersFor(current, state.deletionHooks);
    const body = {
      ...metadataChange({
        ...(asked || application.metadata.annotations?.[hydrateAnnotation] !== undefined
          ? { annotations: { [refreshAnnotation]: null, [hydrateAnnotation]: null } }
          : {}),
        ...(finalizers === undefined ? {} : { finalizers }),
      }),
      ...projectField(application),
      ...wrap("status", mergePatch(before, status)),
    };
    if (Object.keys(body).length > 0) current = await patch(current, body);
    tellChanges(before, status, (reason, message) => record(application, "Normal", reason, message));
    return { application: current, state, waitMs };
  }

  /** Brings a sync that is asked for or running one pass on. */
  async function operate(application: Application, hints: Hints): Promise<number | undefined> {
    const now = clock.now();
    let current = application;
    let state = current.status?.operationState;
    const inProgress = state !== undefined && (state.phase === "Running" || state.phase === "Terminating");
    if (!inProgress) {
      if (current.operation === undefined) return undefined;
      if (current.operation.sync === undefined) {
        await finish(
          current,
          {
            operation: current.operation,
            phase: "Error",
            message: "Invalid operation request: no operation specified",
            startedAt: wholeSeconds(now),
            finishedAt: wholeSeconds(now),
          },
          hints,
        );
        return undefined;
      }
      state = { operation: current.operation, phase: "Running", startedAt: wholeSeconds(now) };
      current = await patchOperationState(current, state);
      delete hints.nextPassAt;
    }
    if (state === undefined) return undefined;
    const resumeAt = retryAt(state);
    if (resumeAt !== undefined) {
      if (now < resumeAt) return resumeAt - now;
      const { finishedAt: _finishedAt, syncResult, ...rest } = state;
      state = {
        ...rest,
        ...(syncResult === undefined ? {} : { syncResult: { ...syncResult, resources: [] } }),
      };
      current = await patchOperationState(current, state);
    }
    if (state.phase === "Running" && hints.nextPassAt !== undefined && now < hints.nextPassAt)
      return hints.nextPassAt - now;
    delete hints.nextPassAt;

    const sync = state.operation.sync ?? {};
    const source = sync.source ?? sourceOf(current.spec) ?? { repoURL: "" };
    let outcome: PassOutcome;
    let revision: string;
    try {
      revision = state.syncResult?.revision ?? (await commitOf(git, source, sync.revision));
      const read = await states.read(current, {
        revision,
        source,
        fresh: false,
        render: false,
        everyKind: false,
      });
      const errors = [
        ...(read.refused === undefined ? [] : [read.refused]),
        ...read.conditions.filter(({ type }) => /Error$/.test(type)),
      ];
      if (errors.length > 0) {
        const message = errors.map((condition) => `${condition.type}: ${condition.message}`).join(";");
        outcome = { phase: "Error", message, results: state.syncResult?.resources ?? [], waveApplied: false };
      } else {
        const request = { application: current, operation: state, revision, state: read };
        outcome =
          state.phase === "Terminating"
            ? await terminateSync(client, request)
            : await runSyncPass(client, request);
      }
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      revision = sync.revision ?? "";
      outcome = { phase: "Error", message: error.message, results: [], waveApplied: false };
    }
    const managed = current.spec.syncPolicy?.managedNamespaceMetadata;
    const next: OperationState = {
      ...state,
      message: outcome.message,
      phase: state.phase === "Terminating" && outcome.phase === "Running" ? "Terminating" : outcome.phase,
      syncResult: {
        ...(outcome.results.length === 0 ? {} : { resources: [...outcome.results] }),
        revision,
        source,
        ...(managed === undefined ? {} : { managedNamespaceMetadata: managed }),
      },
    };
    if (outcome.phase === "Running") {
      if (outcome.waveApplied) hints.nextPassAt = clock.now() + waveDelayMs;
      await patchOperationState(current, next);
      return outcome.waveApplied ? waveDelayMs : operationPollMs;
    }
    const finished = wholeSeconds(clock.now());
    if (outcome.phase === "Succeeded") await finish(current, { ...next, finishedAt: finished }, hints);
    else {
      const mayRetry = state.phase !== "Terminating";
      const ended = afterFailure(next, outcome.message, clock.now(), mayRetry);
      if (ended.phase === "Running") {
        await patchOperationState(current, ended);
        return Math.max(0, (retryAt(ended) ?? 0) - clock.now());
      }
      await finish(current, ended, hints);
    }
    return undefined;
  }

  /** Ends an operation: its state, the history of what was deployed, and the request itself gone, in one write. */
  async function finish(application: Application, state: OperationState, hints: Hints): Promise<void> {
    const sync = state.operation.sync;
    const deployed =
      state.phase === "Succeeded" && sync?.dryRun !== true && (sync?.resources?.length ?? 0) === 0;
    const history = deployed ? withDeployment(application, state) : application.status?.history;
    hints.requested = state.operation.initiatedBy?.automated === true ? "latest" : "forced";
    const before = application.status ?? {};
    const after: ApplicationStatus = {
      ...before,
      operationState: state,
      ...(history === undefined ? {} : { history }),
    };
    await patch(application, { operation: null, ...wrap("status", mergePatch(before, after)) });
    const what = (sync?.resources?.length ?? 0) > 0 ? "Partial sync operation" : "Sync operation";
    const where = state.syncResult === undefined ? what : `${what} to ${state.syncResult.revision}`;
    if (state.phase === "Succeeded")
      record(application, "Normal", "OperationCompleted", `${where} succeeded`);
    else record(application, "Warning", "OperationCompleted", `${where} failed: ${state.message ?? ""}`);
  }

  /** Brings a deletion on; what holds it up is told in a condition. */
  async function finalize(application: Application): Promise<Requeue | undefined> {
    try {
      const uids = await deleteApplication(client, states, application);
      owners.set(refKey(application.metadata), application.metadata, uids);
      return uids.size === 0 ? undefined : { requeueAfterMs: operationPollMs };
    } catch (error) {
      if (!(error instanceof SourceError) && !(error instanceof StatusError)) throw error;
      const { message } = error;
      const found = [{ type: "DeletionError", message } as const];
      const before = application.status?.conditions;
      const conditions = replaceConditions(before, found, ["DeletionError"], wholeSeconds(clock.now()));
      if (mergePatch(before, conditions) !== undefined) {
        const told = `Unable to delete application resources: ${message}`;
        record(application, "Warning", "StatusRefreshed", told);
        await patch(application, { status: { conditions } });
      }
      return { requeueAfterMs: operationPollMs };
    }
  }

  const patch = (application: Application, body: object): Promise<Application> =>
    client.patch(Application, refOfApplication(application), { type: "merge", body }, { fieldManager });

  async function patchOperationState(application: Application, state: OperationState): Promise<Application> {
    const change = mergePatch(application.status?.operationState, state);
    return change === undefined
      ? application
      : await patch(application, { status: { operationState: change } });
  }

  return {
    name: "applications",
    kind: Application,
    watches: (options.watchedKinds ?? watchedByDefault).map((kind) => owners.watch(kind)),
    async reconcile(ref: Ref): Promise<Requeue | undefined> {
      const key = refKey(ref);
      let application: Application;
      try {
        application = await client.get(Application, ref);
      } catch (error) {
        if (!isNotFound(error)) throw error;
        remembered.delete(key);
        owners.delete(key);
        return undefined;
      }
      if (application.metadata.annotations?.["argocd.argoproj.io/skip-reconcile"] === "true")
        return undefined;
      const hints = remembered.get(key) ?? {};
      remembered.set(key, hints);
      if (application.metadata.deletionTimestamp !== undefined) {
        return await finalize(application);
      }
      const refreshed = await refresh(application, hints);
      const operationMs = await operate(refreshed.application, hints);
      return { requeueAfterMs: Math.min(refreshed.waitMs, operationMs ?? Number.POSITIVE_INFINITY) };
    },
  };
}

/** What happens to a managed object or its pods must be seen at once for health and self-heal. */
export const watchedByDefault: readonly Kind[] = builtInKinds.filter(({ kind }) =>
  [
    "ConfigMap",
    "Secret",
    "Service",
    "Pod",
    "Deployment",
    "ReplicaSet",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "Ingress",
  ].includes(kind),
);

function tellChanges(
  before: ApplicationStatus,
  after: ApplicationStatus,
  tell: (reason: string, message: string) => void,
): void {
  const from = { sync: before.sync?.status, health: before.health?.status };
  const to = { sync: after.sync?.status, health: after.health?.status };
  if (from.sync !== to.sync)
    tell("ResourceUpdated", `Updated sync status: ${from.sync ?? ""} -> ${to.sync ?? ""}`);
  if (from.health !== to.health)
    tell("ResourceUpdated", `Updated health status: ${from.health ?? ""} -> ${to.health ?? ""}`);
}

/** The commit a sync goes to: the one it names, or what its name resolves to. */
async function commitOf(
  git: GitRepositories,
  source: { repoURL: string; targetRevision?: string },
  revision: string | undefined,
): Promise<string> {
  return await git.resolve(source.repoURL, revision ?? source.targetRevision ?? "");
}

/** An Application that names no project belongs to `default`, and is told so. */
const projectField = (application: Application): object =>
  application.spec.project === "" || application.spec.project === undefined
    ? { spec: { project: "default" } }
    : {};

const metadataChange = (change: object): object =>
  Object.keys(change).length === 0 ? {} : { metadata: change };

const wrap = (field: string, value: unknown): object => (value === undefined ? {} : { [field]: value });

const refOfApplication = ({ metadata: { namespace, name } }: Application): Ref =>
  namespace === undefined ? { name } : { namespace, name };
