import type { ApplicationState } from "./application-state.ts";
import { sourceOf } from "./spec.ts";
import type {
  Application,
  ApplicationCondition,
  ApplicationStatus,
  ConditionType,
  OperationState,
  RevisionHistory,
} from "./types/application.ts";

/**
 * Conditions after types in `evaluated` were looked at again: those found now stand, others of these types go, the rest
 * stays. A condition that says what it said keeps its time. Sorted by type.
 */
export function replaceConditions(
  current: readonly ApplicationCondition[] | undefined,
  found: readonly ApplicationCondition[],
  evaluated: readonly ConditionType[],
  now: string,
): ApplicationCondition[] {
  const kept = (current ?? []).filter(({ type }) => !evaluated.includes(type));
  const renewed = found.map(({ type, message }) => {
    const same = current?.find((condition) => condition.type === type && condition.message === message);
    return { type, message, lastTransitionTime: same?.lastTransitionTime ?? now };
  });
  return [...kept, ...renewed].sort((a, b) => (a.type < b.type ? -1 : a.type > b.type ? 1 : 0));
}

/** What a comparison decides anew each time. */
export const comparisonConditions: readonly ConditionType[] = [
  "ComparisonError",
  "InvalidSpecError",
  "UnknownError",
  "SharedResourceWarning",
  "RepeatedResourceWarning",
  "ExcludedResourceWarning",
  "OrphanedResourceWarning",
];

/** The status after a comparison. */
export function comparedStatus(
  application: Application,
  state: ApplicationState,
  complaint: string | undefined,
  now: string,
): ApplicationStatus {
  const before = application.status ?? {};
  const syncError = complaint === undefined ? [] : [{ type: "SyncError" as const, message: complaint }];
  const conditions = replaceConditions(
    before.conditions,
    [...(state.refused === undefined ? state.conditions : [state.refused]), ...syncError],
    [...comparisonConditions, "SyncError"],
    now,
  );
  const {
    conditions: _conditions,
    resources: _resources,
    summary: _summary,
    sourceType: _sourceType,
    ...kept
  } = before;
  const { ignoreDifferences, destination } = application.spec;
  const healthNow = state.refused === undefined ? state.comparison.health : "Unknown";
  const since = before.health?.status === healthNow ? before.health.lastTransitionTime : now;
  const health = { status: healthNow, ...(since === undefined ? {} : { lastTransitionTime: since }) };
  // ⚠ Of what may not be compared the last comparison stands, as upstream.
  if (state.refused !== undefined && before.sync !== undefined)
    return { ...before, conditions, sync: { ...before.sync, status: "Unknown" }, health };
  return {
    ...kept,
    ...(conditions.length === 0 ? {} : { conditions }),
    sync: {
      status: state.refused === undefined ? state.comparison.status : "Unknown",
      comparedTo: {
        source: state.source,
        destination,
        ...(ignoreDifferences === undefined ? {} : { ignoreDifferences }),
      },
      ...(state.targets === undefined || state.revision === undefined ? {} : { revision: state.revision }),
    },
    health,
    ...(state.comparison.resources.length === 0
      ? {}
      : { resources: state.comparison.resources.map(({ status }) => status) }),
    summary: state.live.images.length === 0 ? {} : { images: [...state.live.images] },
    ...(state.sourceType === undefined || state.targets === undefined
      ? {}
      : { sourceType: state.sourceType }),
    resourceHealthSource: "appTree",
    ...(application.metadata.namespace === undefined
      ? {}
      : { controllerNamespace: application.metadata.namespace }),
  };
}

/** The history with what a successful sync deployed; the oldest entries go beyond the limit. */
export function withDeployment(application: Application, state: OperationState): RevisionHistory[] {
  const history = application.status?.history ?? [];
  const limit = application.spec.revisionHistoryLimit ?? 10;
  const result = state.syncResult;
  if (result === undefined) return history;
  const deployment: RevisionHistory = {
    id: (history.at(-1)?.id ?? -1) + 1,
    revision: result.revision,
    source: result.source ?? sourceOf(application.spec) ?? { repoURL: "" },
    deployStartedAt: state.startedAt,
    deployedAt: state.finishedAt ?? state.startedAt,
    initiatedBy: state.operation.initiatedBy ?? {},
  };
  return limit === 0 ? [] : [...history, deployment].slice(-limit);
}
