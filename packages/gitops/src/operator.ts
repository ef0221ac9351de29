import type { Clock } from "@tracegate/contracts";
import type { ResourceClient } from "@tracegate/kube";
import type { ApplicationState, StateReader } from "./application-state.ts";
import { refOf } from "./apply.ts";
import { fieldManager } from "./field-manager.ts";
import { mergePatch } from "./merge-patch.ts";
import { type PassOutcome, runSyncPass, terminateSync } from "./operation.ts";
import type { RefreshLevel } from "./refresh.ts";
import { invalidDestination, sourceOf } from "./spec.ts";
import { withDeployment } from "./status.ts";
import { afterFailure, retryAt, wholeSeconds } from "./sync/retry.ts";
import { permitsSync } from "./sync-permission.ts";
import {
  Application,
  type ApplicationSource,
  type ApplicationStatus,
  type OperationState,
} from "./types/application.ts";

export type RecordEvent = (
  application: Application,
  type: "Normal" | "Warning",
  reason: string,
  message: string,
) => void;

/** What is remembered of an Application's operation between passes. */
export interface OperationHints {
  /** The comparison that an ended operation asks for. */
  requested?: RefreshLevel;
  /** The next pass of the running sync may begin. */
  nextPassAt?: number;
}

/** How often a running operation is looked at where no watched object tells of it. */
export const operationPollMs = 5000;

export interface OperatorOptions {
  readonly client: ResourceClient;
  readonly clock: Clock;
  readonly states: StateReader;
  readonly record: RecordEvent;
  /** Between two waves of a sync. */
  readonly waveDelayMs: number;
}

/** Brings a sync that is asked for or running one pass on, and tells after how many milliseconds to look again. */
export type Operator = (application: Application, hints: OperationHints) => Promise<number | undefined>;

/** An operation and the Application as it was last written. */
interface Running {
  readonly application: Application;
  readonly state: OperationState;
}

export function operator({ client, clock, states, record, waveDelayMs }: OperatorOptions): Operator {
  /** The running operation, or the one that is asked for, begun. */
  async function begun(application: Application, hints: OperationHints): Promise<Running | undefined> {
    const { operation } = application;
    const state = application.status?.operationState;
    if (state?.phase === "Running" || state?.phase === "Terminating") return { application, state };
    if (operation === undefined) return undefined;
    const startedAt = wholeSeconds(clock.now());
    delete hints.nextPassAt;
    if (operation.sync !== undefined)
      return await writeState(application, { operation, phase: "Running", startedAt });
    const message = "Invalid operation request: no operation specified";
    await finish(
      application,
      { operation, phase: "Error", message, startedAt, finishedAt: startedAt },
      hints,
    );
    return undefined;
  }

  /**
   * An attempt that follows a failed one starts over, without what that one recorded. ⚠ What it recorded stays written until this
   * attempt records something itself, as upstream: where its first pass only clears a hook away, the next one finds the old failure.
   */
  async function resumed({ application, state }: Running): Promise<Running> {
    if (retryAt(state) === undefined) return { application, state };
    const { finishedAt: _finishedAt, ...begins } = state;
    const { syncResult: _syncResult, ...anew } = begins;
    return { application: (await writeState(application, begins)).application, state: anew };
  }

  /** One pass over what Git and the API say now; a sync stays with the commit it began with. */
  async function pass({ application, state }: Running): Promise<PassOutcome & Synced> {
    const sync = state.operation.sync ?? {};
    const source = sync.source ?? sourceOf(application.spec) ?? { repoURL: "" };
    const begunWith = state.syncResult?.revision;
    const nowhere = invalidDestination(application.spec.destination);
    if (nowhere !== undefined) {
      const results = state.syncResult?.resources ?? [];
      return {
        phase: "Failed",
        message: nowhere,
        results,
        waveApplied: false,
        revision: begunWith ?? "",
        source,
      };
    }
    const targetRevision = sync.revision ?? source.targetRevision;
    const read = await states.read(application, {
      ...(begunWith === undefined || begunWith === "" ? {} : { revision: begunWith }),
      source: targetRevision === undefined || begunWith ? source : { ...source, targetRevision },
      fresh: false,
      render: false,
      everyKind: false,
    });
    const revision = read.revision ?? begunWith ?? sync.revision ?? "";
    // ⚠ As upstream, the first pass takes every sync for one that nobody asked for.
    const manual = state.message !== undefined && state.operation.initiatedBy?.automated !== true;
    if (!permitsSync(application, read, manual, clock.now())) {
      const message = "Sync operation blocked by sync window";
      return {
        phase: "Running",
        message,
        results: state.syncResult?.resources ?? [],
        waveApplied: false,
        revision,
        source,
      };
    }
    const failure = failureOf(application, read);
    if (failure !== undefined) {
      const results = state.syncResult?.resources ?? [];
      return { phase: "Error", message: failure, results, waveApplied: false, revision, source };
    }
    const request = { application, operation: state, revision, state: read };
    const outcome =
      state.phase === "Terminating"
        ? await terminateSync(client, request)
        : await runSyncPass(client, request);
    return { ...outcome, revision, source };
  }

  /** Writes what a pass came to. */
  async function conclude(
    { application, state }: Running,
    outcome: PassOutcome & Synced,
    hints: OperationHints,
  ): Promise<number | undefined> {
    const next = stateAfter(application, state, outcome);
    if (outcome.phase === "Running") {
      if (outcome.waveApplied) hints.nextPassAt = clock.now() + waveDelayMs;
      await writeState(application, next);
      return outcome.waveApplied ? waveDelayMs : operationPollMs;
    }
    const now = clock.now();
    const ended =
      outcome.phase === "Succeeded"
        ? { ...next, finishedAt: wholeSeconds(now) }
        : afterFailure(next, outcome.message, now, state.phase !== "Terminating");
    if (ended.phase === "Running") {
      await writeState(application, ended);
      return Math.max(0, (retryAt(ended) ?? 0) - now);
    }
    await finish(application, ended, hints);
    return undefined;
  }

  /** Ends an operation: its state, the history of what was deployed, and the request itself gone, in one write. */
  async function finish(
    application: Application,
    state: OperationState,
    hints: OperationHints,
  ): Promise<void> {
    const { sync, initiatedBy } = state.operation;
    const partial = (sync?.resources?.length ?? 0) > 0;
    const deployed = state.phase === "Succeeded" && sync?.dryRun !== true && !partial;
    const history = deployed ? withDeployment(application, state) : application.status?.history;
    hints.requested = initiatedBy?.automated === true ? "latest" : "forced";
    const before = application.status ?? {};
    const after: ApplicationStatus = {
      ...before,
      operationState: withWritten(before.operationState, state),
      ...(history === undefined ? {} : { history }),
    };
    await patchApplication(client, application, {
      operation: null,
      ...wrap("status", mergePatch(before, after)),
    });
    const what = partial ? "Partial sync operation" : "Sync operation";
    const where = state.syncResult === undefined ? what : `${what} to ${state.syncResult.revision}`;
    if (state.phase === "Succeeded")
      record(application, "Normal", "OperationCompleted", `${where} succeeded`);
    else record(application, "Warning", "OperationCompleted", `${where} failed: ${state.message ?? ""}`);
  }

  async function writeState(application: Application, state: OperationState): Promise<Running> {
    const before = application.status?.operationState;
    const change = mergePatch(before, withWritten(before, state));
    if (change === undefined) return { application, state };
    const body = { status: { operationState: change } };
    return { application: await patchApplication(client, application, body), state };
  }

  return async (application, hints) => {
    const running = await begun(application, hints);
    if (running === undefined) return undefined;
    const now = clock.now();
    const resumeAt = retryAt(running.state);
    if (resumeAt !== undefined && now < resumeAt) return resumeAt - now;
    const current = await resumed(running);
    const { nextPassAt } = hints;
    if (current.state.phase === "Running" && nextPassAt !== undefined && now < nextPassAt)
      return nextPassAt - now;
    delete hints.nextPassAt;
    return await conclude(current, await pass(current), hints);
  };
}

/** Which commit of which source a pass was over. */
interface Synced {
  readonly revision: string;
  readonly source: ApplicationSource;
}

/** A state as it is written: what it leaves out stays as it was, but for the time of an end. */
function withWritten(before: OperationState | undefined, state: OperationState): OperationState {
  if (before === undefined) return state;
  const { finishedAt: _finishedAt, ...kept } = before;
  const syncResult = state.syncResult && { ...before.syncResult, ...state.syncResult };
  return { ...kept, ...state, ...(syncResult === undefined ? {} : { syncResult }) };
}

/** Why nothing can be synchronised: every condition that is an error. */
function failureOf({ status }: Application, { refused, conditions }: ApplicationState): string | undefined {
  // ⚠ What the last comparison said of the spec still stands, and is told beside what this one finds.
  const told = (status?.conditions ?? []).filter(({ type }) => type === "InvalidSpecError");
  const errors = [
    ...(refused === undefined || told.length > 0 ? [] : [refused]),
    ...told,
    ...conditions.filter(({ type }) => type === "ComparisonError" || type === "InvalidSpecError"),
  ].sort((a, b) => (a.type < b.type ? -1 : a.type > b.type ? 1 : 0));
  if (errors.length === 0) return undefined;
  return errors.map(({ type, message }) => `${type}: ${message}`).join(";");
}

function stateAfter(
  application: Application,
  state: OperationState,
  { phase, message, results, revision, source }: PassOutcome & Synced,
): OperationState {
  const managed = application.spec.syncPolicy?.managedNamespaceMetadata;
  return {
    ...state,
    message,
    phase: state.phase === "Terminating" && phase === "Running" ? "Terminating" : phase,
    syncResult: {
      ...(results.length === 0 ? {} : { resources: [...results] }),
      revision,
      source,
      ...(managed === undefined ? {} : { managedNamespaceMetadata: managed }),
    },
  };
}

export const patchApplication = (
  client: ResourceClient,
  application: Application,
  body: object,
): Promise<Application> =>
  client.patch(Application, refOf(application), { type: "merge", body }, { fieldManager });

/** A patch's field, left out when there is nothing to change. */
export const wrap = (field: string, value: unknown): object =>
  value === undefined ? {} : { [field]: value };
