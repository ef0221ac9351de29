import { AnalysisRun } from "@tracegate/analysis";
import type { Clock } from "@tracegate/contracts";
import { type Controller, controllerOf } from "@tracegate/controller-runtime";
import { type ResourceClient, undefinedIfNotFound } from "@tracegate/kube";
import { Rollout } from "@tracegate/rollouts";
import type { EvidenceArchive } from "./archive.ts";
import { decidedRelease } from "./decision.ts";
import { evidencePackage } from "./evidence-package.ts";

/** Writes a go/no-go package for each release that a Rollout has decided about: one an attempt. */
export function evidenceController(options: {
  client: ResourceClient;
  clock: Clock;
  archive: EvidenceArchive;
  written?(directory: string): void;
}): Controller<Rollout> {
  const { client, clock, archive, written } = options;
  return {
    name: "evidence",
    kind: Rollout,
    watches: [{ kind: AnalysisRun, map: controllerOf(Rollout) }],
    async reconcile(ref) {
      const rollout = await client.get(Rollout, ref).catch(undefinedIfNotFound);
      if (rollout === undefined) return undefined;
      const revision = Number(rollout.metadata.annotations?.["rollout.argoproj.io/revision"] ?? 0);
      const archived = await archive.read(ref, revision);
      const { items } = await client.list(
        AnalysisRun,
        ref.namespace === undefined ? {} : { namespace: ref.namespace },
      );
      const runs = items.filter(({ metadata }) =>
        metadata.ownerReferences?.some(({ uid }) => uid === rollout.metadata.uid),
      );
      const last = archived.at(-1);
      // Seen with the runs of its own attempt, the newest decision must come out as it was written.
      const earlier = new Set(archived.slice(0, -1).flatMap(({ runUids }) => runUids));
      if (last !== undefined && decidedRelease(rollout, runs, earlier)?.decision === last.decision)
        return undefined;
      const decided = decidedRelease(rollout, runs, new Set(archived.flatMap(({ runUids }) => runUids)));
      if (decided === undefined) return undefined;
      const decidedAt = new Date(clock.now()).toISOString();
      const evidence = evidencePackage(decided, (last?.attempt ?? 0) + 1, decidedAt);
      const directory = await archive.write(
        evidence,
        decided.runs.map(({ metadata }) => metadata.uid ?? ""),
      );
      written?.(directory);
      return undefined;
    },
  };
}
