import type { Application } from "@tracegate/gitops";

/** Why what is committed is not deployed: commits that GitOps cannot find, render or apply, each with its words. */
export const refusedCommits = (applications: readonly Application[]): string[] =>
  applications.flatMap(refusedCommit);

const refusedCommit = ({ metadata: { name }, status }: Application): string[] => {
  const { phase, message, syncResult } = status?.operationState ?? {};
  const said = (status?.conditions ?? []).filter(({ type }) => type.endsWith("Error"));
  if (said.length > 0) return said.map((condition) => `application ${name}: ${condition.message}`);
  if (status?.sync?.status !== "OutOfSync" || (phase !== "Failed" && phase !== "Error")) return [];
  // An attempt at an earlier commit says nothing of this one.
  return syncResult?.revision === status.sync.revision ? [`application ${name}: ${message}`] : [];
};
