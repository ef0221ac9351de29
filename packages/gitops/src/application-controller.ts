import type { Clock } from "@tracegate/contracts";
import type { Controller, Requeue } from "@tracegate/controller-runtime";
import { isNotFound, type Kind, type Ref, type ResourceClient, refKey, StatusError } from "@tracegate/kube";
import { type ApplicationState, type StateReader, stateReader } from "./application-state.ts";
import { deleteApplication } from "./deletion.ts";
import { finalizersFor } from "./deletion-plan.ts";
import { type GitRepositories, SourceError } from "./git/repositories.ts";
import { builtInKinds } from "./kinds.ts";
import { mergePatch } from "./merge-patch.ts";
import {
  type OperationHints,
  operationPollMs,
  operator,
  patchApplication,
  type RecordEvent,
  wrap,
} from "./operator.ts";
import { OwnerIndex } from "./owner-index.ts";
import { readHere, type SourceReader } from "./reading/source-reader.ts";
import { hydrateAnnotation, refreshAnnotation, refreshLevel } from "./refresh.ts";
import { isAutomated } from "./spec.ts";
import { comparedStatus, replaceConditions } from "./status.ts";
import { decideAutoSync } from "./sync/auto-sync.ts";
import { wholeSeconds } from "./sync/retry.ts";
import { permitsSync } from "./sync-permission.ts";
import { Application, type ApplicationStatus } from "./types/application.ts";

export interface ApplicationControllerOptions {
  readonly client: ResourceClient;
  readonly clock: Clock;
  readonly git: GitRepositories;
  /** Who renders; absent: this process. */
  readonly sources?: SourceReader;
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
  readonly recordEvent?: RecordEvent;
}

/** What is remembered of one Application. Losing it costs a comparison, never a decision. */
interface Hints extends OperationHints {
  polledAt?: number;
  repoErrorSince?: number;
  changed?: boolean;
  lookAgainAt?: number;
  automated?: boolean;
}

/** Keeps Applications as Git says: compares, synchronises, prunes, heals, and writes down what it found. */
export function applicationController(options: ApplicationControllerOptions): Controller<Application> {
  const { client, clock, git, sources = readHere(git) } = options;
  const pollIntervalMs = options.pollIntervalMs ?? 120_000;
  const resyncIntervalMs = options.resyncIntervalMs ?? 120_000;
  const graceMs = options.repoErrorGraceMs ?? 180_000;
  const waveDelayMs = options.waveDelayMs ?? 2000;
  const record = options.recordEvent ?? (() => {});
  const states: StateReader = stateReader({ client, git, sources });
  const remembered = new Map<string, Hints>();
  const owners = new OwnerIndex();
  const operate = operator({ client, clock, states, record, waveDelayMs });

  /** A timer may fire a little early, and watch events come in between: the poll keeps its own time. */
  const untilLook = ({ polledAt, lookAgainAt = Number.POSITIVE_INFINITY }: Hints): number => {
    const pollAt = polledAt === undefined ? clock.now() + pollIntervalMs : polledAt + pollIntervalMs;
    return Math.max(1, Math.min(pollAt, lookAgainAt) - clock.now());
  };

  /** Compares, writes what changed, and starts a sync where the policy asks for one. */
  async function refresh(
    application: Application,
    hints: Hints,
  ): Promise<{ application: Application; waitMs: number }> {
    const now = clock.now();
    const level = refreshLevel(application, hints, now, pollIntervalMs);
    hints.automated = isAutomated(application);
    if (level === undefined) return { application, waitMs: untilLook(hints) };
    const asksGit = level !== "recent";
    if (asksGit) hints.polledAt = now;
    delete hints.requested;
    delete hints.changed;
    delete hints.lookAgainAt;
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
      if (now - hints.repoErrorSince < graceMs) return { application, waitMs: untilLook(hints) };
    } else if (state.unreachable !== true) delete hints.repoErrorSince;

    const started = await startAutomatically(application, state);
    const current = await writeComparison(started.application, state, {
      complaint: started.complaint,
      asksGit,
    });
    if (started.waitMs !== Number.POSITIVE_INFINITY) hints.lookAgainAt = now + started.waitMs;
    return { application: current, waitMs: untilLook(hints) };
  }

  /** Writes an operation where the policy asks for one now. */
  async function startAutomatically(
    application: Application,
    state: ApplicationState,
  ): Promise<{ application: Application; waitMs: number; complaint?: string }> {
    const later = Number.POSITIVE_INFINITY;
    if (state.refused !== undefined || state.revision === undefined || state.targets === undefined)
      return { application, waitMs: later };
    // What kept the last sync from succeeding stays true while a window is closed.
    if (!permitsSync(application, state, false, clock.now()))
      return { application, waitMs: later, ...complaintOf(application) };
    const decision = decideAutoSync({
      application,
      status: state.comparison.status,
      revision: state.revision,
      source: state.source,
      resources: state.comparison.resources.map(({ status }) => status),
      now: clock.now(),
    });
    if (decision.do === "complain") return { application, waitMs: later, complaint: decision.message };
    if (decision.do === "wait") return { application, waitMs: decision.ms };
    if (decision.do === "nothing") return { application, waitMs: later };
    // Someone may be asking for a sync at this very moment: then this write is refused and all is looked at again.
    const { resourceVersion } = application.metadata;
    const current = await patchApplication(client, application, {
      metadata: { resourceVersion },
      operation: decision.operation,
      status: { operationState: null },
    });
    record(application, "Normal", "OperationStarted", `Initiated automated sync to '${state.revision}'`);
    return { application: current, waitMs: later };
  }

  /** Writes what a comparison changed, in one patch, and takes the request for it away. */
  async function writeComparison(
    application: Application,
    state: ApplicationState,
    { complaint, asksGit }: { complaint: string | undefined; asksGit: boolean },
  ): Promise<Application> {
    const now = clock.now();
    const before = application.status ?? {};
    const status = comparedStatus(application, state, complaint, wholeSeconds(now));
    const changed =
      mergePatch({ ...before, reconciledAt: "" }, { ...status, reconciledAt: "" }) !== undefined;
    const stale =
      before.reconciledAt === undefined ||
      now - Date.parse(before.reconciledAt) >= resyncIntervalMs ||
      // Whoever waits for a sync waits until it has been compared after it.
      Date.parse(before.reconciledAt) < Date.parse(before.operationState?.finishedAt ?? "");
    const annotations = application.metadata.annotations ?? {};
    const asked = annotations[refreshAnnotation] !== undefined;
    if (asksGit && state.refused === undefined && (changed || stale || asked))
      status.reconciledAt = wholeSeconds(now);
    const finalizers =
      state.deletionHooks === undefined ? undefined : finalizersFor(application, state.deletionHooks);
    const body = {
      ...metadataChange({
        ...(asked || annotations[hydrateAnnotation] !== undefined
          ? { annotations: { [refreshAnnotation]: null, [hydrateAnnotation]: null } }
          : {}),
        ...(finalizers === undefined ? {} : { finalizers }),
      }),
      ...projectField(application),
      ...wrap("status", mergePatch(before, status)),
    };
    const written =
      Object.keys(body).length === 0 ? application : await patchApplication(client, application, body);
    tellChanges(before, status, (reason, message) => record(application, "Normal", reason, message));
    return written;
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
        await patchApplication(client, application, { status: { conditions } });
      }
      return { requeueAfterMs: operationPollMs };
    }
  }

  return {
    name: "applications",
    kind: Application,
    watches: (options.watchedKinds ?? watchedByDefault).map((kind) =>
      owners.watch(kind, (ref) => {
        const hints = remembered.get(refKey(ref));
        if (hints !== undefined) hints.changed = true;
      }),
    ),
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
      const refreshed = await refresh(application, hints).catch((error: unknown) => {
        // What asked for the comparison asks still.
        hints.requested = "forced";
        throw error;
      });
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

const complaintOf = ({ status }: Application): { complaint?: string } => {
  const complaint = status?.conditions?.find(({ type }) => type === "SyncError")?.message;
  return complaint === undefined ? {} : { complaint };
};

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

/** An Application that names no project belongs to `default`, and is told so. */
const projectField = (application: Application): object =>
  application.spec.project === "" || application.spec.project === undefined
    ? { spec: { project: "default" } }
    : {};

const metadataChange = (change: object): object =>
  Object.keys(change).length === 0 ? {} : { metadata: change };
