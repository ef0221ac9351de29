import type { Event, Pod } from "@tracegate/kube";

/** Starting takes a moment; what a pod says of itself before that is no trouble. */
const patienceMs = 5000;

/**
 * Why pods do not become ready, with what to look at: one entry for all pods of a kind that say the same. A pod that
 * starts, or ends, has nothing to say yet.
 */
export function unreadyPods(pods: readonly Pod[], events: readonly Event[], now: number): string[] {
  const told = new Map<string, Pod[]>();
  for (const pod of pods) {
    const why = troubleOf(pod, events, now);
    if (why === undefined) continue;
    const kind = `${pod.metadata.namespace}/${pod.metadata.ownerReferences?.[0]?.uid ?? pod.metadata.name} ${why.told}`;
    told.set(kind, [...(told.get(kind) ?? []), pod]);
  }
  return [...told.values()].flatMap(([pod, ...others]) => {
    const why = pod === undefined ? undefined : troubleOf(pod, events, now);
    if (pod === undefined || why === undefined) return [];
    const { name, namespace } = pod.metadata;
    const alike = others.length === 0 ? "" : ` (and ${others.length} like it)`;
    return `pod ${name}${alike}: ${why.text}; see: kubectl ${why.look} ${name} -n ${namespace}`;
  });
}

interface Trouble {
  readonly text: string;
  /** The text without what differs from pod to pod. */
  readonly told: string;
  /** The command that tells more. */
  readonly look: "logs" | "describe pod";
}

function troubleOf({ metadata, status }: Pod, events: readonly Event[], now: number): Trouble | undefined {
  if (metadata.deletionTimestamp !== undefined || status?.phase === "Succeeded") return undefined;
  const age = now - Date.parse(metadata.creationTimestamp ?? "");
  if (!(age > patienceMs)) return undefined;
  for (const { ready, state, lastState } of status?.containerStatuses ?? []) {
    if (ready) continue;
    const { waiting } = state ?? {};
    if (waiting?.reason === "CrashLoopBackOff") {
      const { exitCode, reason } = lastState?.terminated ?? {};
      const end = reason === "OOMKilled" ? "was killed for its memory" : `ended with exit code ${exitCode}`;
      return trouble(`CrashLoopBackOff, its program ${end}`, "logs");
    }
    if (waiting !== undefined && waiting.reason !== "ContainerCreating")
      return trouble([waiting.reason, waiting.message].filter(Boolean).join(": "), "describe pod");
    const probe = events.findLast(
      ({ involvedObject, reason }) => involvedObject.uid === metadata.uid && reason === "Unhealthy",
    )?.message;
    if (state?.running !== undefined && probe !== undefined) {
      const refused = probe.includes("connection refused");
      return trouble(
        `${probe}${refused ? " (does its program listen on this port, on 0.0.0.0?)" : ""}`,
        "logs",
      );
    }
  }
  return undefined;
}

const trouble = (text: string, look: Trouble["look"]): Trouble => ({
  text,
  told: text.replace(/\d+\.\d+\.\d+\.\d+/g, ""),
  look,
});
