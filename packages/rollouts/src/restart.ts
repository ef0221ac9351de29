import { type Pod, parseTime } from "@tracegate/kube";
import { maxUnavailable } from "./canary-replicas.ts";
import { allReplicaSets, type Pass, sizeOf, sum, wakeIn } from "./pass.ts";

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
  const pods = pass.snapshot.pods.filter(({ metadata }) =>
    metadata.ownerReferences?.some(({ uid }) => sets.some((rs) => rs.metadata.uid === uid)),
  );
  const unavailable = Math.max(1, maxUnavailable(rollout, pass.replicas));
  const available = pods.filter((pod) => isAvailable(pod, rollout.spec.minReadySeconds ?? 0, now)).length;
  let budget = available - (Math.max(pass.replicas, sum(sets, sizeOf)) - unavailable);
  let old = 0;
  let evicted = 0;
  for (const pod of pods) {
    if ((parseTime(pod.metadata.creationTimestamp ?? "") ?? now) >= at) continue;
    old++;
    if (budget <= 0 || pod.metadata.deletionTimestamp !== undefined) continue;
    pass.actions.push({ do: "evictPod", name: pod.metadata.name });
    budget--;
    evicted++;
  }
  if (evicted === old) pass.restartedAt = restartAt;
  else wakeIn(pass, 30_000);
  return evicted > 0;
}

/** Ready for long enough, and not on its way out. */
function isAvailable({ metadata, status }: Pod, minReadySeconds: number, now: number): boolean {
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  if (ready?.status !== "True" || metadata.deletionTimestamp !== undefined) return false;
  return (
    minReadySeconds === 0 ||
    (parseTime(ready.lastTransitionTime ?? "") ?? now) + minReadySeconds * 1000 <= now
  );
}
