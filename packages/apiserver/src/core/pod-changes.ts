import { isObject, type KubeObject } from "@tracegate/kube";

interface PodSpec {
  readonly containers?: readonly unknown[];
  readonly initContainers?: readonly unknown[];
  readonly ephemeralContainers?: readonly unknown[];
}

const specOf = (pod: KubeObject): PodSpec => (pod as { spec?: PodSpec }).spec ?? {};

/** What a write through `ephemeralcontainers` changes: these containers, nothing else of the pod. */
export function withEphemeralContainers(pod: KubeObject, before: KubeObject): KubeObject {
  const { ephemeralContainers: _, ...rest } = specOf(before);
  const { ephemeralContainers } = specOf(pod);
  const spec = { ...rest, ...(ephemeralContainers === undefined ? {} : { ephemeralContainers }) };
  return { ...before, spec } as KubeObject;
}

/** What a write through `resize` changes: the resources of containers. Others than were there are left to validation. */
export function withResources(pod: KubeObject, before: KubeObject): KubeObject {
  const [now, old] = [specOf(pod), specOf(before)];
  const lists = ["containers", "initContainers"] as const;
  if (lists.some((list) => (now[list] ?? []).length !== (old[list] ?? []).length)) return pod;
  const changed = lists.flatMap((list) => {
    const former = old[list];
    if (former === undefined) return [];
    return [[list, former.map((container, i) => resized(container, now[list]?.[i]))]];
  });
  return { ...before, spec: { ...old, ...Object.fromEntries(changed) } } as KubeObject;
}

function resized(former: unknown, container: unknown): unknown {
  if (!isObject(former) || !isObject(container)) return former;
  const { resources, resizePolicy, name } = container;
  return { ...former, name, resources, ...(resizePolicy === undefined ? {} : { resizePolicy }) };
}
