import { formatTime, jsonEqual, type KubeObject, type ObjectMeta } from "@tracegate/kube";
import type { ApiContext } from "./context.ts";
import { generateName, generateUid } from "./names.ts";
import { plainError } from "./refusals.ts";
import type { ServedKind } from "./served-kinds.ts";

/** Fields that the server alone sets; what a client sends for them is ignored. */
const SERVER_FIELDS = [
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "selfLink",
] as const;

/** Built-in kinds with a generation, and whether annotations count (upstream's strategies differ kind by kind). */
const GENERATION_RULES: Readonly<
  Record<string, "spec" | "spec+annotations" | "content" | "content+labels" | "never">
> = {
  Pod: "spec",
  "Deployment.apps": "spec+annotations",
  "ReplicaSet.apps": "spec",
  "StatefulSet.apps": "spec",
  "DaemonSet.apps": "spec",
  "Job.batch": "spec",
  "CronJob.batch": "spec",
  ReplicationController: "spec",
  "NetworkPolicy.networking.k8s.io": "spec",
  "Ingress.networking.k8s.io": "spec",
  "IngressClass.networking.k8s.io": "spec",
  "PodDisruptionBudget.policy": "spec",
  "EndpointSlice.discovery.k8s.io": "content+labels",
  "CustomResourceDefinition.apiextensions.k8s.io": "spec",
  "PriorityClass.scheduling.k8s.io": "never",
  PodTemplate: "content",
};

const ruleOf = ({ group, kind }: ServedKind) => GENERATION_RULES[group === "" ? kind : `${kind}.${group}`];

/** Metadata of a new object: name made up where only a prefix is given, server fields set. */
export function newMetadata(
  { clock, random }: ApiContext,
  served: ServedKind,
  sent: ObjectMeta,
  namespace: string | undefined,
): ObjectMeta {
  if (sent.resourceVersion !== undefined && sent.resourceVersion !== "") {
    throw plainError("resourceVersion should not be set on objects to be created");
  }
  const metadata: ObjectMeta = { ...sent };
  for (const field of SERVER_FIELDS) delete metadata[field as keyof ObjectMeta];
  const prefix = sent.generateName ?? "";
  metadata.name = sent.name || (prefix === "" ? "" : generateName(prefix, random));
  if (namespace === undefined) delete metadata.namespace;
  else metadata.namespace = namespace;
  metadata.uid = generateUid(random);
  metadata.creationTimestamp = formatTime(clock.now());
  if (served.custom !== undefined || ruleOf(served) !== undefined) metadata.generation = 1;
  // Kinds without a generation keep the one that they were given.
  else if (sent.generation !== undefined && sent.generation !== 0) metadata.generation = sent.generation;
  return metadata;
}

/**
 * Metadata of a changed object: what the client may set, and the server's fields as stored. A uid or a time of deletion that
 * was sent stays, to be found wrong where it is another.
 */
export function changedMetadata(sent: ObjectMeta, stored: ObjectMeta): ObjectMeta {
  const metadata: ObjectMeta = { ...sent };
  for (const field of [
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "selfLink",
    "namespace",
  ] as const) {
    delete metadata[field as keyof ObjectMeta];
  }
  const kept = ["resourceVersion", "generation", "creationTimestamp", "selfLink", "namespace"];
  if ((sent.uid ?? "") === "") kept.push("uid");
  if (stored.deletionTimestamp !== undefined) kept.push("deletionTimestamp");
  if (sent.deletionGracePeriodSeconds === undefined) kept.push("deletionGracePeriodSeconds");
  return { ...metadata, ...pick(stored, kept) };
}

function pick(metadata: ObjectMeta, fields: readonly string[]): Partial<ObjectMeta> {
  return Object.fromEntries(Object.entries(metadata).filter(([field]) => fields.includes(field)));
}

/** Whether the change asks for another state of the world, so that the generation rises. */
export function isNewGeneration(served: ServedKind, before: KubeObject, after: KubeObject): boolean {
  if (before.metadata.generation === undefined) return false;
  if (served.custom !== undefined) {
    const ignored = served.custom.version.subresources?.status === undefined ? [] : ["status"];
    return !jsonEqual(without(before, ignored), without(after, ignored));
  }
  switch (ruleOf(served)) {
    case "spec":
      return !jsonEqual(specOf(before), specOf(after));
    case "spec+annotations":
      return (
        !jsonEqual(specOf(before), specOf(after)) ||
        !jsonEqual(before.metadata.annotations ?? {}, after.metadata.annotations ?? {})
      );
    case "content":
      return !jsonEqual(without(before, []), without(after, []));
    case "content+labels":
      return (
        !jsonEqual(without(before, []), without(after, [])) ||
        !jsonEqual(before.metadata.labels ?? {}, after.metadata.labels ?? {})
      );
    default:
      return false;
  }
}

const specOf = (object: KubeObject): unknown => ("spec" in object ? object.spec : undefined);

function without(object: KubeObject, fields: readonly string[]): object {
  const content: { [key: string]: unknown } = { ...object };
  for (const field of ["metadata", "apiVersion", "kind", ...fields]) delete content[field];
  return content;
}
