import { type ContainerStatus, type Pod, parseTime } from "@tracegate/kube";

/** Neither ended nor on its way out: what counts towards a controller's number. */
export function isActive({ metadata, status }: Pod): boolean {
  return (
    metadata.deletionTimestamp === undefined && status?.phase !== "Succeeded" && status?.phase !== "Failed"
  );
}

export function isReady(pod: Pod): boolean {
  return readyCondition(pod)?.status === "True";
}

/** Since when the pod is ready, as the API tells it (whole seconds). */
export function readySince(pod: Pod): number | undefined {
  const condition = readyCondition(pod);
  return condition?.status === "True" ? parseTime(condition.lastTransitionTime ?? "") : undefined;
}

/** When a pod that stays ready becomes available; undefined while it is not ready. */
export function availableAt(pod: Pod, minReadySeconds: number): number | undefined {
  if (!isReady(pod)) return undefined;
  if (minReadySeconds === 0) return Number.NEGATIVE_INFINITY;
  const since = readySince(pod);
  return since === undefined ? undefined : since + minReadySeconds * 1000;
}

export function isAvailable(pod: Pod, minReadySeconds: number, now: number): boolean {
  return (availableAt(pod, minReadySeconds) ?? Number.POSITIVE_INFINITY) <= now;
}

/** How long until the next ready pod becomes available; undefined when none is on the way. */
export function nextAvailabilityMs(
  pods: readonly Pod[],
  minReadySeconds: number,
  now: number,
): number | undefined {
  let next: number | undefined;
  for (const pod of pods) {
    const at = availableAt(pod, minReadySeconds);
    if (at !== undefined && at > now && (next === undefined || at - now < next)) next = at - now;
  }
  return next;
}

/** Of the container that was restarted most. */
export function restartCount({ status }: Pod): number {
  const all: readonly ContainerStatus[] = [
    ...(status?.containerStatuses ?? []),
    ...(status?.initContainerStatuses ?? []),
  ];
  return Math.max(0, ...all.map((container) => container.restartCount));
}

const readyCondition = ({ status }: Pod) => status?.conditions?.find(({ type }) => type === "Ready");
