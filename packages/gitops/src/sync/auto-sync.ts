import { sameJson } from "../compare/three-way-merge.ts";
import { retryOf } from "../spec.ts";
import type { Application, ApplicationSource, Operation, ResourceStatus } from "../types/application.ts";

export interface AutoSyncInput {
  readonly application: Application;
  /** What the comparison just found. */
  readonly status: "Synced" | "OutOfSync" | "Unknown";
  readonly revision: string;
  readonly source: ApplicationSource;
  readonly resources: readonly ResourceStatus[];
  readonly now: number;
}

export type AutoSyncDecision =
  | { readonly do: "nothing" }
  | { readonly do: "start"; readonly operation: Operation }
  /** Self-heal waits for its back-off. */
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "complain"; readonly message: string };

/** Whether the Application is to be synchronised now without anyone asking. The order of the questions is upstream's. */
export function decideAutoSync({
  application,
  status,
  revision,
  source,
  resources,
  now,
}: AutoSyncInput): AutoSyncDecision {
  const nothing: AutoSyncDecision = { do: "nothing" };
  const automated = application.spec.syncPolicy?.automated;
  if (automated === undefined || automated.enabled === false) return nothing;
  if (application.operation !== undefined || application.metadata.deletionTimestamp !== undefined)
    return nothing;
  const last = application.status?.operationState;
  if (last?.phase === "Running" || last?.phase === "Terminating") return nothing;
  if (status !== "OutOfSync") return nothing;

  // Live hooks are among them, as upstream; no sync of chosen resources runs them.
  const different = resources.filter((resource) => resource.status !== "Synced");
  if (automated.prune !== true && different.every(({ requiresPruning }) => requiresPruning === true))
    return nothing;

  const { syncPolicy } = application.spec;
  const operation: Operation = {
    sync: {
      revision,
      ...(automated.prune === true ? { prune: true } : {}),
      ...(syncPolicy?.syncOptions === undefined ? {} : { syncOptions: syncPolicy.syncOptions }),
    },
    initiatedBy: { automated: true },
    retry: syncPolicy?.retry === undefined ? { limit: 5 } : retryOf(syncPolicy.retry),
  };

  const attempted =
    last?.syncResult !== undefined &&
    last.syncResult.revision === revision &&
    sameJson(last.syncResult.source, source);
  if (attempted) {
    if (last.phase !== "Succeeded") {
      return { do: "complain", message: `Failed sync attempt to ${revision}: ${last.message ?? ""}` };
    }
    if (automated.selfHeal !== true) return nothing;
    const finished = last.finishedAt === undefined ? now : Date.parse(last.finishedAt);
    const rested = now - finished >= selfHealCooldownMs && application.status?.sync?.status === "Synced";
    const attempts = rested ? 0 : (last.operation.sync?.autoHealAttemptsCount ?? 0);
    const wait = finished + selfHealDelayMs(attempts) - now;
    if (wait > 0) return { do: "wait", ms: wait };
    operation.sync = {
      ...operation.sync,
      autoHealAttemptsCount: attempts + 1,
      resources: different.map(({ group, kind, name }) => ({ ...(group ? { group } : {}), kind, name })),
    };
  }
  const wipesOut =
    automated.prune === true &&
    automated.allowEmpty !== true &&
    resources.length > 0 &&
    resources.every(({ requiresPruning }) => requiresPruning === true);
  if (wipesOut) {
    return {
      do: "complain",
      message: `Skipping sync attempt to ${revision}: auto-sync will wipe out all resources`,
    };
  }
  return { do: "start", operation };
}

/** After so long without drift self-heal counts its attempts anew. */
const selfHealCooldownMs = 330_000;

/** Self-heal waits 0, 2, 6, 18, … seconds, at most 300, after so many attempts in a row. */
export function selfHealDelayMs(attempts: number): number {
  return attempts === 0 ? 0 : Math.min(300_000, 2000 * 3 ** (attempts - 1));
}
