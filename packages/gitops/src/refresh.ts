import { sameJson } from "./compare/three-way-merge.ts";
import { hasOtherNamespaceMetadata, isAutomated, sourceOf } from "./spec.ts";
import type { Application } from "./types/application.ts";

export const refreshAnnotation = "argocd.argoproj.io/refresh";
export const hydrateAnnotation = "argocd.argoproj.io/hydrate";

/**
 * How much a comparison asks anew: `recent` compares live objects with the revision compared last, `latest` also asks
 * Git (through its cache), `forced` asks the remote, `hard` renders again as well.
 */
export type RefreshLevel = "recent" | "latest" | "forced" | "hard";

/** What the controller remembers of an Application between calls. Losing it costs a comparison, never a decision. */
export interface RefreshHints {
  /** When Git was asked last, by the clock. */
  readonly polledAt?: number;
  /** Asked for by an operation that ended. */
  readonly requested?: RefreshLevel;
  /** One of its objects has changed since the last comparison. */
  readonly changed?: boolean;
  /** When a sync that has to wait is to be thought about again. */
  readonly lookAgainAt?: number;
  /** Whether it was synchronised automatically when it was looked at last. */
  readonly automated?: boolean;
}

/**
 * Which level the next comparison needs; none when nothing has happened that one would tell of. ⚠ Of the spec only what decides a
 * comparison counts: another project or other sync options are seen with the next one, as upstream.
 */
export function refreshLevel(
  application: Application,
  hints: RefreshHints,
  now: number,
  pollIntervalMs: number,
): RefreshLevel | undefined {
  const asked = application.metadata.annotations?.[refreshAnnotation];
  if (asked === "hard") return "hard";
  const compared = application.status?.sync?.comparedTo;
  if (asked !== undefined || hints.requested === "forced") return "forced";
  if (compared === undefined || !sameJson(compared.source, sourceOf(application.spec))) return "forced";
  if (!sameJson(compared.destination, application.spec.destination)) return "latest";
  if (hasOtherNamespaceMetadata(application)) return "latest";
  if (!sameJson(compared.ignoreDifferences, application.spec.ignoreDifferences)) return "latest";
  if (hints.requested === "latest" || hints.polledAt === undefined || now - hints.polledAt >= pollIntervalMs)
    return "latest";
  if (hints.automated === false && isAutomated(application)) return "latest";
  if (hints.lookAgainAt !== undefined && now >= hints.lookAgainAt) return "latest";
  return hints.changed === true ? "recent" : undefined;
}
