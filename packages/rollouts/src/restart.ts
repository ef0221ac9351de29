import { parseTime } from "@tracegate/kube";
import { maxUnavailable } from "./canary-replicas.ts";
import { allReplicaSets, availableOf, hashOf, type Pass, sizeOf, sum, wakeIn } from "./pass.ts";
import { hashLabel } from "./types.ts";

/**
 * Evicts pods that are older than `spec.restartAt`, as many at a time as may be missing. True when pods were evicted:
 * a canary's pass ends then.
 */
export function restartPods(pass: Pass): boolean {
  const { rollout, before, now } = pass;
  const { restartAt } = rollout.spec;
  const at = parseTime(restartAt ?? "");
  if (restartAt === undefined || at === undefined || before.restartedAt === restartAt) return false;
  if (at > now) {
    wakeIn(pass, at - now);
    return false;
  }
  const sets = allReplicaSets(pass);
  const order = [pass.stableRS, pass.newRS, ...pass.otherRSs].filter(
    (rs, i, all) =>
      rs !== undefined && all.findIndex((other) => other?.metadata.name === rs.metadata.name) === i,
  );
  const unavailable = Math.max(1, maxUnavailable(rollout, pass.replicas));
  let budget = sum(sets, availableOf) - (Math.max(pass.replicas, sum(sets, sizeOf)) - unavailable);
  let old = 0;
  let evicted = 0;
  for (const rs of order) {
    const pods = pass.snapshot.pods.filter(({ metadata }) => metadata.labels?.[hashLabel] === hashOf(rs));
    for (const pod of pods.toSorted((a, b) =>
      (a.metadata.creationTimestamp ?? "").localeCompare(b.metadata.creationTimestamp ?? ""),
    )) {
      if ((parseTime(pod.metadata.creationTimestamp ?? "") ?? now) >= at) continue;
      if (pod.metadata.deletionTimestamp !== undefined) continue;
      old++;
      if (budget <= 0) continue;
      pass.actions.push({ do: "evictPod", name: pod.metadata.name });
      budget--;
      evicted++;
    }
  }
  if (old === 0) pass.restartedAt = restartAt;
  else if (evicted < old) wakeIn(pass, 30_000);
  return evicted > 0;
}
