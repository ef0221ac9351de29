import { isObject, jsonEqual, type KubeObject } from "@tracegate/kube";
import { commitChange } from "./committing.ts";
import type { ApiContext, ObjectRef, WriteRequest } from "./context.ts";
import { asVersion } from "./conversion.ts";
import { withOwners } from "./field-ownership.ts";
import { changedMetadata, isNewGeneration } from "./object-metadata.ts";
import {
  forUpdate,
  objectErrors,
  objectWarnings,
  withDefaults,
  withTemplateGeneration,
} from "./object-rules.ts";
import { admitPodUpdate } from "./pod-admission.ts";
import { withEphemeralContainers, withResources } from "./pod-changes.ts";
import { keyFor, storedObject } from "./reading.ts";
import { checkAddressed, checkIdentity, receive } from "./receiving.ts";
import { badRequest, invalid, notFound, qualified } from "./refusals.ts";
import { apiVersionOfResource, hasSubresource, type ServedKind } from "./served-kinds.ts";
import { allocateServiceAddresses } from "./service-addresses.ts";
import { isServices, withKeptAddresses } from "./service-form.ts";

/** The current object as a function of which the next one is made: a PUT's body, or a patch applied. */
export type Change = (current: KubeObject) => KubeObject;

/** Writes that say what is, not what shall be: the generation stays. */
const OF_NO_GENERATION: ReadonlySet<string> = new Set(["status", "finalize", "binding"]);

export function updateObject(
  ctx: ApiContext,
  served: ServedKind,
  ref: ObjectRef,
  subresource: string,
  change: Change,
  request: WriteRequest = {},
): KubeObject {
  const own = (next: KubeObject, current: KubeObject) => {
    return withOwners(ctx, served, current, next, subresource, request);
  };
  return changeObject(ctx, served, ref, subresource, change, own, request);
}

export function changeObject(
  ctx: ApiContext,
  served: ServedKind,
  ref: ObjectRef,
  subresource: string,
  change: Change,
  own: (next: KubeObject, current: KubeObject) => KubeObject,
  request: WriteRequest,
): KubeObject {
  const entry = ctx.store.get(keyFor(served, ref.namespace, ref.name));
  if (entry === undefined) throw notFound(served, ref.name);
  const current = asVersion(storedObject(entry.value), apiVersionOfResource(served));
  const sent = change(current);
  const received = receive(served, sent, request, current);
  checkAddressed(served, ref.namespace, received);
  checkIdentity(served, ref, current, received, request);
  const prepared = prepareChanged(served, subresource, current, received, own);
  const errors = objectErrors(ctx, served, prepared, { before: current, subresource });
  if (errors.length > 0) throw invalid(served, ref.name, errors);
  const addressed = isServices(served) && subresource === "";
  const next = addressed
    ? allocateServiceAddresses(ctx, prepared, { before: current, dryRun: request.dryRun === true })
    : prepared;
  if (!OF_NO_GENERATION.has(subresource) && isNewGeneration(served, current, next)) {
    next.metadata = { ...next.metadata, generation: (current.metadata.generation ?? 0) + 1 };
  }
  if (isSame(current, next)) return current;
  request.admit?.(next);
  for (const warning of objectWarnings(served, next, current)) request.warn?.(warning);
  if (request.dryRun === true) return next;
  return commitChange(ctx, served, entry, next);
}

function prepareChanged(
  served: ServedKind,
  subresource: string,
  current: KubeObject,
  received: KubeObject,
  own: (next: KubeObject, current: KubeObject) => KubeObject,
): KubeObject {
  const metadata = changedMetadata(received.metadata, current.metadata);
  const split = hasSubresource(served, "status");
  const { status: oldStatus } = current as { status?: unknown };
  const { status: newStatus } = received as { status?: unknown };
  switch (subresource) {
    case "":
    case "scale":
    case "binding": {
      const kept = split ? { status: oldStatus } : {};
      const complete = withDefaults(served, withoutUndefined({ ...received, metadata, ...kept }));
      const next = ownedChange(served, complete, current, own);
      if (isServices(served)) return withKeptAddresses(next, current);
      return isPods(served) && subresource === "" ? admitPodUpdate(next, current) : next;
    }
    case "status": {
      const owned = served.custom === undefined ? metadataWithStatus(served, metadata, current) : metadata;
      const status = isPods(served) ? withQosClass(newStatus, oldStatus) : newStatus;
      const complete = withDefaults(served, withoutUndefined({ ...current, metadata: owned, status }));
      const next = ownedChange(served, complete, current, own);
      return served.custom === undefined ? next : withMetadataOf(next, current);
    }
    case "ephemeralcontainers":
      return own(withDefaults(served, withEphemeralContainers({ ...received, metadata }, current)), current);
    case "resize":
      return own(withDefaults(served, withResources({ ...received, metadata }, current)), current);
    case "finalize": {
      const { finalizers } = (received as { spec?: { finalizers?: string[] } }).spec ?? {};
      const left = withoutUndefined({ ...current, metadata, spec: { finalizers: finalizers ?? [] } });
      return own(withDefaults(served, left), current);
    }
    default:
      throw badRequest(`subresource ${subresource} cannot be updated`);
  }
}

/** Custom kinds keep their metadata whatever is sent with a status; only who says it is written down. */
function withMetadataOf(next: KubeObject, { metadata }: KubeObject): KubeObject {
  const { managedFields } = next.metadata;
  const { managedFields: _, ...kept } = metadata;
  return { ...next, metadata: { ...kept, ...(managedFields === undefined ? {} : { managedFields }) } };
}

/** The change with its owners and what an update keeps whatever was sent. */
function ownedChange(
  served: ServedKind,
  changed: KubeObject,
  current: KubeObject,
  own: (next: KubeObject, current: KubeObject) => KubeObject,
): KubeObject {
  const formed = qualified(served) === "daemonsets.apps" ? withTemplateGeneration(changed) : changed;
  return forUpdate(served, own(formed, current), current);
}

const isPods = (served: ServedKind): boolean => qualified(served) === "pods";

/** The class of a pod is found at its birth: whoever leaves it out does not take it away. */
function withQosClass(status: unknown, before: unknown): unknown {
  const { qosClass } = (before ?? {}) as { qosClass?: string };
  if (qosClass === undefined || !isObject(status ?? {})) return status;
  const { qosClass: own } = (status ?? {}) as { qosClass?: string };
  return (own ?? "") === "" ? { ...(status as object), qosClass } : status;
}

/** Built-in kinds let a status write change metadata too, but not owners, and Deployments not their labels. */
function metadataWithStatus(served: ServedKind, metadata: KubeObject["metadata"], current: KubeObject) {
  const { ownerReferences, labels } = current.metadata;
  const { ownerReferences: _, ...rest } = metadata;
  const owned = ownerReferences === undefined ? rest : { ...rest, ownerReferences };
  if (qualified(served) !== "deployments.apps") return owned;
  const { labels: __, ...unlabelled } = owned;
  return labels === undefined ? unlabelled : { ...unlabelled, labels };
}

/** Whether a write would change nothing: it keeps the resourceVersion then and nobody is told. */
function isSame(current: KubeObject, next: KubeObject): boolean {
  const bare = ({ metadata, ...content }: KubeObject) => ({
    ...content,
    // When an owner last wrote is no change by itself.
    metadata: { ...metadata, managedFields: metadata.managedFields?.map(({ time: _, ...entry }) => entry) },
  });
  return jsonEqual(bare(current), bare(next));
}

function withoutUndefined<T extends object>(object: T): T {
  // Only keys whose value is undefined are dropped, so the type stands.
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
