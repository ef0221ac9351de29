import type { Application, ApplicationSet, OperationState, ResourceResult } from "@tracegate/gitops";
import type { Difference } from "./difference.ts";

// What of a recording must agree with a run. Order holds within one aspect of one object: each aspect is a track of its
// distinct values, because states a few milliseconds apart may come otherwise, or as one.

/** A state of an object, as recordings keep it. */
export interface ObjectState {
  /** Milliseconds since the start. */
  readonly t: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly kind: string;
  readonly name: string;
  readonly deleting?: boolean;
  readonly operation?: Application["operation"];
  readonly status?: Application["status"] & ApplicationSet["status"];
}

export type Tracks = Record<string, unknown>;

/** The tracks of every object. */
export function tracksOf(states: readonly ObjectState[]): Tracks {
  const tracks: Tracks = {};
  const objects = Map.groupBy(states, ({ kind, name }) => `${kind} ${name}`);
  for (const [object, own] of objects) {
    const isSet = object.startsWith("ApplicationSet ");
    Object.assign(tracks, prefixed(object, isSet ? setTracks(own) : applicationTracks(own)));
  }
  return tracks;
}

function setTracks(states: readonly ObjectState[]): Tracks {
  const conditions = states.map(({ status }) =>
    (status?.conditions ?? []).map((condition) => {
      const { type, status: value, reason, message } = condition as { type: string; status: string; reason: string; message: string };
      return `${type}=${value} ${reason}: ${message}`;
    }),
  );
  return { conditions: distinct(conditions).filter((entry) => entry.length > 0), exists: states.at(-1)?.type !== "DELETED" };
}

function applicationTracks(states: readonly ObjectState[]): Tracks {
  const deletedAt = states.findIndex(({ deleting, type }) => deleting === true || type === "DELETED");
  // While an Application is deleted its status follows what happens to be gone already.
  const alive = deletedAt < 0 ? states : states.slice(0, deletedAt);
  const { runs } = operationRuns(alive);
  const last = alive.at(-1)?.status;
  return {
    sync: distinct(
      alive.map(({ status }) => (status?.sync?.status ? `${status.sync.status}@${status.sync.revision ?? ""}` : "")),
    ).filter((entry) => entry !== ""),
    health: distinct(alive.map(({ status }) => status?.health?.status ?? "")).filter((entry) => entry !== ""),
    conditions: distinct(alive.map(({ status }) => (status?.conditions ?? []).map(({ type, message }) => `${type}: ${message}`))),
    operations: runs,
    history: (last?.history ?? []).map(({ id, revision, initiatedBy, source }) => ({ id, revision, initiatedBy, source })),
    resources: last?.resources ?? [],
    sourceType: last?.sourceType ?? "",
    images: last?.summary?.images ?? [],
    exists: states.at(-1)?.type !== "DELETED",
  };
}

interface Run {
  operation: unknown;
  states: string[];
  /** Each resource's own sequence. */
  results: Record<string, string[]>;
  order: string[];
}

/** Syncs one after another. A self-heal that found nothing to do right after a success is the stale cache of the real one. */
export function operationRuns(states: readonly ObjectState[]): { runs: Run[]; dropped: { endedAt: number }[] } {
  const groups: { heals: number; states: ObjectState[] }[] = [];
  for (const state of states) {
    const operation = state.status?.operationState;
    if (operation === undefined) continue;
    const heals = operation.operation.sync?.autoHealAttemptsCount ?? 0;
    const group = groups.at(-1);
    const begins = operation.phase === "Running" && operation.syncResult === undefined && operation.message === undefined;
    if (group === undefined || (begins && !sameOperation(group.states.at(-1)?.status?.operationState, operation))) {
      groups.push({ heals, states: [state] });
    } else group.states.push(state);
  }
  const runs: Run[] = [];
  const dropped: { endedAt: number }[] = [];
  // Attempts to heal are counted for one revision: those that count as not made are not counted.
  let uncounted = { revision: "", attempts: 0 };
  groups.forEach((group, index) => {
    const { revision = "" } = group.states[0]?.status?.operationState?.operation.sync ?? {};
    if (uncounted.revision !== revision) uncounted = { revision, attempts: 0 };
    if (index > 0 && isStaleHeal(group, groups[index - 1]?.states ?? [])) {
      uncounted.attempts++;
      dropped.push({ endedAt: group.states.find(({ status }) => status?.operationState?.phase === "Succeeded")?.t ?? 0 });
    } else runs.push(runOf(group.states, uncounted.attempts));
  });
  return { runs, dropped };
}

/** An operation with fewer attempts to heal behind it. */
function withoutAttempts(operation: OperationState["operation"] | undefined, attempts: number): unknown {
  const count = operation?.sync?.autoHealAttemptsCount;
  if (count === undefined || attempts === 0) return operation;
  return { ...operation, sync: { ...operation?.sync, autoHealAttemptsCount: count - attempts } };
}

function sameOperation(before: OperationState | undefined, now: OperationState): boolean {
  return before?.phase === "Running" && before.startedAt === now.startedAt && JSON.stringify(before.operation) === JSON.stringify(now.operation);
}

function isStaleHeal(group: { heals: number; states: readonly ObjectState[] }, before: readonly ObjectState[]): boolean {
  const results = group.states.flatMap(({ status }) => status?.operationState?.syncResult?.resources ?? []);
  const last = before.findLast(({ status }) => status?.operationState?.phase === "Succeeded");
  const ended = before.find(({ status }) => status?.operationState?.phase === "Succeeded");
  const started = group.states[0]?.t ?? 0;
  const succeeded = group.states.some(({ status }) => status?.operationState?.phase === "Succeeded");
  // What was pruned before leaves nothing to tell. A custom resource is `configured`, because only its status moved on meanwhile.
  const harmless = results.every(({ message = "", kind }) => message.endsWith(" unchanged") || (kind === "Rollout" && message.endsWith(" configured")));
  return group.heals > 0 && last !== undefined && harmless && succeeded && started - (ended?.t ?? 0) < 500;
}

function runOf(states: readonly ObjectState[], uncounted: number): Run {
  const results: Record<string, string[]> = {};
  const order: string[] = [];
  for (const { status } of states) {
    for (const result of status?.operationState?.syncResult?.resources ?? []) {
      const key = `${result.syncPhase} ${result.group}/${result.kind}/${result.name}`;
      if (!order.includes(key)) order.push(key);
      const sequence = (results[key] ??= []);
      const text = resultText(result);
      if (sequence.at(-1) !== text) sequence.push(text);
    }
  }
  return {
    operation: withoutAttempts(states[0]?.status?.operationState?.operation, uncounted),
    states: distinct(
      states.map(({ status }) => {
        const { phase, message, retryCount } = status?.operationState ?? {};
        return `${phase}: ${message ?? ""}${retryCount ? ` [retry ${retryCount}]` : ""}`;
      }),
    ),
    results,
    order,
  };
}

function resultText({ status, hookPhase, hookType, message, images }: ResourceResult): string {
  return `${status ?? "-"} ${hookPhase ?? "-"} ${hookType ?? ""} ${message ?? ""} ${images?.join(",") ?? ""}`;
}

function distinct<T>(values: readonly T[]): T[] {
  return values.filter((value, index) => index === 0 || JSON.stringify(value) !== JSON.stringify(values[index - 1]));
}

const prefixed = (name: string, tracks: Tracks): Tracks =>
  Object.fromEntries(Object.entries(tracks).map(([track, value]) => [`${name}: ${track}`, value]));

/** Where two sets of tracks part, each once; empty when they agree. */
export function differencesOf(recorded: Tracks, run: Tracks): Difference[] {
  const names = new Set([...Object.keys(recorded), ...Object.keys(run)]);
  return [...names].flatMap((name) => {
    const found = firstDifference(recorded[name], run[name]);
    return found === undefined ? [] : [{ ...found, what: `${name}${found.what}` }];
  });
}

function firstDifference(a: unknown, b: unknown, path = ""): Difference | undefined {
  if (JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))) return undefined;
  if (isContainer(a) && isContainer(b) && Array.isArray(a) === Array.isArray(b)) {
    const own = a as Record<string, unknown>;
    const other = b as Record<string, unknown>;
    for (const key of new Set([...Object.keys(own), ...Object.keys(other)])) {
      const inner = firstDifference(own[key], other[key], `${path}.${key}`);
      if (inner !== undefined) return inner;
    }
  }
  return { what: path, expected: JSON.stringify(a) ?? "nothing", got: JSON.stringify(b) ?? "nothing" };
}

const isContainer = (value: unknown): value is object => typeof value === "object" && value !== null;

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isContainer(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1)).map(([key, child]) => [key, sorted(child)]));
}
