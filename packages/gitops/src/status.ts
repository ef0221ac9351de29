import { sameJson } from "./compare/three-way-merge.ts";
import { isObject } from "./manifest.ts";
import type { ApplicationCondition, ConditionType } from "./types/application.ts";

/** The JSON merge patch (RFC 7386) that makes `to` of `from`; undefined when they are the same. */
export function mergePatch(from: unknown, to: unknown): unknown {
  if (sameJson(from, to)) return undefined;
  if (!isObject(from) || !isObject(to)) return to;
  const patch: Record<string, unknown> = {};
  for (const key of Object.keys(from))
    if (to[key] === undefined && from[key] !== undefined) patch[key] = null;
  for (const [key, value] of Object.entries(to)) {
    if (value === undefined) continue;
    const change = mergePatch(from[key], value);
    if (change !== undefined) patch[key] = change;
  }
  return patch;
}

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
];
